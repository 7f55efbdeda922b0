"""bfloat16 where ONNX has it not: operators that know no bfloat16 are computed in float32, as frameworks do, and rounded."""

from __future__ import annotations

from collections.abc import Iterator

import onnx

from onnx_bridge.graphs import Fresh, all_graphs, is_onnx, names_in, rewrite_nodes

_HALF, _SINGLE = onnx.TensorProto.BFLOAT16, onnx.TensorProto.FLOAT


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
