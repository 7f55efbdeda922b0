"""What nobody reads goes."""

from __future__ import annotations

import onnx

from onnx_bridge.graphs import read_names


def drop_unused(model: onnx.ModelProto) -> list[str]:
    """Drops nodes and initializers of the main graph that no output depends on."""
    graph = model.graph
    needed = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if any(name in needed for name in node.output):
            kept.append(node)
            needed.update(read_names(node))
    dropped = len(graph.node) - len(kept)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    initializers = [t for t in graph.initializer if t.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(initializers)
    return [f"dropped {dropped} nodes that no output depends on"] if dropped else []
