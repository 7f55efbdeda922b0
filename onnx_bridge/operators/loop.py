"""Loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import MOVED, bool_, int64
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.trips import ENDLESS, DependsOnData, Turns, check_single, limit
from onnx_bridge.operators.if_ import copy_tensor, keeps_type

#: No loop takes more turns, where its trip count is none.
MOST_TURNS = 1 << 31


@operator("Loop", since=1)
class Loop(ROperator):
    """Runs a graph up to M times, for as long as its condition holds, carrying tensors from turn to turn and stacking scan outputs.

    Carried tensors keep their shapes. What a turn hands on unchanged is not carried: the graph reads it where it is. A loop with
    scan outputs takes M turns, or fewer where its condition compares counters with sizes; where data decides, their first size is one that
    is found while it runs, at most M, or as many as the caller has room for.
    """

    tested_by = "test_control_flow.py"
    may_read_sizes = True
    reads_either_sign = True
    computes = (MOVED,)

    body: Any = attribute()
    #: Tensors of the turn's number and of the condition, and those carried: (position among the carried, body's input).
    turn: Tensor | None = field(default=None)
    condition: Tensor | None = field(default=None)
    carried: list[tuple[int, Tensor]] = field(default_factory=list)
    #: The number of turns of a loop with scan outputs: a symbol, which the loop finds, where data decides it.
    turns: Size = 0
    #: How many of the last scan outputs are elements of sequences: where their sizes differ from turn to turn, each is two outputs, the
    #: numbers one behind the other and a table of their shapes.
    appended: int = 0

    def types(self, trips: Tensor | None, condition: Tensor | None, *initial: Tensor) -> Sequence[Type]:
        body = self.body
        if isinstance(body, RModel):  # lowered before
            return self.results(body, initial)
        check_single(trips, condition)
        names = body.input_names
        if len(names) != 2 + len(initial):
            raise ShapeError(f"the body has {len(names)} inputs, expected {2 + len(initial)}")
        if body.output_count < 1 + len(initial):
            raise ShapeError(f"the body has {body.output_count} outputs, at least {1 + len(initial)} are expected")
        if trips is not None and not self.reads_sizes and body.output_count > 1 + len(initial):
            trips.sizes()  # asks for it before anything is lowered
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
        known = None if trips is None or trips.value is None else limit(trips)
        lowered = body.lower(own, bound, self.appended, (self.turn, MOST_TURNS if known is None else known))
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
        types = [t.type for t in initial]
        for index, scan in enumerate(body.outputs[1 + len(initial) :]):
            if self.is_ragged(body, scan):
                numbers = self.find(f"numbers {index}", self.turns * scan.count)
                types += [Type(scan.dtype, (numbers,)), Type(int64, (self.turns, scan.rank))]
            else:
                types.append(Type(scan.dtype, (self.turns, *scan.shape)))
        return types

    @staticmethod
    def is_ragged(body: RModel, scan: Tensor) -> bool:
        """Whether the sizes of a scan output may differ from turn to turn."""
        return any(not dims.symbols(size).isdisjoint(body.found) for size in scan.shape)

    @staticmethod
    def ragged_names(name: str) -> tuple[str, str]:
        """What the two outputs of elements of any shapes are called."""
        return f"{name} numbers", f"{name} shapes"

    def named(self, outputs: Sequence[str | None]) -> Sequence[str | None]:
        assert isinstance(self.body, RModel)
        kept = len(self.inputs) - 2
        found: list[str | None] = list(outputs[:kept])
        for name, scan in zip(outputs[kept:], self.body.outputs[1 + kept :], strict=False):
            ragged = self.is_ragged(self.body, scan)
            found += [None, None] if ragged and name is None else self.ragged_names(name) if ragged and name is not None else [name]
        return found

    def _turns(self, body: Any, lowered: RModel, trips: Tensor | None, condition: Tensor | None, initial: Sequence[Tensor]) -> Size:
        """The number of turns, which scan outputs have as their first size."""
        if trips is not None and trips.value is None and self.reads_sizes:
            return self.find("turns", None)
        carried = {tensor: (initial[i], lowered.outputs[1 + i]) for i, tensor in self.carried}
        try:
            found = Turns(body.makers, self.turn, self.condition, carried).count(condition, lowered.outputs[0], limit(trips))
        except DependsOnData:
            return self.find("turns", limit(trips))
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
        for _, target, shapes in self.scans():
            if target is not None and shapes is not None:
                cpp.line(f"{cpp.size(target.count)} = 0;")
        most = self._most(cpp)
        with cpp.block(f"for (; {goes_on}{f' && {turn} < {most}' if most else ''}; {turn}++)"):
            if self.stacks and "turns" not in self.found and self.turns != self.trips:
                cpp.line(f"if ({turn} == {cpp.size(self.turns)}) return false;")
            if self.stacks and "turns" in self.found:
                cpp.line(f"{cpp.size(self.turns)} = {turn} + 1;")
                cpp.require_room(self.turns)
            cpp.require(self.body.conditions, self.body.constraints)
            cpp.line(f"*{cpp.pointer(self.turn)} = static_cast<std::int64_t>({turn});")
            cpp.line(f"*{cpp.pointer(self.condition)} = {goes_on};")
            cpp.operators(self.body.operators)
            for scan, target, shapes in self.scans():
                if shapes is not None and target is not None:
                    self.append(cpp, turn, scan, target, shapes)
                elif target is not None:
                    copy_tensor(cpp, target, scan, f" + {turn} * {cpp.size(scan.count)}")
            for i, tensor in self.carried:
                copy_tensor(cpp, tensor, self.body.outputs[1 + i])
            cpp.line(f"{goes_on} = *{cpp.pointer(self.body.outputs[0])};")
        kept = len(self.inputs) - 2
        if self.stacks and "turns" in self.found:
            cpp.line(f"{cpp.size(self.turns)} = {turn};")
        elif self.stacks:
            cpp.line(f"if ({turn} != {cpp.size(self.turns)}) return false;")
        carried = dict(self.carried)
        for i, target in enumerate(self.outputs[:kept]):
            if target is not None:
                copy_tensor(cpp, target, carried.get(i, self.input(2 + i)))

    def scans(self) -> list[tuple[Tensor, Tensor | None, Tensor | None]]:
        """The scan outputs: what the body makes, where it goes, and the table of shapes where they differ from turn to turn."""
        assert isinstance(self.body, RModel)
        kept, found = len(self.inputs) - 2, []
        targets = iter(self.outputs[kept:])
        for scan in self.body.outputs[1 + kept :]:
            target = next(targets, None)
            found.append((scan, target, next(targets, None) if self.is_ragged(self.body, scan) else None))
        return found

    @staticmethod
    def append(cpp: Writer, turn: str, scan: Tensor, target: Tensor, shapes: Tensor) -> None:
        """Emits what puts an element of any shape behind those before it."""
        filled = cpp.size(target.count)
        copy_tensor(cpp, target, scan, f" + {filled}")
        for axis, size in enumerate(scan.shape):
            place = f"{turn} * {scan.rank} + {axis}"
            cpp.line(f"{cpp.pointer(shapes)}[{place}] = static_cast<std::int64_t>({cpp.size(size)});")
        cpp.line(f"{filled} += {cpp.size(scan.count)};")

    def _most(self, cpp: Writer) -> str:
        """The trip count in C++; nothing where there is none."""
        count = self.inputs[0]
        if self.trips is None:
            return "" if count is None else f"*{cpp.pointer(count)}"
        return "" if isinstance(self.trips, int) and self.trips >= ENDLESS else cpp.size(self.trips)
