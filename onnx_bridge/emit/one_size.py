"""Run-time sizes of a model with one open dim, as most have: one limit on the dim, below which nothing overflows, and plain arithmetic.

A model qualifies where all sizes are sums of products by numbers, rounded or not, and where each piece of the Workspace lies at one such
size. Others compute in checked arithmetic, see `sizes.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from onnx_bridge.emit.writer import INDENT
from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Dim, Function, Size
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.passes.memory import MemoryPlan

_MOST = "static_cast<std::size_t>(-1)"


@dataclass(frozen=True)
class OneSize:
    """The bodies of Model's functions of dims.

    Attributes:
        name: the field of Dims.
        offsets: where each piece of the Workspace lies, in the plan's order.
        total: the Workspace's bytes.
        rise: no size, nor what it is computed from, is more than this many times the dim, or than this where the dim is 0.
    """

    name: str
    offsets: Sequence[Size]
    total: Size
    rise: int

    def takes(self) -> str:
        """The body of Model::takes."""
        return f"{INDENT}return dims.{self.name} <= {_MOST} / {4 * self.rise};  // beyond it sizes overflow, here or in the network"

    def plan(self) -> str:
        """The body of Model::plan."""
        lines = [f"{INDENT}at[{index}] = {self._spelt(offset)};" for index, offset in enumerate(self.offsets)]
        return "\n".join([f"{INDENT}if (!takes(dims)) return {_MOST};", *lines, f"{INDENT}return {self._spelt(self.total)};"])

    def outputs(self, counts: Iterable[Size]) -> str:
        """The body of Model::output_size."""
        lines = [f"{INDENT}if (!takes(dims)) return 0;", f"{INDENT}switch (index) {{"]
        lines += [f"{INDENT}case {index}: return {self._spelt(count)};" for index, count in enumerate(counts)]
        return "\n".join([*lines, f"{INDENT}default: return 0;", f"{INDENT}}}"])

    def _spelt(self, size: Size) -> str:
        terms = []
        for monomial, factor in size.terms if isinstance(size, Dim) else (((), size),):
            atoms = [self._divided(atom) if isinstance(atom, Function) else f"dims.{self.name}" for atom in monomial]
            terms.append(" * ".join([str(factor)] * (factor != 1 or not atoms) + atoms))
        return " + ".join(terms)

    def _divided(self, atom: Function) -> str:
        return f"(({self._spelt(atom.args[0])}) / {atom.args[1]})"


def one_size(model: RModel, plan: MemoryPlan, symbols: dict[str, str], sizes: Iterable[Size]) -> OneSize | None:
    """The arithmetic of a model that qualifies.

    Args:
        model: the model after its passes.
        plan: its memory plan.
        symbols: ONNX dim name -> field of Dims.
        sizes: all that the face and the network compute with, but for the plan's.
    """
    if len(symbols) != 1 or model.limits() or model.conditions or model.constraints or plan.is_static:
        return None
    offsets: list[Size] = []
    tops: list[Size] = []
    for piece in plan.order:
        offset = _highest([tops[other.index] for other in piece.below])
        if offset is None:
            return None
        offsets.append(offset)
        tops.append(offset + piece.bytes)
    total = _highest(tops)
    rises = [_rise(size) for size in (*sizes, *tops)]
    if total is None or any(rise is None for rise in rises):
        return None
    rise = max(rise or 1 for rise in rises)
    return OneSize(next(iter(symbols.values())), offsets, total, rise) if rise < 1 << 29 else None


def _highest(sizes: Sequence[Size]) -> Size | None:
    """The one that is never below another; None where that depends on the dim."""
    highest: Size = 0
    for size in sizes:
        if not dims.at_least(highest, size):
            highest = size
    return highest if all(dims.at_least(highest, size) for size in sizes) else None


def _rise(size: Size) -> int | None:
    """How many times the dim, or 1, a size and all that it is computed from is at most; None for a size of another form."""
    total, most = 0, 0
    for monomial, factor in size.terms if isinstance(size, Dim) else (((), size),):
        each: int | None = 1
        if len(monomial) > 1 or factor < 0:
            return None
        for atom in monomial:
            if isinstance(atom, Function):
                each = _quotient(atom)
                most = max(most, _rise(atom.args[0]) or 0)
            elif atom.signed:
                return None
        if each is None:
            return None
        total += factor * each
    return max(total, most)


def _quotient(atom: Function) -> int | None:
    divisor = atom.args[-1]
    if atom.name != "floor_div" or not isinstance(divisor, int) or divisor <= 0 or (rise := _rise(atom.args[0])) is None:
        return None
    return -(-rise // divisor)
