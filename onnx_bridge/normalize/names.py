"""Names: every node has one, and no two tensors of the model share one, not even in sibling subgraphs."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from onnx_bridge.graphs import subgraphs


def unique_names(model: onnx.ModelProto) -> list[str]:
    """Renames tensors of subgraphs that are called like a tensor elsewhere; names nodes that have no name or a used one."""
    taken: set[str] = set()
    node_names: set[str] = set()
    renamed: list[str] = []

    def fresh(name: str) -> str:
        candidate, count = name, 1
        while candidate in taken:
            count += 1
            candidate = f"{name}_{count}"
        taken.add(candidate)
        return candidate

    def walk(graph: onnx.GraphProto, outer: Mapping[str, str], top: bool) -> None:
        scope = dict(outer)

        def declare(name: str) -> str:
            new = name if top and name not in taken else fresh(name)
            taken.add(new)
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
            base = node.name or f"{node.op_type}_{index}"
            unique, count = base, 1
            while unique in node_names:
                count += 1
                unique = f"{base}_{count}"
            node_names.add(unique)
            node.name = unique
        for value in graph.output:
            value.name = scope.get(value.name, value.name)
        if not top:
            del graph.value_info[:]

    walk(model.graph, {}, top=True)
    return [f"renamed tensors: {', '.join(renamed[:5])}{' ...' if len(renamed) > 5 else ''}"] if renamed else []
