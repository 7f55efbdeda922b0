"""Sizes to try: values for the run-time sizes that a model takes by its own conditions, small ones first."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.rmodel import RModel, nested_models
from onnx_bridge.ir.tensor import PARTS

#: What the symbols are tried with: the first gets the first number, the next the second, and so on, over and over. A symbol that must
#: be larger gets its least value, and in proportion more.
TRIED = ((1, 1, 1, 1), (3, 2, 5, 4), (2, 7, 3, 9), (17, 12, 11, 13))

#: Then, for needs that only the reference knows: such numbers, somewhat smaller from one symbol to the next, at batch 1 and 2.
ROOMY = (16, 48, 64, 128, 256, 512, 1024, 1536, 4096, 16384)

#: How much room there is for what data decides without a limit: what is compared takes more if it needs it.
ROOM = 4096

#: How many sets of sizes that the references accept are used.
ENOUGH = 4

#: Elements of all tensors together beyond which a set of sizes is left out, if there was a smaller one.
MOST_ELEMENTS = 2**28

#: Up to where a size is looked for, and how many values in a row are looked at.
_LARGEST, _IN_A_ROW = 2**24, 64

#: How many combinations of values are looked at for conditions on several sizes.
_PATIENCE = 2000


def sizes_to_try(model: RModel) -> Iterator[dict[str, int]]:
    """Values for the symbols, one set after the other; one empty set for a model without symbols, none where no values were found."""
    for sizes in _sizes_to_try(model):
        yield {**sizes, **dict.fromkeys(model.bounds, ROOM)}


def _sizes_to_try(model: RModel) -> Iterator[dict[str, int]]:
    """The same without sizes that say how much room there is."""
    symbols = [symbol for symbol in model.symbols if symbol not in model.bounds]
    if not symbols:
        yield {}
        return
    needs, seen = [_Need.of(a, b) for a, b in _needs(model)], list[dict[str, int]]()
    batch = {str(t.shape[0]) for t in model.inputs if t.rank > 1}
    least = {symbol: _least(needs, symbol) for symbol in symbols}
    rows = [{s: least[s] + (row[i % len(row)] - 1) * max(1, least[s] // 8) for i, s in enumerate(symbols)} for row in TRIED]
    signed = {symbol for symbol, value in model.symbol_inputs.items() if value.signed}
    floats = sorted(symbol for symbol, value in model.symbol_inputs.items() if value.is_float)
    for number, row in enumerate(rows):
        row.update({symbol: (-1) ** (number + place) * (1 + number // 2) for place, symbol in enumerate(sorted(signed))})
        row.update({symbol: PARTS + PARTS // 2 * ((number + place) % 4) for place, symbol in enumerate(floats)})
    for index, room in enumerate(ROOMY):
        roomy = {s: max(least[s], 1 + index % 2 if s in batch else room * (8 - i % 4) // 8) for i, s in enumerate(symbols)}
        rows.append({**roomy, **{symbol: rows[index % len(TRIED)][symbol] for symbol in floats}})
    tried = [(needs, row) for row in rows]
    tried[1:1] = [([*needs, *branch], rows[1]) for branch in _branches(model)]
    for wanted, row in tried:
        sizes = _nearest(wanted, row, signed)
        if sizes is not None and sizes not in seen and elements(model, sizes) < (MOST_ELEMENTS if seen else math.inf):
            seen.append(sizes)
            yield sizes


def allowed(model: RModel, sizes: Mapping[str, int]) -> bool:
    """Whether the model takes these sizes."""
    return all(_Need.of(a, b).holds(sizes) for a, b in _needs(model))


def may_refuse(model: RModel, sizes: Mapping[str, int]) -> bool:
    """Whether the model may refuse these sizes as data decides: has it a branch that does, or needs it something of what is found."""
    return _tests_found(model) or any(not need.holds(sizes) for branch in _branches(model) for need in branch)


def _tests_found(model: RModel) -> bool:
    """Whether something is needed of sizes that data decides."""
    bodies = (body for op in model.operators for body in nested_models(op))
    return any(op.conditions or op.constraints or op.reads_sizes for op in model.operators) or any(map(_tests_found, bodies))


def why_none(model: RModel) -> str:
    """What of a model's conditions no sizes were found for; empty where they were."""
    needs = [_Need.of(a, b) for a, b in _needs(model)]
    for count in range(1, len(needs) + 1):
        if _nearest(needs[:count], {symbol: _least(needs[:count], symbol) for symbol in model.symbols}) is None:
            return f"no sizes were found for which {' and '.join(map(str, needs[:count]))}"
    return ""


