"""How many turns a Loop takes that ends by its condition, where the condition compares counters with limits that are sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import bool_
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import ShapeError, Tensor, same

#: A trip count of this many turns is none: no loop ever takes them. Exporters write the largest int64 for "as long as it holds".
ENDLESS = 1 << 40

#: So many operators are looked through for a counter or a condition; a file may have any number of them.
_DEEPEST = 200

#: Comparisons a ? b as what of their operands must be at least 1: the sign of b - a, and what is added to it.
_COMPARISONS = {"Less": (1, 0), "LessOrEqual": (1, 1), "Greater": (-1, 0), "GreaterOrEqual": (-1, 1)}

#: The opposites of comparisons.
_NEGATED = {"Less": "GreaterOrEqual", "GreaterOrEqual": "Less", "Greater": "LessOrEqual", "LessOrEqual": "Greater"}

#: Operators that leave the number of a tensor of one element as it is.
_PASSING = {"Identity", "Cast", "Squeeze", "Unsqueeze", "Reshape"}

_Found = TypeVar("_Found")


class DependsOnData(Exception):
    """The condition is none that sizes decide; `tensor` is what it depends on."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        super().__init__(tensor.name)


@dataclass(frozen=True)
class Line:
    """A number that is `start + step * t` in turn t."""

    start: Size
    step: Size

    def __add__(self, other: Line) -> Line:
        return Line(self.start + other.start, self.step + other.step)

    def times(self, factor: int) -> Line:
        return Line(self.start * factor, self.step * factor)


@dataclass
class Turns:
    """A loop as far as its number of turns goes.

    Attributes:
        makers: the operators that make tensors, of the body and of what is around it.
        turn: the body's input that counts the turns.
        goes_on: the body's input that says whether it goes on; it holds in every turn.
        carried: initial and handed-on tensors by the body's inputs.
    """

    makers: Mapping[Tensor, ROperator]
    turn: Tensor | None = None
    goes_on: Tensor | None = None
    carried: Mapping[Tensor, tuple[Tensor, Tensor]] = field(default_factory=dict)
    # What is read twice is looked at once: else n doublings, a = a + a, would take 2 to the n steps.
    _margins: dict[Tensor, list[Line]] = field(default_factory=dict)
    _lines: dict[Tensor, Line] = field(default_factory=dict)
    _depth: int = 0

    def count(self, first: Tensor | None, then: Tensor, most: Size | None) -> Size | None:
        """The number of turns; None if the loop never ends by itself.

        Args:
            first: the condition before the first turn; None if it holds.
            then: the condition that the body makes for the turn after its own.
            most: the trip count; None if there is none.

        Raises:
            DependsOnData: the conditions are not all comparisons of counters with sizes.
        """
        before = [] if first is None else self.margins(first)
        margins = [margin for margin in self.margins(then) if not _always(margin)]
        steps = [_down(margin, then) for margin in margins]
        if before and sorted(map(str, before)) == sorted(str(Line(m.start - m.step, 0)) for m in margins):
            # The same comparison, one step before that of the first turn: it counts as one more.
            turns = [dims.maximum(0, dims.ceil_div(m.start + s, s)) for m, s in zip(margins, steps, strict=True)]
            return _least([*turns, *([] if most is None else [most])])
        turns = [1 + dims.maximum(0, dims.ceil_div(m.start, s)) for m, s in zip(margins, steps, strict=True)]
        found = _least([*turns, *([] if most is None else [most])])
        if found is None:
            return _unending(before)
        return _where(before, found)

    def _deeper(self, look: Callable[[Tensor], _Found], tensor: Tensor) -> _Found:
        """What is found of a tensor, one operator further up.

        Raises:
            DependsOnData: that is farther than anybody writes by hand.
        """
        if self._depth == _DEEPEST:
            raise DependsOnData(tensor)
        self._depth += 1
        try:
            return look(tensor)
        finally:
            self._depth -= 1

    def margins(self, condition: Tensor) -> list[Line]:
        """What must all be at least 1 for a condition to hold.

        Raises:
            DependsOnData: it is no conjunction of comparisons of counters and sizes.
        """
        if condition not in self._margins:
            self._margins[condition] = list(dict.fromkeys(self._deeper(self._margins_of, condition)))
        return self._margins[condition]

    def _margins_of(self, condition: Tensor) -> list[Line]:
        if condition is self.goes_on:
            return []
        if condition.is_constant and condition.count == 1:
            return [] if condition.constant().reshape(-1)[0] else [Line(0, 0)]
        maker, negated = self.makers.get(condition), False
        while maker is not None and (maker.op_type == "Not" or _passes(maker)):
            if maker.x is self.goes_on and not negated:
                return []
            negated ^= maker.op_type == "Not"
            maker = self.makers.get(maker.x)
        if maker is None:
            raise DependsOnData(condition)
        if maker.op_type == "And" and not negated:
            return [*self.margins(maker.input(0)), *self.margins(maker.input(1))]
        comparison = _NEGATED.get(maker.op_type, "") if negated else maker.op_type
        if comparison not in _COMPARISONS:
            raise DependsOnData(condition)
        sign, more = _COMPARISONS[comparison]
        gap = self.line(maker.input(1)) + self.line(maker.input(0)).times(-1)
        return [gap.times(sign) + Line(more, 0)]

    def line(self, tensor: Tensor) -> Line:
        """A number as it changes from turn to turn.

        Raises:
            DependsOnData: it is no counter and no size.
        """
        if tensor not in self._lines:
            self._lines[tensor] = self._deeper(self._line_of, tensor)
        return self._lines[tensor]

    def _line_of(self, tensor: Tensor) -> Line:
        if tensor is self.turn:
            return Line(0, 1)
        if tensor.value is not None and tensor.count == 1:
            (value,) = tensor.value.reshape(-1)
            if isinstance(value, dims.Dim):
                return Line(value, 0)
            if np.isfinite(value) and value == int(value):
                return Line(int(value), 0)
        if tensor in self.carried:
            initial, handed_on = self.carried[tensor]
            return Line(self.line(initial).start, self.step(handed_on, tensor))
        maker = self.makers.get(tensor)
        if maker is not None and _passes(maker):
            return self.line(maker.x)
        if maker is not None and maker.op_type in ("Add", "Sub"):
            return self.line(maker.input(0)) + self.line(maker.input(1)).times(-1 if maker.op_type == "Sub" else 1)
        raise DependsOnData(tensor)

    def step(self, tensor: Tensor, counter: Tensor) -> Size:
        """What is added to a counter in each turn.

        Raises:
            DependsOnData: something else than a number or a size.
        """
        while tensor is not counter and (passing := self.makers.get(tensor)) is not None and _passes(passing):
            tensor = passing.x
        if tensor is counter:
            return 0
        maker = self.makers.get(tensor)
        if maker is not None and maker.op_type in ("Add", "Sub"):
            a, b = maker.input(0), maker.input(1)
            if maker.op_type == "Add" and self._is(b, counter):
                a, b = b, a
            if self._is(a, counter) and b not in self.carried and (line := self.line(b)).step == 0:
                return line.start if maker.op_type == "Add" else -line.start
        raise DependsOnData(tensor)

    def _is(self, tensor: Tensor, counter: Tensor) -> bool:
        """Whether a tensor is a counter, behind what leaves its number as it is."""
        while tensor is not counter and (maker := self.makers.get(tensor)) is not None and _passes(maker):
            tensor = maker.x
        return tensor is counter


