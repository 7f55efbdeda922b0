"""What nobody reads goes."""

from __future__ import annotations

import onnx

from onnx_bridge.graphs import all_graphs, read_names


def drop_unused(model: onnx.ModelProto) -> list[str]:
    """Drops nodes of every graph, and initializers of the main one, that no output depends on."""
    dropped = sum(_nodes(graph) for graph in reversed(list(all_graphs(model.graph))))
    needed = {value.name for value in model.graph.output} | {name for node in model.graph.node for name in read_names(node)}
    initializers = [t for t in model.graph.initializer if t.name in needed]
    del model.graph.initializer[:]
    model.graph.initializer.extend(initializers)
    return [f"dropped {dropped} nodes that no output depends on"] if dropped else []


def _nodes(graph: onnx.GraphProto) -> int:
    """Drops the unused nodes of one graph; how many."""
    needed = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if any(name in needed for name in node.output):
            kept.append(node)
            needed.update(read_names(node))
    dropped = len(graph.node) - len(kept)
    if dropped:
        del graph.node[:]
        graph.node.extend(reversed(kept))
    return dropped