def elements(model: RModel, sizes: Mapping[str, int]) -> float:
    """How many elements all tensors have that operators make; infinitely many where a size is divided by zero."""
    try:
        return _elements(model, sizes)
    except dims.DividedByZero:
        return math.inf


def _elements(model: RModel, sizes: Mapping[str, int]) -> int:
    total = 0
    for op in model.operators:
        total += sum(dims.evaluate(t.count, sizes) for t in op.outputs if t is not None and dims.symbols(t.count) <= sizes.keys())
        total += sum(_elements(body, sizes) for body in nested_models(op))
    return total


def _needs(model: RModel) -> Iterator[tuple[Size, Size | None]]:
    """The conditions, and the pairs that must be equal."""
    yield from ((condition, None) for condition in model.conditions)
    yield from model.constraints


def _branches(model: RModel) -> Iterator[list[_Need]]:
    """What each branch of each If needs for being taken."""
    for op in model.operators:
        inside = list(nested_models(op))
        for taken, body in zip((1, 0), inside, strict=False):
            if len(inside) == 2:
                decided = getattr(op, "decided", None)
                needs = [*_needs(body), *([] if decided is None else [(decided, taken)])]
                if needs:
                    yield [_Need.of(a, b) for a, b in needs]
            yield from _branches(body)


@dataclass(frozen=True)
class _Need:
    """A size that must not be negative, or be equal to another; `symbols` are those of both."""

    size: Size
    other: Size | None
    symbols: frozenset[str]

    @classmethod
    def of(cls, size: Size, other: Size | None) -> _Need:
        return cls(size, other, frozenset(dims.symbols(size) | (set() if other is None else dims.symbols(other))))

    def holds(self, sizes: Mapping[str, int]) -> bool:
        try:
            value = dims.evaluate(self.size, sizes)
            return value >= 0 if self.other is None else value == dims.evaluate(self.other, sizes)
        except dims.DividedByZero:
            return False

    def __str__(self) -> str:
        return f"{self.size} is not negative" if self.other is None else f"{self.size} equals {self.other}"


def _own(needs: list[_Need], symbol: str) -> Callable[[int], bool]:
    """Whether a value of a symbol fulfils the conditions on it alone."""
    mine = [need for need in needs if need.symbols == {symbol}]
    return lambda value: all(need.holds({symbol: value}) for need in mine)


def _least(needs: list[_Need], symbol: str) -> int:
    """The least value that fulfils the conditions on the symbol alone: 1 where there is none from 1 on."""
    return _first(_own(needs, symbol), 1) or 1


def _nearest(needs: list[_Need], wanted: Mapping[str, int], signed: Collection[str] = ()) -> dict[str, int] | None:
    """Sizes near to the wanted ones for which everything holds, or None where none were found; `signed` are those that may be negative."""
    shared = [need for need in needs if len(need.symbols) != 1]
    involved = set[str]().union(*(need.symbols for need in shared))
    choices = [
        _choices(_own(needs, symbol), value, symbol in involved, -_IN_A_ROW if symbol in signed else 0) for symbol, value in wanted.items()
    ]
    if not all(choices):
        return None
    together = (tuple(values[min(i, len(values) - 1)] for values in choices) for i in range(max(map(len, choices))))
    for values in itertools.islice(itertools.chain(together, itertools.product(*choices)), _PATIENCE):
        sizes = dict(zip(wanted, values, strict=True))
        if all(need.holds(sizes) for need in shared):
            return sizes
    return None


def _choices(fits: Callable[[int], bool], wanted: int, several: bool, least: int = 0) -> list[int]:
    """Values of a symbol: the nearest to what is wanted and, if there are to be several, others above and below it, larger and larger."""
    above = [value for value in range(wanted, wanted + _IN_A_ROW) if fits(value)]
    below = [value for value in range(wanted - 1, max(least - 1, wanted - _IN_A_ROW), -1) if fits(value)]
    if not several:
        return [*above[:1], *below[:1]][:1]
    larger = [value for value in (wanted + 2**k for k in range(2, 12)) if fits(value)]
    return list(dict.fromkeys([*above[:3], *below[:2], *below[-1:], *larger]))


def _first(fits: Callable[[int], bool], start: int) -> int | None:
    """The first value that fits, from `start` on; beyond some in a row, the first of those that fit from somewhere on."""
    for value in range(start, start + _IN_A_ROW):
        if fits(value):
            return value
    low, high = start + _IN_A_ROW - 1, 2 * (start + _IN_A_ROW)
    while not fits(high):
        low, high = high, 2 * high
        if high > _LARGEST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high
