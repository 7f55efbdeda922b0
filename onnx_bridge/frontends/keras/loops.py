"""Loops of Keras 2: tf2onnx writes them as conditions on a counter, without saying how many turns there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import numpy_helper


def trip_counts(graph: onnx.GraphProto) -> list[str]:
    """Gives Loops without a trip count theirs, where their condition is that counters from 0 in steps of 1 are below limits.

    The condition stays as it is: it says the same. Without the count nobody knows how large the stacked outputs are.
    """
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    notes = []
    for index in reversed(range(len(graph.node))):
        node = graph.node[index]
        if node.op_type == "Loop" and not node.input[0] and (limits := _Loop.of(node, constants).limits()):
            node.input[0] = f"{node.name}/turns"
            for made in reversed(_count(node, limits)):
                graph.node.insert(index, made)
            notes.append(f"the loop {node.name!r} says how many turns it has")
    return notes[::-1]


def _count(loop: onnx.NodeProto, limits: list[str]) -> list[onnx.NodeProto]:
    """The least of the limits, as an int64."""
    made = [onnx.helper.make_node("Cast", [limit], [f"{loop.name}/limit_{i}"], to=onnx.TensorProto.INT64) for i, limit in enumerate(limits)]
    for i, node in enumerate(made):
        node.name = f"{loop.name}/limit_{i}"
    names = [node.output[0] for node in made]
    return [*made, onnx.helper.make_node("Min", names, [f"{loop.name}/turns"], name=f"{loop.name}/turns")]


@dataclass
class _Loop:
    """A Loop and what is known in its body: who makes a tensor, which input is which, and the constants of both graphs."""

    body: onnx.GraphProto
    makers: dict[str, onnx.NodeProto]
    carried: dict[str, tuple[str, str]]
    constants: dict[str, np.ndarray]

    @classmethod
    def of(cls, node: onnx.NodeProto, constants: dict[str, np.ndarray]) -> _Loop:
        (body,) = [attribute.g for attribute in node.attribute if attribute.name == "body"]
        inner = {tensor.name: numpy_helper.to_array(tensor) for tensor in body.initializer}
        names, made = [value.name for value in body.input][2:], [value.name for value in body.output][1:]
        carried = {name: (initial, handed_on) for name, initial, handed_on in zip(names, list(node.input)[2:], made, strict=False)}
        return cls(body, {name: n for n in body.node for name in n.output}, carried, {**constants, **inner})

    def source(self, name: str) -> str:
        """What a tensor is, behind what leaves its value as it is."""
        while (maker := self.makers.get(name)) is not None and maker.op_type in ("Identity", "Cast"):
            name = maker.input[0]
        return name

    def limits(self) -> list[str]:
        """What the counters must be below, as tensors of the outer graph; nothing if the condition is anything else."""
        found: list[str] = []
        for name in self._conjuncts(self.body.output[0].name):
            maker = self.makers.get(name)
            if maker is None or maker.op_type != "Less" or not self._counts(self.source(maker.input[0])):
                return []
            limit = self._from_outside(self.source(maker.input[1]))
            if limit is None:
                return []
            found.append(limit)
        return found

    def _conjuncts(self, name: str) -> list[str]:
        name = self.source(name)
        maker = self.makers.get(name)
        return [name] if maker is None or maker.op_type != "And" else [c for operand in maker.input for c in self._conjuncts(operand)]

    def _counts(self, name: str) -> bool:
        """Whether a tensor is a counter after its step: carried, from 0, by 1."""
        maker = self.makers.get(name)
        if maker is None or maker.op_type != "Add":
            return False
        for before, step in (maker.input, reversed(maker.input)):
            initial, handed_on = self.carried.get(self.source(before), ("", ""))
            if self._is(step, 1) and self._is(initial, 0) and self.source(handed_on) == name:
                return True
        return False

    def _is(self, name: str, number: int) -> bool:
        array = self.constants.get(name)
        return array is not None and array.size == 1 and array.dtype.kind == "i" and int(array.reshape(-1)[0]) == number

    def _from_outside(self, name: str) -> str | None:
        """The outer graph's tensor that stays the same from turn to turn."""
        if name in self.carried:
            initial, handed_on = self.carried[name]
            return initial if self.source(handed_on) == name else None
        inside = (
            name in self.makers
            or any(value.name == name for value in self.body.input)
            or any(t.name == name for t in self.body.initializer)
        )
        return None if inside else name
