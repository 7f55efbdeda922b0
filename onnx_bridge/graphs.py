"""Walking over a graph and the graphs inside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import onnx


def attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    """An attribute of a node by its name, in Python's types (text as bytes); `default` where it is not written."""
    return next((onnx.helper.get_attribute_value(entry) for entry in node.attribute if entry.name == name), default)


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The graphs in a node's attributes."""
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g
        elif attribute.type == onnx.AttributeProto.GRAPHS:
            yield from attribute.graphs


def all_graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """A graph and every graph inside it, outer ones first."""
    yield graph
    for node in graph.node:
        for inner in subgraphs(node):
            yield from all_graphs(inner)


def read_names(node: onnx.NodeProto) -> Iterator[str]:
    """The names that a node reads, those that its graphs capture included."""
    yield from (name for name in node.input if name)
    for graph in subgraphs(node):
        own = {value.name for value in graph.input} | {t.name for t in graph.initializer}
        own |= {name for inner in graph.node for name in inner.output}
        for inner in graph.node:
            yield from (name for name in read_names(inner) if name not in own)
        yield from (value.name for value in graph.output if value.name not in own)


def drop_unread(graph: onnx.GraphProto) -> int:
    """Takes away nodes and initializers that no output of their graph depends on, inside graphs of nodes too; how many nodes."""
    dropped = 0
    needed = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if any(name in needed for name in node.output):
            dropped += sum(map(drop_unread, subgraphs(node)))
            kept.append(node)
            needed.update(read_names(node))
    if len(kept) < len(graph.node):
        dropped += len(graph.node) - len(kept)
        del graph.node[:]
        graph.node.extend(reversed(kept))
    weights = [tensor for tensor in graph.initializer if tensor.name in needed]
    if len(weights) < len(graph.initializer):
        del graph.initializer[:]
        graph.initializer.extend(weights)
    return dropped
