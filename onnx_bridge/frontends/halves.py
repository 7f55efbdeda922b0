"""Nets in halves as ONNX has them: weights of the type that they are used in, and float32 where an operator knows no bfloat16."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from onnx import numpy_helper

from onnx_bridge.graphs import Fresh, all_graphs, drop_unread, is_onnx, names_in, rewrite_nodes

_HALF, _SINGLE = onnx.TensorProto.BFLOAT16, onnx.TensorProto.FLOAT

#: Layers whose weights exporters leave in float32, and the types of such layers.
_WEIGHTED = {"Conv", "ConvTranspose", "Gemm"}
_HALVES = (onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)


def with_one_type(model: onnx.ModelProto) -> int:
    """Gives weights of layers the type of what they are multiplied with; how many were of another one.

    PyTorch folds normalisations into layers of bfloat16 in float32; jax2onnx forgets that flax rounds a bias to the layer's type.
    """
    kinds = {v.name: v.type.tensor_type.elem_type for v in (*model.graph.input, *model.graph.value_info)}
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    fresh = Fresh(names_in(all_graphs(model.graph)))
    rounded: dict[tuple[str, int], str] = {}
    for node in model.graph.node:
        kind = kinds.get(node.input[0], 0) if is_onnx(node) and node.op_type in _WEIGHTED else 0
        for place, name in enumerate(node.input):
            if kind not in _HALVES or not place or name not in constants or constants[name].data_type != _SINGLE:
                continue
            if (name, kind) not in rounded:  # others may read it as it is
                rounded[name, kind] = fresh(f"{name}_rounded")
                value = numpy_helper.to_array(constants[name]).astype(onnx.helper.tensor_dtype_to_np_dtype(kind))
                model.graph.initializer.append(numpy_helper.from_array(value, rounded[name, kind]))
            node.input[place] = rounded[name, kind]
    if rounded:
        drop_unread(model.graph)
    return len(rounded)


def with_types_that_onnx_has(model: onnx.ModelProto) -> int:
    """Puts casts around operators that are given bfloat16 and that ONNX does not define for it; how many."""
    opset = next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 1)
    graphs = list(all_graphs(model.graph))
    inferred = onnx.shape_inference.infer_shapes(model)
    kinds = {
        value.name: value.type.tensor_type.elem_type
        for graph in (inferred.graph, *graphs)
        for value in (*graph.input, *graph.output, *graph.value_info)
    }
    kinds |= {tensor.name: tensor.data_type for graph in graphs for tensor in graph.initializer}
    if _HALF not in kinds.values():
        return 0
    fresh = Fresh(names_in(graphs))
    found = 0

    def cast(node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        nonlocal found
        wrong = {name for place, name in enumerate(node.input) if kinds.get(name) == _HALF and not _takes(node, place, opset)}
        found += bool(wrong)
        single = {name: fresh(f"{name}_single") for name in sorted(wrong)}
        for name, made in single.items():
            yield onnx.helper.make_node("Cast", [name], [made], name=fresh(f"{made}_cast"), to=_SINGLE)
        node.input[:] = [single.get(name, name) for name in node.input]
        rounded = [(place, name) for place, name in enumerate(node.output) if wrong and kinds.get(name) == _HALF]
        for place, name in rounded:
            node.output[place] = fresh(f"{name}_single")
        yield node
        for place, name in rounded:
            yield onnx.helper.make_node("Cast", [node.output[place]], [name], name=fresh(f"{name}_rounded"), to=_HALF)

    for graph in graphs:
        rewrite_nodes(graph, cast)
    return found


def _takes(node: onnx.NodeProto, place: int, opset: int) -> bool:
    """Whether ONNX defines an operator for bfloat16 as an input; so it is said of what ONNX does not know at all."""
    if not is_onnx(node) or not onnx.defs.has(node.op_type, opset):
        return True
    formal = onnx.defs.get_schema(node.op_type, opset).inputs
    return not formal or "tensor(bfloat16)" in formal[min(place, len(formal) - 1)].types