def check_single(trips: Tensor | None, condition: Tensor | None) -> None:
    """Holds a loop's trip count and its first condition to being one element each.

    Raises:
        ShapeError: one of them is not.
    """
    for tensor, what in ((trips, "trip count"), (condition, "condition")):
        if tensor is not None and tensor.count != 1:
            if isinstance(tensor.count, int):
                raise ShapeError(f"the {what} must be one element, got {tensor.type}")
            for size in tensor.shape:
                same(size, 1)


def limit(trips: Tensor | None) -> Size | None:
    """The trip count as a size; None if there is none that ever ends a loop.

    Raises:
        NeedsValue: it is known only at run time.
    """
    most = None if trips is None else trips.sizes()[0]
    return None if isinstance(most, int) and most >= ENDLESS else most


def _passes(op: ROperator) -> bool:
    return op.op_type in _PASSING and (op.y.dtype is bool_) == (op.x.dtype is bool_)


def _always(margin: Line) -> bool:
    """Whether a margin is at least 1 in every turn."""
    return dims.at_least(margin.start, 1) and dims.at_least(margin.step, 0)


def _down(margin: Line, condition: Tensor) -> int:
    """By how much a margin falls in each turn."""
    if isinstance(margin.step, int) and margin.step < 0:
        return -margin.step
    if margin.step == 0 and dims.at_least(0, margin.start):
        return 1  # it does not hold, and never will
    raise DependsOnData(condition)


def _unending(before: list[Line]) -> Size | None:
    """The turns of a loop that only what comes before it can keep from going on for ever."""
    return 0 if any(dims.at_least(0, margin.start) for margin in before) else None


def _where(before: list[Line], turns: Size) -> Size:
    """A number of turns where all conditions before the first one hold, else 0."""
    for margin in dict.fromkeys(before):
        names = sorted(dims.symbols(margin.start))
        implied = len(names) == 1 and margin.start == dims.symbol(names[0]) and dims.substitute(turns, {names[0]: 0}) == 0
        if not implied:  # it would be 0 anyway
            turns = dims.holds(margin.start) * turns
    return turns


def _least(sizes: list[Size]) -> Size | None:
    return dims.minimum(*sizes) if sizes else None
