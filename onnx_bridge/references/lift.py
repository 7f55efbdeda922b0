"""Models that onnxruntime does not take, written in forms that it takes: of opsets 1 to 6, recurrent layers with the batch first, bfloat16.

This is written apart from how the operators of this package read such forms, so that a fault of the one shows beside the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import onnx
from onnx import AttributeProto, NodeProto, TensorProto, helper, numpy_helper

from onnx_bridge.graphs import (
    ONNX,
    Fresh,
    add_constant,
    all_graphs,
    all_nodes,
    attribute,
    is_onnx,
    names_in,
    opset,
    rewrite_nodes,
    set_attributes,
)
from onnx_bridge.references.types import by_float32, has_bfloat16

#: The oldest opset that onnxruntime promises to run; what is older is lifted to it.
OLDEST = 7

#: Recurrent layers, and how to turn those of their inputs and outputs that have the batch first with layout = 1.
_RECURRENT = {"RNN", "GRU", "LSTM"}
_TURNED_INPUTS = {0: [1, 0, 2], 5: [1, 0, 2], 6: [1, 0, 2]}
_TURNED_OUTPUTS = {0: [2, 0, 1, 3], 1: [1, 0, 2], 2: [1, 0, 2]}


def ways(model: onnx.ModelProto) -> str:
    """What `lifted` does with a model, in words; "" where it does nothing."""
    said = [f"lifted to opset {OLDEST}"] if opset(model) < OLDEST else []
    if any(map(_batch_first, all_nodes(model.graph))):
        said.append("with the time first in its recurrent layers")
    if has_bfloat16(model):
        said.append("in float32, rounded to bfloat16 behind each operator")
    return " and ".join(said)


def lifted(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a model that computes the same, in forms that onnxruntime takes.

    Raises:
        ValueError: it has a form that is not known here.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    if opset(model) < OLDEST:
        ranks = _ranks(copy)
        for graph in all_graphs(copy.graph):
            _rewrite(graph, lambda node, fresh, of=graph: _newer(node, of, ranks, fresh))  # type: ignore[misc]
        for entry in copy.opset_import:
            if entry.domain in ONNX:
                entry.version = OLDEST
        copy.ir_version = max(copy.ir_version, 4)
    for graph in all_graphs(copy.graph):
        _rewrite(graph, _time_first)
    return by_float32(copy) if has_bfloat16(copy) else copy


def _rewrite(graph: onnx.GraphProto, rewritten: Callable[[NodeProto, Fresh], Iterator[NodeProto]]) -> None:
    fresh = Fresh(names_in([graph]))
    rewrite_nodes(graph, lambda node: rewritten(node, fresh))


# ---- recurrent layers


def _batch_first(node: NodeProto) -> bool:
    return node.op_type in _RECURRENT and attribute(node, "layout", 0) == 1


def _time_first(node: NodeProto, fresh: Fresh) -> Iterator[NodeProto]:
    """A recurrent layer with the time first, between transpositions."""
    if not _batch_first(node):
        yield node
        return
    set_attributes(node, layout=None)
    for index, axes in _TURNED_INPUTS.items():
        if index < len(node.input) and node.input[index]:
            turned = fresh(node.input[index])
            yield helper.make_node("Transpose", [node.input[index]], [turned], perm=axes)
            node.input[index] = turned
    after = []
    for index, axes in _TURNED_OUTPUTS.items():
        if index < len(node.output) and node.output[index]:
            turned = fresh(node.output[index])
            after.append(helper.make_node("Transpose", [turned], [node.output[index]], perm=axes))
            node.output[index] = turned
    yield node
    yield from after


# ---- opsets 1 to 6

#: Operators of two operands that said by attributes how they broadcast.
BINARY = {"Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Equal", "Less", "Greater"}

#: Attributes that say how memory or training is meant, and those that `_newer` has read.
_GONE = {"consumed_inputs", "is_test", "broadcast", "output_sequence"}


def _newer(node: NodeProto, graph: onnx.GraphProto, ranks: Mapping[str, int], fresh: Fresh) -> Iterator[NodeProto]:
    """A node of opset 1 to 6 as one of opset 7, and what must stand before it."""
    if not is_onnx(node):
        yield node
        return
    said = {attribute.name: attribute for attribute in node.attribute}
    shape: list[int] | None = None
    if node.op_type in BINARY and "axis" in said:  # the second operand's axes begin at this one of the first
        rank, own = _known(ranks, node.input[0]), _known(ranks, node.input[1])
        axis = said["axis"].i % (rank + 1 if said["axis"].i >= 0 else rank)
        shape = [0] * own + [1] * (rank - axis - own)
        set_attributes(node, axis=None)
    elif node.op_type == "PRelu" and _known(ranks, node.input[1]) == 1:  # a slope for each channel
        shape = [-1] + [1] * (_known(ranks, node.input[0]) - 2)
    if shape is not None:
        turned = fresh(node.input[1])
        yield helper.make_node("Reshape", [node.input[1], add_constant(graph, shape, fresh("constant"))], [turned])
        node.input[1] = turned
    if node.op_type == "Reshape" and "shape" in said:
        node.input.append(add_constant(graph, list(said["shape"].ints), fresh("constant")))
        set_attributes(node, shape=None)
    elif node.op_type == "Cast" and said["to"].type == AttributeProto.STRING:
        kind = TensorProto.DataType.Value(said["to"].s.decode().upper())
        set_attributes(node, to=kind)
    elif node.op_type == "Concat" and "axis" not in said:
        set_attributes(node, axis=1)
    elif node.op_type == "Pad" and "paddings" in said:
        said["paddings"].name = "pads"
    elif node.op_type == "Upsample" and "height_scale" in said:
        scales = [1.0, 1.0, said["height_scale"].f, said["width_scale"].f]
        set_attributes(node, scales=scales, height_scale=None, width_scale=None)
    elif node.op_type in ("LpPool", "GlobalLpPool") and "p" in said and said["p"].type == AttributeProto.FLOAT:
        set_attributes(node, p=int(said["p"].f))
    elif node.op_type == "Split" and len(node.input) > 1:
        set_attributes(node, split=[int(size) for size in _stored(graph, node.input[1])])
        del node.input[1:]
    elif node.op_type == "Tile" and len(node.input) > 2:  # so many tiles along one axis
        repeats = np.ones(_known(ranks, node.input[0]), np.int64)
        repeats[int(_stored(graph, node.input[2])[0])] = int(_stored(graph, node.input[1])[0])
        node.input[1] = add_constant(graph, repeats, fresh("constant"))
        del node.input[2:]
    set_attributes(node, **dict.fromkeys(_GONE))
    yield node


def _stored(graph: onnx.GraphProto, name: str) -> np.ndarray:
    """The numbers of an initializer, flat."""
    for tensor in graph.initializer:
        if tensor.name == name:
            return np.asarray(numpy_helper.to_array(tensor)).reshape(-1)
    raise ValueError(f"{name!r}, which opset 1 takes sizes from, is no initializer")


def _ranks(model: onnx.ModelProto) -> dict[str, int]:
    """How many axes the tensors have of which that is known."""
    inferred = onnx.shape_inference.infer_shapes(model)
    found = {}
    for graph in all_graphs(inferred.graph):
        for value in (*graph.input, *graph.value_info, *graph.output):
            if value.type.tensor_type.HasField("shape"):
                found[value.name] = len(value.type.tensor_type.shape.dim)
        found |= {tensor.name: len(tensor.dims) for tensor in graph.initializer}
    return found


def _known(ranks: Mapping[str, int], name: str) -> int:
    if name not in ranks:
        raise ValueError(f"the number of axes of {name!r} is not known")
    return ranks[name]
