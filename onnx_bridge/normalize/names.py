"""Names: every node has one, and no two tensors of the model share one, not even in sibling subgraphs."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from onnx_bridge.graphs import Fresh, subgraphs


def unique_names(model: onnx.ModelProto) -> list[str]:
    """Renames tensors of subgraphs that are called like a tensor elsewhere; names nodes that have no name or a used one."""
    fresh, node_name = Fresh(), Fresh()
    renamed: list[str] = []

    def walk(graph: onnx.GraphProto, outer: Mapping[str, str], top: bool) -> None:
        scope = dict(outer)

        def declare(name: str) -> str:
            new = fresh(name)
            scope[name] = new
            if new != name:
                renamed.append(f"{name} -> {new}")
            return new

        for value in graph.input:
            value.name = declare(value.name)
        for tensor in graph.initializer:
            tensor.name = (
                scope[tensor.name] if tensor.name in scope and tensor.name in {v.name for v in graph.input} else declare(tensor.name)
            )
        for index, node in enumerate(graph.node):
            for i, name in enumerate(node.input):
                if name:
                    node.input[i] = scope.get(name, name)
            for inner in subgraphs(node):
                walk(inner, scope, top=False)
            for i, name in enumerate(node.output):
                if name:
                    node.output[i] = declare(name)
            node.name = node_name(node.name or f"{node.op_type}_{index}")
        for value in graph.output:
            value.name = scope.get(value.name, value.name)
        if not top:
            del graph.value_info[:]

    walk(model.graph, {}, top=True)
    return [f"renamed tensors: {', '.join(renamed[:5])}{' ...' if len(renamed) > 5 else ''}"] if renamed else []
