"""Elements of tensors as functions of those of inputs, which the walk of `meanings` carries along."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.meaning import Bound


@dataclass(frozen=True)
class Trace:
    """An element of a tensor as a function of one of an input.

    Attributes:
        source: the input.
        factor, shift: it is factor * x + shift...
        share: ...of so many inputs that are added up.
        truth: 1 where it is whether x is not zero, -1 where it is whether x is.
        picked: it is that or 0, by another factor.
        later: it may be that of another place: a part was taken.
    """

    source: str
    factor: Fraction = Fraction(1)
    shift: Size = 0
    share: int = 1
    truth: int = 0
    picked: bool = False
    later: bool = False

    def within(self, low: Size, high: Size) -> Bound:
        return Bound(low, high, self.factor, self.shift, self.share)

    def is_zero_for(self) -> int | None:
        """The x of 0 and 1 for which the element is 0, if it is not for the other."""
        if self.truth:
            return 0 if self.truth > 0 else 1
        if self.share == 1 and self.shift == 0:
            return 0
        return 1 if self.share == 1 and self.shift == -self.factor else None


class Walk(Protocol):
    """What an operator says of its inputs' elements."""

    def index(self, traces: set[Trace], size: Size) -> None:
        """They are from 0 to size - 1."""

    def length(self, traces: set[Trace], size: Size) -> None:
        """They are from 1 to size."""

    def counted(self, traces: set[Trace]) -> None:
        """They are numbers to calculate with."""
