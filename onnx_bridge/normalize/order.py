"""Nodes in an order in which every tensor is made before it is read."""

from __future__ import annotations

import heapq
from collections.abc import MutableSequence, Sequence

import onnx

from onnx_bridge.errors import InvalidModel
from onnx_bridge.graphs import all_graphs, read_names


def sort_nodes(model: onnx.ModelProto) -> list[str]:
    """Sorts the nodes of every graph and function, which ONNX asks for and not every writer does; those in order keep it.

    Raises:
        InvalidModel: nodes need each other's outputs.
    """
    moved = 0
    for nodes in _sequences(model):
        order = _order(nodes)
        if order != list(range(len(nodes))):
            moved += sum(a != b for a, b in enumerate(order))
            ordered = [nodes[index] for index in order]
            del nodes[:]
            nodes.extend(ordered)
    return [f"sorted {moved} nodes that stood before what they read"] if moved else []


def in_order(model: onnx.ModelProto) -> bool:
    """Whether every node of a model stands behind those that it reads of.

    Raises:
        InvalidModel: nodes need each other's outputs.
    """
    return all(_order(nodes) == list(range(len(nodes))) for nodes in _sequences(model))


def _sequences(model: onnx.ModelProto) -> list[MutableSequence[onnx.NodeProto]]:
    return [graph.node for graph in all_graphs(model.graph)] + [function.node for function in model.functions]


def _order(nodes: Sequence[onnx.NodeProto]) -> list[int]:
    """The indices of nodes, each as early as it may be."""
    makers = {name: index for index, node in enumerate(nodes) for name in node.output if name}
    needs = [{makers[name] for name in read_names(node) if name in makers} for node in nodes]
    if all(maker < index for index, before in enumerate(needs) for maker in before):
        return list(range(len(nodes)))
    readers: list[list[int]] = [[] for _ in nodes]
    for index, before in enumerate(needs):
        for maker in before:
            readers[maker].append(index)
    waiting = [len(before) for before in needs]
    ready = [index for index, count in enumerate(waiting) if not count]
    order: list[int] = []
    while ready:
        order.append(heapq.heappop(ready))
        for reader in readers[order[-1]]:
            waiting[reader] -= 1
            if not waiting[reader]:
                heapq.heappush(ready, reader)
    if len(order) < len(nodes):
        raise InvalidModel(f"nodes need each other's outputs: {_cycle(nodes, needs, set(order))}")
    return order


def _cycle(nodes: Sequence[onnx.NodeProto], needs: Sequence[set[int]], done: set[int]) -> str:
    """A circle among the nodes that are left, each beside the one that it reads of."""
    path = [next(index for index in range(len(nodes)) if index not in done)]
    while (maker := min(needs[path[-1]] - done)) not in path:
        path.append(maker)
    circle = [nodes[index] for index in path[path.index(maker) :]]
    return " <- ".join(f"{node.op_type} {node.name or node.output[0]!r}" for node in [*circle, circle[0]])
