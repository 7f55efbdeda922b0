"""What the elements of a model's inputs mean: indices, lengths, masks, codes that are compared, plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size


@dataclass(frozen=True)
class Bound:
    """low <= factor * x + shift <= high for the elements x of an input, of which `share` inputs are added up.

    An index has the bounds 0 and size - 1 of what it points into, a length 1 and the size that it is a part of.
    """

    low: Size
    high: Size
    factor: Fraction = Fraction(1)
    shift: Size = 0
    share: int = 1

    def of(self, sizes: Mapping[str, int]) -> tuple[int, int]:
        """The least and the largest x, which is less than the least where there is none. A size that data decides is taken to be 1."""
        parts = (self.low, self.high, self.shift)
        known = {**dict.fromkeys(set().union(*map(dims.symbols, parts)), 1), **sizes}
        low, high, shift = (dims.evaluate(size, known) for size in parts)
        ends = sorted([Fraction(low - shift) / self.share / self.factor, Fraction(high - shift) / self.share / self.factor])
        return (-(-ends[0].numerator // ends[0].denominator), ends[1].numerator // ends[1].denominator) if low <= high else (0, -1)


@dataclass
class Meaning:
    """What the elements of one input are for.

    Attributes:
        bounds: of indices and lengths.
        wraps: whether the model itself adds the size to negative indices.
        ascends: whether they are offsets: from 0 on, none less than the one before it.
        keeps: of a mask: 1 where what is not zero is kept, -1 where what is zero is; 0 for what is no mask.
        codes: whole numbers that it is compared with.
        counts: whether it is calculated with.
        compared: numbers that trees compare it with, by column; under None those of any column.
        free: whether any whole number will do (it is hashed, or taken apart into bits).
    """

    bounds: list[Bound] = field(default_factory=list)
    wraps: bool = False
    ascends: bool = False
    keeps: int = 0
    codes: set[int] = field(default_factory=set)
    counts: bool = False
    free: bool = False
    compared: dict[int | None, np.ndarray] = field(default_factory=dict)
