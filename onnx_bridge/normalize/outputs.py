"""Outputs: a tensor that a graph lists again is copied, so that every output has a name of its own."""

from __future__ import annotations

import onnx

from onnx_bridge.graphs import Fresh, all_graphs, names_in


def part_outputs(model: onnx.ModelProto) -> list[str]:
    """Gives an output that is listed again an Identity of its own; which is legal, and whose order stays."""
    graphs = list(all_graphs(model.graph))
    fresh = Fresh(names_in(graphs))
    notes = []
    for graph in graphs:
        listed: set[str] = set()
        for value in graph.output:
            if value.name in listed:
                name = fresh(value.name)
                graph.node.append(onnx.helper.make_node("Identity", [value.name], [name]))
                notes.append(f"output {value.name} is listed again: as {name}")
                value.name = name
            listed.add(value.name)
    return notes
