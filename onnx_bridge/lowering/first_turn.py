"""Loops that carry an optional: what a turn makes of it first is made in front of the loop, and carried in its place.

The first turn finds it there or not, and each later one finds what the turn before has left. So what is the optional's own element wherever
there is one (an If that has something else in place of what is missing) can be made once, of what the loop is given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import onnx

from onnx_bridge.graphs import DRAWING, all_nodes, attribute, is_onnx, read_names, replace_nodes

_OF_FLAGS = {"And": all, "Or": any}


@dataclass
class Present:
    """What is known of a body's values where an optional is there.

    Attributes:
        same: names of the optional and of its element.
        flags: bools by name.
    """

    same: set[str]
    flags: dict[str, bool] = field(default_factory=dict)

    def walk(self, nodes: Iterable[onnx.NodeProto]) -> None:
        """Adds what nodes make. Those that lack inputs or outputs are refused where they are lowered."""
        for node in nodes:
            if is_onnx(node) and node.input and node.output:
                self.node(node)

    def node(self, node: onnx.NodeProto) -> None:
        reads = list(node.input)
        known = [self.flags[name] for name in reads if name in self.flags]
        if node.op_type == "If" and known:
            self.branch(node, attribute(node, "then_branch" if known[0] else "else_branch", onnx.GraphProto()))
        elif node.op_type in ("Identity", "OptionalGetElement") and reads[0] in self.same:
            self.same.add(node.output[0])
        elif node.op_type == "OptionalHasElement" and reads[0] in self.same:
            self.flags[node.output[0]] = True
        elif node.op_type in ("Identity", "Not") and known:
            self.flags[node.output[0]] = known[0] != (node.op_type == "Not")
        elif node.op_type in _OF_FLAGS and len(known) == 2:
            self.flags[node.output[0]] = _OF_FLAGS[node.op_type](known)

    def branch(self, node: onnx.NodeProto, graph: onnx.GraphProto) -> None:
        inner = Present(set(self.same), dict(self.flags))
        inner.walk(graph.node)
        for name, value in zip(node.output, graph.output, strict=False):
            if value.name in inner.same:
                self.same.add(name)
            if value.name in inner.flags:
                self.flags[name] = inner.flags[value.name]


@dataclass(frozen=True)
class FirstTurn:
    """What is made in front of a loop.

    Attributes:
        graph: what makes it, of the optional and of what stands outside of the body; its names are those of the body.
        optional: the name of the optional.
        element: the name of what is carried in its place.
        flags: bools beside it, and what each is in later turns.
    """

    graph: onnx.GraphProto
    optional: str
    element: str
    flags: dict[str, bool]


def part_first_turn(graph: onnx.GraphProto, place: int) -> FirstTurn | None:
    """Takes out of a body what it makes of the optional at input `place` alone; None, and nothing is changed, where more hangs on it."""
    optional = graph.input[place].name
    varies = {value.name for value in graph.input} - {optional}
    depends, makers = {optional}, dict[str, onnx.NodeProto]()
    moved: list[onnx.NodeProto] = []
    for node in graph.node:
        reads = set(read_names(node))
        if reads & varies or any(is_onnx(one, *DRAWING) for one in (node, *_inside(node))):
            varies.update(node.output)
            continue
        makers.update(dict.fromkeys(node.output, node))
        if reads & depends:
            depends.update(node.output)
            moved.append(node)
    present = Present({optional})
    present.walk(moved)
    known = _needed((present.same | present.flags.keys()) - {optional}, moved, makers)
    rest = [node for node in graph.node if all(node is not one for one in known)]
    read = {name for node in rest for name in read_names(node)} | {value.name for value in graph.output}
    crossing = read & {optional, *(name for node in known for name in node.output)}
    elements, flags = crossing & present.same - {optional}, sorted(crossing & present.flags.keys())
    if len(elements) != 1 or not crossing <= elements | present.flags.keys():
        return None
    (element,) = elements
    nodes = _needed([element, *flags], graph.node, makers)
    initializers = {name for node in nodes for name in read_names(node)}
    made = onnx.GraphProto(node=nodes, initializer=[tensor for tensor in graph.initializer if tensor.name in initializers])
    replace_nodes(graph, rest)
    graph.input[place].CopyFrom(onnx.ValueInfoProto(name=element))
    return FirstTurn(made, optional, element, {name: present.flags[name] for name in flags})


def carry_flag(graph: onnx.GraphProto, place: int, name: str, later: bool) -> None:
    """Has a body carry a bool at a place, which is the same behind every turn."""
    last = f"{name} behind a turn"
    graph.initializer.append(onnx.numpy_helper.from_array(np.array(later), last))
    graph.input.insert(2 + place, onnx.helper.make_tensor_value_info(name, onnx.TensorProto.BOOL, None))
    graph.output.insert(1 + place, onnx.ValueInfoProto(name=last))


def _inside(node: onnx.NodeProto) -> Iterable[onnx.NodeProto]:
    return all_nodes(onnx.GraphProto(node=[node]))


def _needed(names: Iterable[str], nodes: Iterable[onnx.NodeProto], makers: dict[str, onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Those of some nodes that values are made by, in order."""
    needed, todo = set[str](), list(names)
    while todo:
        maker = makers.get(todo.pop())
        if maker is not None and maker.output[0] not in needed:
            needed.update(maker.output)
            todo += read_names(maker)
    return [node for node in nodes if not needed.isdisjoint(node.output)]
