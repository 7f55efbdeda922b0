"""Loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import STORED, bool_, int64
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import NeedsValue, ShapeError, Tensor, Type
from onnx_bridge.library.trips import ENDLESS, DependsOnData, Turns, limit
from onnx_bridge.operators.if_ import copy_tensor, keeps_type

_STACKS = "it has scan outputs with a row for each turn, and how many turns it takes depends on data"
_ADVICE = "a condition that compares a counter with a size is fine, so is none; or keep the rows in a carried tensor of a fixed size"


@operator("Loop", since=1)
class Loop(ROperator):
    """Runs a graph up to M times, for as long as its condition holds, carrying tensors from turn to turn and stacking scan outputs.

    Carried tensors keep their shapes. What a turn hands on unchanged is not carried: the graph reads it where it is. A loop with
    scan outputs takes M turns, or fewer where its condition compares counters with sizes; where data decides, their first size is one that
    is found while it runs, at most M.
    """

    tested_by = "test_control_flow.py"
    computes = (STORED,)

    body: Any = attribute()
    #: Tensors of the turn's number and of the condition, and those carried: (position among the carried, body's input).
    turn: Tensor | None = field(default=None)
    condition: Tensor | None = field(default=None)
    carried: list[tuple[int, Tensor]] = field(default_factory=list)
    #: The number of turns of a loop with scan outputs: a symbol, which the loop finds, where data decides it.
    turns: Size = 0

    def types(self, trips: Tensor | None, condition: Tensor | None, *initial: Tensor) -> Sequence[Type]:
        body = self.body
        if isinstance(body, RModel):  # lowered before
            return self.results(body, initial)
        names = body.input_names
        if len(names) != 2 + len(initial):
            raise ShapeError(f"the body has {len(names)} inputs, expected {2 + len(initial)}")
        self.turn = Tensor(names[0], Type(int64, body.declared_shape(0, ())))
        self.condition = Tensor(names[1], Type(bool_, body.declared_shape(1, ())))
        bound: dict[str, Tensor] = {names[0]: self.turn, names[1]: self.condition}
        self.carried = []
        for i, tensor in enumerate(initial):
            if body.hands_on(1 + i, names[2 + i]):
                bound[names[2 + i]] = tensor
            else:
                bound[names[2 + i]] = Tensor(names[2 + i], tensor.type)
                self.carried.append((i, bound[names[2 + i]]))
        own = [self.turn, self.condition, *(t for _, t in self.carried)]
        lowered = body.lower(own, bound)
        made = lowered.outputs[1 : 1 + len(initial)]
        for i, tensor in self.carried:
            keeps_type(tensor, made[i])
        scans = lowered.outputs[1 + len(initial) :]
        if scans:
            self.turns = self._turns(body, lowered, trips, condition, initial)
        self.body = lowered  # last: what is refused above is asked again
        return self.results(lowered, initial)

    def results(self, body: RModel, initial: Sequence[Tensor]) -> Sequence[Type]:
        """The types of the outputs, from what the body makes."""
        return [*(t.type for t in initial), *(Type(t.dtype, (self.turns, *t.shape)) for t in body.outputs[1 + len(initial) :])]

    def _turns(self, body: Any, lowered: RModel, trips: Tensor | None, condition: Tensor | None, initial: Sequence[Tensor]) -> Size:
        """The number of turns, which scan outputs have as their first size."""
        carried = {tensor: (initial[i], lowered.outputs[1 + i]) for i, tensor in self.carried}
        try:
            found = Turns(body.makers, self.turn, self.condition, carried).count(condition, lowered.outputs[0], limit(trips))
        except DependsOnData as data:
            most = limit(trips)
            if most is None:
                raise NeedsValue(data.tensor, _STACKS, _ADVICE) from None
            return self.find("turns", most)
        if found is None:
            raise UnsupportedForm("it has scan outputs and never ends")
        return found

    @property
    def trips(self) -> Size | None:
        """The trip count where it is known as a size."""
        count = self.inputs[0]
        return None if count is None or count.value is None else count.sizes()[0]

    @property
    def stacks(self) -> bool:
        """Whether it has scan outputs."""
        return any(t is not None for t in self.outputs[len(self.inputs) - 2 :])

    @property
    def runs_at_first(self) -> bool:
        """Whether the condition is absent, or known to hold at first."""
        condition = self.inputs[1]
        return condition is None or (condition.is_constant and bool(condition.constant().reshape(-1)[0]))

    def reads(self) -> Sequence[int]:
        first = [0] if self.inputs[0] is not None and self.trips is None else []
        return [*first, *([] if self.runs_at_first else [1]), *range(2, len(self.inputs))]

    def emit(self, cpp: Writer) -> None:
        assert isinstance(self.body, RModel) and self.turn is not None and self.condition is not None
        turn, goes_on = cpp.local("turn"), cpp.local("goes_on")
        for i, tensor in self.carried:
            copy_tensor(cpp, tensor, self.input(2 + i))
        cpp.line(f"bool {goes_on} = {'true' if self.runs_at_first else '*' + cpp.pointer(self.input(1))};")
        cpp.line(f"Size {turn} = 0;")
        most = self._most(cpp)
        with cpp.block(f"for (; {goes_on}{f' && {turn} < {most}' if most else ''}; {turn}++)"):
            if self.stacks and not self.found and self.turns != self.trips:
                cpp.line(f"if ({turn} == {cpp.size(self.turns)}) return false;")
            cpp.require(self.body.conditions, self.body.constraints)
            cpp.line(f"*{cpp.pointer(self.turn)} = static_cast<std::int64_t>({turn});")
            cpp.line(f"*{cpp.pointer(self.condition)} = {goes_on};")
            cpp.operators(self.body.operators)
            kept = len(self.inputs) - 2
            for scan, target in zip(self.body.outputs[1 + kept :], self.outputs[kept:], strict=False):  # the last may be left out
                if target is not None:
                    copy_tensor(cpp, target, scan, f" + {turn} * {cpp.size(scan.count)}")
            for i, tensor in self.carried:
                copy_tensor(cpp, tensor, self.body.outputs[1 + i])
            cpp.line(f"{goes_on} = *{cpp.pointer(self.body.outputs[0])};")
        if self.stacks and self.found:
            cpp.line(f"{cpp.size(self.turns)} = {turn};")
        elif self.stacks:
            cpp.line(f"if ({turn} != {cpp.size(self.turns)}) return false;")
        carried = dict(self.carried)
        for i, target in enumerate(self.outputs[:kept]):
            if target is not None:
                copy_tensor(cpp, target, carried.get(i, self.input(2 + i)))

    def _most(self, cpp: Writer) -> str:
        """The trip count in C++; nothing where there is none."""
        count = self.inputs[0]
        if self.trips is None:
            return "" if count is None else f"*{cpp.pointer(count)}"
        return "" if isinstance(self.trips, int) and self.trips >= ENDLESS else cpp.size(self.trips)
