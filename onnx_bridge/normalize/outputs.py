"""Outputs: a tensor that a graph lists again is copied, so that every output has a name of its own."""

from __future__ import annotations

import onnx

from onnx_bridge.graphs import all_graphs, read_names


def part_outputs(model: onnx.ModelProto) -> list[str]:
    """Gives an output that is listed again an Identity of its own; which is legal, and whose order stays."""
    graphs = list(all_graphs(model.graph))
    taken = {name for graph in graphs for node in graph.node for name in (*node.output, *read_names(node))}
    taken |= {value.name for graph in graphs for value in (*graph.input, *graph.output, *graph.initializer)}
    notes = []
    for graph in graphs:
        listed: set[str] = set()
        for value in graph.output:
            if value.name in listed:
                name, count = f"{value.name}_2", 2
                while name in taken:
                    count += 1
                    name = f"{value.name}_{count}"
                taken.add(name)
                graph.node.append(onnx.helper.make_node("Identity", [value.name], [name]))
                notes.append(f"output {value.name} is listed again: as {name}")
                value.name = name
            listed.add(value.name)
    return notes
