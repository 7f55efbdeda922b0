"""Convolutions with the channels first, in a graph of TensorFlow's: what Keras and tf2onnx get wrong of them, settled before conversion.

Where a bias is added: Keras 3 takes a bias for one of the last axis where the output is as wide as it has channels (`keras.ops.add`).
TensorFlow's kernels follow it, but for plain convolutions of graphs (those that `fit` and `predict` run): there the bias is fused into the
convolution, which adds it to the channels. tf2onnx fuses in other cases than TensorFlow. The settled graph says it without doubt.

How large a transposed convolution's output is: tf2onnx looks for the sizes at the places of channels last where they are not constants.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from onnx_bridge.frontends.exported import require

_TRANSPOSED = {"Conv2DBackpropInput", "Conv3DBackpropInputV2"}
_CONVOLUTIONS = {"Conv2D", "Conv3D", "DepthwiseConv2dNative", *_TRANSPOSED}

#: What may stand between a convolution and its bias: one over one axis is one over two, squeezed; a dilated one is one of small images.
_BETWEEN = {"Squeeze", "BatchToSpaceND"}


@dataclass
class Settled:
    """A graph in which convolutions with the channels first are what TensorFlow's graphs compute.

    Attributes:
        graph: the GraphDef.
        channels: names of biases that are added to the channels, although Keras says otherwise.
        width: names of biases that are added along the width.
    """

    graph: Any
    channels: list[str] = field(default_factory=list)
    width: list[str] = field(default_factory=list)

    def notes(self) -> list[str]:
        """What is said of the biases in the report."""
        why = "where the output is as wide as it has channels, Keras takes the bias for one of the last axis"
        made = []
        if self.channels:
            made.append(
                f"Keras contradicts itself: called directly the model adds the bias of {_spelt(self.channels)} along the width ({why}); "
                f"its graph, which fit and predict run, adds it to the channels. The graph is believed"
            )
        if self.width:
            made.append(f"Keras adds the bias of {_spelt(self.width)} along the width, not to the channels ({why}); so does the header")
        return made


def settled_definition(graph: Any) -> Settled:
    """Settles the convolutions of a GraphDef, for tf2onnx."""
    if not any(_first(node) for node in graph.node):
        return Settled(graph)
    tf = require("tensorflow", "Keras", "keras")
    with tf.Graph().as_default() as shaped:
        tf.graph_util.import_graph_def(graph, name="")
    return settled(shaped, sizes=True)


def settled(shaped: Any, sizes: bool) -> Settled:
    """Settles the convolutions of a graph.

    Args:
        shaped: a tf.Graph, which remains as it is; its shapes are looked at.
        sizes: whether to write the sizes of transposed convolutions as constants with an open batch, which tf2onnx takes and XLA does not.
    """
    graph = shaped.as_graph_def()
    made = Settled(type(graph)(versions=graph.versions, library=graph.library))
    for node in graph.node:
        operation = shaped.get_operation_by_name(node.name)
        copy = made.graph.node.add()
        copy.CopyFrom(node)
        if node.op == "BiasAdd" and not _format(node).startswith(b"NC"):
            _settle_bias(copy, operation, made)
        elif sizes and node.op in _TRANSPOSED and _first(node):
            copy.input[0] = _sizes(made.graph, operation) or node.input[0]
    return made


def _settle_bias(node: Any, operation: Any, made: Settled) -> None:
    behind = [operation.inputs[0].op]
    while behind[-1].type in _BETWEEN:
        behind.append(behind[-1].inputs[0].op)
    if not _first(behind[-1].node_def):
        return
    if _fused(behind[-1]) and all(between.type == "Squeeze" for between in behind[:-1]):
        node.attr["data_format"].s = b"NCHW"
        made.channels.append(node.name)
    else:
        node.op = "AddV2"
        del node.attr["data_format"]
        made.width.append(node.name)


def _fused(convolution: Any) -> bool:
    """Whether TensorFlow's optimiser of graphs fuses a bias into the convolution, where oneDNN computes it."""
    if convolution.type != "Conv2D" or set(convolution.get_attr("dilations")) != {1}:
        return False
    given, kernel = (tensor.shape for tensor in convolution.inputs)
    return bool(given.rank is not None and kernel.rank is not None and given[1] == kernel[2])  # else its channels are in groups


def _sizes(graph: Any, operation: Any) -> str:
    """The name of a constant that holds the sizes of an operation's output, but for the batch; none where they are not known."""
    shape = operation.outputs[0].shape
    if shape.rank is None or None in shape.as_list()[1:]:
        return ""
    tf = require("tensorflow", "Keras", "keras")
    node = graph.node.add()
    node.op, node.name = "Const", f"{operation.name}/sizes"
    node.attr["dtype"].type = operation.inputs[0].dtype.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto([-1, *shape.as_list()[1:]], operation.inputs[0].dtype))
    return str(node.name)


def _spelt(names: list[str]) -> str:
    return ", ".join(repr(name.rpartition("/")[0] or name) for name in names)


def _format(node: Any) -> bytes:
    return bytes(node.attr["data_format"].s) if "data_format" in node.attr else b""


def _first(node: Any) -> bool:
    return node.op in _CONVOLUTIONS and _format(node).startswith(b"NC")
