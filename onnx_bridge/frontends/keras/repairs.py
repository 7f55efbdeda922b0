"""What tf2onnx gets wrong, put right in the ONNX model; and what it leaves behind, refused."""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np
import onnx

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.halves import with_types_that_onnx_has
from onnx_bridge.graphs import all_graphs, all_nodes, attribute, rename, replace_initializers, set_attributes, unknown_operators

#: Outputs of these are optional; TensorFlow's functions name all of them.
_RECURRENT = {"GRU", "LSTM", "RNN"}


def refuse_foreign(model: onnx.ModelProto, layers: Collection[str] = ()) -> None:
    """Refuses operators of TensorFlow: tf2onnx leaves in ONNX's own domain what it cannot convert, and says so only in its log.

    Args:
        model: what tf2onnx made.
        layers: names of the model's layers.

    Raises:
        ExportError: naming the operators and the layers that they are of.
    """
    foreign: dict[str, list[str]] = {}
    for node in unknown_operators(model):
        foreign.setdefault(node.op_type, []).append(_layer(node.name, layers))
    if foreign:
        spelt = "; ".join(f"{op} of {', '.join(dict.fromkeys(layers))}" for op, layers in sorted(foreign.items()))
        raise ExportError(
            f"tf2onnx has no ONNX operators for these operators of TensorFlow: {spelt}. Replace the layer by one that needs no such "
            f"operator, take it out of the model (before: preprocessing, behind: postprocessing), or declare its function with "
            f"onnx_bridge.custom_op"
        )


def _layer(node: str, layers: Collection[str]) -> str:
    """Where a node comes from, of a name such as "functional_1/conv_1/Conv2D": its first part is the model's, and parts are numbered."""
    path = [part for part in node.split("/")[:-1] if part not in ("StatefulPartitionedCall", "PartitionedCall")]
    shorter = [re.sub(r"_\d+$", "", part) for part in path]
    path = [short if short in layers and part not in layers else part for part, short in zip(path, shorter, strict=True)]
    return f"layer {'/'.join(path[1:] or path)!r}" if path else f"node {node!r}"


def repaired(model: onnx.ModelProto, notes: list[str]) -> onnx.ModelProto:
    """The model with every repair, each with a note."""
    for repair in (group_of_convolutions, pads_of_transposed, unused_outputs):
        notes += [f"tf2onnx: {line}" for line in repair(model)]
    if found := with_types_that_onnx_has(model):
        notes.append(f"{found} operators that ONNX does not define for bfloat16 are computed in float32 and rounded")
    renumbered(model)
    return model


def group_of_convolutions(model: onnx.ModelProto) -> list[str]:
    """A grouped Conv of rank 5 lost its `group`: it is the channels of the input by those of the kernel."""
    weights = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    suspects = [
        node
        for node in model.graph.node
        if node.op_type == "Conv" and len(weights.get(node.input[1], ())) == 5 and attribute(node, "group", 1) == 1
    ]
    if not suspects:
        return []
    inferred = onnx.shape_inference.infer_shapes(model).graph
    channels = {
        value.name: value.type.tensor_type.shape.dim[1].dim_value
        for value in [*inferred.value_info, *inferred.input]
        if len(value.type.tensor_type.shape.dim) == 5
    }
    notes = []
    for node in suspects:
        each = weights[node.input[1]][1]
        group, rest = divmod(channels.get(node.input[0], each), each)
        if group > 1 and rest == 0:
            set_attributes(node, group=group)
            notes.append(f"group {group} of the convolution {node.name!r} was lost; restored")
    return notes


def pads_of_transposed(model: onnx.ModelProto) -> list[str]:
    """A ConvTranspose with fewer kernel points than its stride got negative pads: they are output padding."""
    notes = []
    for node in all_nodes(model.graph):
        pads = attribute(node, "pads", []) if node.op_type == "ConvTranspose" else []
        if min(pads, default=0) >= 0:
            continue
        rank = len(pads) // 2
        padding = np.array(attribute(node, "output_padding", [0] * rank))
        before, after = np.array(pads[:rank]), np.array(pads[rank:])
        if (before < 0).any():
            raise ExportError(f"tf2onnx gives the transposed convolution {node.name!r} the pads {pads}, which ONNX cannot say")
        set_attributes(
            node, output_padding=(padding - np.minimum(after, 0)).tolist(), pads=[*before.tolist(), *np.maximum(after, 0).tolist()]
        )
        notes.append(f"negative pads of the transposed convolution {node.name!r} became output padding")
    return notes


def unused_outputs(model: onnx.ModelProto) -> list[str]:
    """Outputs of recurrent nodes that nobody reads are left out, so that nothing need be computed for them. No fault, so no note."""
    for graph in all_graphs(model.graph):
        read = {name for node in all_nodes(graph) for name in node.input}
        used = read | {output.name for output in graph.output}
        for node in graph.node:
            if node.op_type in _RECURRENT:
                node.output[:] = [name if name in used else "" for name in node.output]
    return []


def renumbered(model: onnx.ModelProto) -> None:
    """Names that tf2onnx makes up are numbered from 1 in the order of the nodes, and constants stand in the order of their use.

    tf2onnx counts on from export to export, and lets chance decide which of two equal constants gives both its name, so that no two
    exports of a model would be the same.
    """
    kept = {value.name for value in [*model.graph.input, *model.graph.output]}
    constants = {tensor.name for graph in all_graphs(model.graph) for tensor in graph.initializer}
    numbers: dict[str, str] = {}
    renamed: dict[str, str] = {"": "", **{name: name for name in kept}}

    def number(old: str) -> str:
        return numbers.setdefault(old, str(len(numbers) + 1))

    def plain(name: str) -> str:
        if name not in renamed:
            made_up = _NUMBER.search(name) is not None
            if made_up and name in constants:
                renamed[name] = f"constant__{number(name)}"
            else:
                renamed[name] = _NUMBER.sub(lambda found: f"__{number(found[1])}", name)
        return renamed[name]

    everything = list(all_graphs(model.graph))
    for node in (node for graph in everything for node in graph.node):
        for name in (node.name, *node.input, *node.output):
            plain(name)  # numbers are given in this order
    for graph in everything:
        rename([graph], plain)
        for node in graph.node:
            node.name = plain(node.name)
        order = {name: index for index, name in enumerate(name for node in graph.node for name in reversed(node.input))}
        replace_initializers(graph, sorted(graph.initializer, key=lambda tensor: (order.get(tensor.name, len(order)), tensor.name)))


_NUMBER = re.compile(r"__(\d+)")


def named_dims(model: onnx.ModelProto, dims: list[list[int | str]]) -> None:
    """Gives the inputs their dims, names for the dynamic ones; of outputs, whose unknown dims tf2onnx numbers, only known ones remain."""
    for value, shape in zip(model.graph.input, dims, strict=True):
        kind = value.type.tensor_type.elem_type
        value.CopyFrom(onnx.helper.make_tensor_value_info(value.name, kind, shape))
    for value in model.graph.output:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param.startswith("unk__"):
                dim.ClearField("dim_param")
