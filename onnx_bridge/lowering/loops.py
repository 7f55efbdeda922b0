"""Loops that carry sequences: what is appended in each turn becomes a scan output; others are unrolled, where turns are few and known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import onnx

from onnx_bridge.graphs import all_graphs, is_onnx, names_in, read_names, rename, set_attributes
from onnx_bridge.ir.dtypes import bool_, int64
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import UnsupportedForm
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.trips import check_single
from onnx_bridge.lowering.body import Body
from onnx_bridge.lowering.ends import dtype_of
from onnx_bridge.lowering.first_turn import FirstTurn, carry_flag, part_first_turn
from onnx_bridge.lowering.optionals import OptionalLowering
from onnx_bridge.lowering.parts import OptionalValue, Part, Ragged, SequenceValue, Stack
from onnx_bridge.operators.concat import Concat
from onnx_bridge.operators.loop import Loop
from onnx_bridge.operators.sequence_parts import OptionalElement
from onnx_bridge.operators.squeeze import Unsqueeze

#: A loop of so many turns at most is unrolled, where nothing else can be done.
MOST_TURNS = 64


def carries(node: onnx.NodeProto, rmodel: RModel) -> bool:
    """Whether a node is a Loop that carries a sequence or an optional."""
    values = [rmodel.tensors.get(name) for name in node.input[2:]]
    return is_onnx(node, "Loop") and any(isinstance(value, (SequenceValue, OptionalValue)) for value in values)


@dataclass
class LoopLowering(OptionalLowering):
    """What lowers such a loop.

    Args:
        nested: the body of an operator, of a graph.
        lower: lowers a node into the model.
    """

    nested: Callable[[onnx.GraphProto, RModel], Body] = field(kw_only=True)
    lower: Callable[[onnx.NodeProto, RModel], None] = field(kw_only=True)
    failed: Callable[[], bool] = field(kw_only=True)

    def loop(self) -> None:
        graph = onnx.GraphProto()
        graph.CopyFrom(self.attribute("body", None))
        initial = [self.input(index) for index in range(2, len(self.node.input))]
        if len(graph.input) != 2 + len(initial) or len(graph.output) < 1 + len(initial) or None in initial:
            raise ShapeError(f"the body has {len(graph.input)} inputs and {len(graph.output)} outputs for {len(initial)} that are carried")
        for place, value in enumerate(initial):
            if isinstance(value, OptionalValue) and (first := part_first_turn(graph, 2 + place)) is not None:
                self.from_first(graph, place, value, first)
                return
        appended = {place: made for place in range(len(initial)) if (made := self.appended(graph, place)) is not None}
        carried = {place for place, value in enumerate(initial) if isinstance(value, (SequenceValue, OptionalValue))}
        if carried - appended.keys():
            self.unrolled(graph, [value for value in initial if value is not None])
        else:
            self.scanned(graph, initial, appended)

    def from_first(self, graph: onnx.GraphProto, place: int, value: OptionalValue, first: FirstTurn) -> None:
        """The loop that carries what the first turn makes of an optional.

        Without a turn the optional itself is what comes of the loop, which must be there then: it is the first turn's element.
        """
        names = self.lowered(first.graph, f"in front of {self.node.name}", "first", {first.optional: self.node.input[2 + place]})
        node, looped, carried = self.node, onnx.NodeProto(), len(self.node.input) - 2
        looped.CopyFrom(node)
        looped.input[2 + place] = names[first.element]
        looped.output.extend([""] * (carried - len(node.output)))
        for flag, later in first.flags.items():
            carry_flag(graph, carried, flag, later)
            looped.input.insert(2 + carried, names[flag])
            looped.output.insert(carried, "")
        there = None if value.there is None or (value.there.is_constant and value.there.constant().all()) else value.there
        given, held = looped.output[place], self.rmodel.new_name(f"{self.node.name} something is there")
        if there is not None and given:
            carry_flag(graph, carried, f"{held} so far", True)
            looped.input.insert(2 + carried, there.name)
            looped.output.insert(carried, held)
            looped.output[place] = self.rmodel.new_name(f"{given} made")
        set_attributes(looped, body=graph)
        self.node = looped
        self.loop()
        self.node = node
        if there is not None and given:
            self.hold(self.rmodel.tensor(looped.output[place]), self.rmodel.tensor(held), place)

    def hold(self, value: Tensor, there: Tensor, place: int) -> None:
        """Has an output be a value that must be there."""
        if isinstance(value, SequenceValue):
            self.give([self.held(part, there) for part in value.parts], dtype_of(value), place)
        else:
            self.add(OptionalElement(name=self.node.name), [value.name, there.name], [self.node.output[place]])

    def appended(self, graph: onnx.GraphProto, place: int) -> str | None:
        """What a turn appends to a carried sequence, and does nothing else with it; "" where it hands it on as it is."""
        if not isinstance(self.input(2 + place), SequenceValue):
            return None
        name, made = graph.input[2 + place].name, graph.output[1 + place].name
        makers = {output: node for node in graph.node for output in node.output}
        while (maker := makers.get(made)) is not None and is_onnx(maker, "Identity"):
            made = maker.input[0]
        elsewhere = sum(value.name == name for value in graph.output) + sum(name in read_names(node) for node in graph.node)
        if made == name:
            return "" if elsewhere <= 1 else None
        maker = makers.get(made)
        plain = maker is not None and is_onnx(maker, "SequenceInsert") and maker.input[0] == name and not any(maker.input[2:])
        used = sum(made in read_names(node) for node in graph.node)
        if maker is None or not plain or elsewhere != 1 or used > (made != graph.output[1 + place].name):
            return None
        return str(maker.input[1])

    def scanned(self, graph: onnx.GraphProto, initial: list[Tensor | None], appended: dict[int, str]) -> None:
        """A loop without the sequences, and with what is appended to them as scan outputs."""
        inputs, outputs = list(graph.input), list(graph.output)
        gone = {inputs[2 + place].name for place in appended}
        kept_nodes = [node for node in graph.node if not (node.input and node.input[0] in gone and not any(node.output[1:]))]
        made = {name for node in graph.node if node not in kept_nodes for name in node.output}
        kept_nodes = [node for node in kept_nodes if not (is_onnx(node, "Identity") and node.input[0] in made)]
        nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in kept_nodes]
        del graph.node[:], graph.input[:], graph.output[:]
        graph.node.extend(nodes)
        graph.input.extend(value for index, value in enumerate(inputs) if index - 2 not in appended)
        scans = {place: element for place, element in appended.items() if element}
        graph.output.extend(value for index, value in enumerate(outputs) if index - 1 not in appended)
        graph.output.extend(onnx.ValueInfoProto(name=element) for element in scans.values())
        op = Loop(name=self.node.name, opset=self.opset)
        op.set_attributes({"body": self.nested(graph, self.rmodel)})
        op.appended = len(scans)
        places = [index for index in range(len(initial)) if index not in appended]
        reads = [name or None for name in self.node.input[:2]] + [self.node.input[2 + index] for index in places]
        names = [*self.node.output, *[""] * (len(outputs) - 1 - len(self.node.output))]
        gives = [names[index] or None for index in range(len(names)) if index not in appended]
        new = {place: self.rmodel.new_name(f"{names[place] or 'sequence'} appended") for place in scans}
        self.add(op, reads, [*gives, *new.values()])
        for place in appended:
            value = initial[place]
            assert isinstance(value, SequenceValue)
            if names[place]:
                self.give([*value.parts, *([self.part(new[place])] if place in new else [])], dtype_of(value), place)

    def part(self, name: str) -> Part:
        """What a loop has appended."""
        if name in self.rmodel.tensors:
            return Stack(self.rmodel.tensor(name))
        data, table = (self.rmodel.tensor(each) for each in Loop.ragged_names(name))
        rank = table.shape[1]
        assert isinstance(rank, int)
        return Ragged(data, table, rank)

    def unrolled(self, graph: onnx.GraphProto, values: list[Tensor]) -> None:
        """The turns one after the other."""
        trips, condition = self.input(0), self.input(1)
        check_single(trips, condition)
        turns = None if trips is None or not trips.is_constant else int(trips.constant().reshape(-1)[0])
        if turns is None or turns > MOST_TURNS or not (condition is None or condition.is_constant):
            raise UnsupportedForm(
                f"a sequence or an optional is carried with which more is done than to append, and how many turns are taken is not known, "
                f"or more than {MOST_TURNS} (make the number of turns a constant of the graph, or append with SequenceInsert at the end "
                f"and nothing else)"
            )
        goes_on = condition is None or bool(condition.constant().reshape(-1)[0])
        scans: list[list[Tensor]] = [[] for _ in graph.output[1 + len(values) :]]
        for turn in range(max(turns, 0)):
            if not goes_on:
                break
            condition, *made = self.turn(graph, turn, values)
            if not condition.is_constant:
                raise UnsupportedForm(
                    "a sequence or an optional is carried with which more is done than to append, and data decides how many turns are taken"
                )
            goes_on = bool(condition.constant().reshape(-1)[0])
            values, scanned = made[: len(values)], made[len(values) :]
            for rows, row in zip(scans, scanned, strict=True):
                rows.append(self.build(Unsqueeze, [row, self.vector(0)]))
        for index, value in enumerate(values[: len(self.node.output)]):
            if self.node.output[index]:
                self.alias(value, index)
        for index, rows in enumerate(scans, len(values)):
            if index < len(self.node.output) and self.node.output[index]:
                if not rows:
                    raise UnsupportedForm("a loop that takes no turn has scan outputs")
                self.build(Concat, rows, self.node.output[index], axis=0)

    def turn(self, graph: onnx.GraphProto, turn: int, values: list[Tensor]) -> list[Tensor]:
        """What the body makes in a turn: whether it goes on, what is carried, scan outputs."""
        where = f"in turn {turn} of {self.node.name}"
        names = [f"{value.name} {where}" for value in graph.input]
        given = [Tensor(names[0], Type(int64, ()), np.array(turn)), Tensor(names[1], Type(bool_, ()), np.array(True)), *values]
        self.rmodel.tensors.update(zip(names, given, strict=True))
        new = self.lowered(graph, where, str(turn))
        return [self.rmodel.tensor(new.get(value.name, value.name)) for value in graph.output]

    def lowered(self, graph: onnx.GraphProto, where: str, number: str, known: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
        """Lowers a body's nodes beside the loop, all of whose names get `where` behind them but those that are known; the new names."""
        own = onnx.GraphProto()
        own.CopyFrom(graph)
        graphs = list(all_graphs(own))
        inner = {value.name for each in graphs for value in (*each.input, *each.initializer)}
        inner |= {name for each in graphs for node in each.node for name in node.output}
        new = {name: f"{name} {where}" for name in inner & names_in(graphs)} | dict(known)
        rename(graphs, new)
        for node in (node for each in graphs for node in each.node):
            node.name = f"{node.name} {number}"
        for initializer in own.initializer:
            array = onnx.numpy_helper.to_array(initializer)
            self.rmodel.add_initialized_tensor(initializer.name, array)
        for node in own.node:
            self.lower(node, self.rmodel)
        if self.failed():
            raise ShapeError("its body cannot be converted")
        return new
