"""Sums of products of a tensor, its mean and the inverse root of its variance: what normalizations are multiplied out to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

#: The powers of x, of its mean, and of 1 / sqrt(variance + epsilon) in a product.
Powers = tuple[int, int, int]
X, MEAN, INVERSE, ONE = (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)

#: A product of sums is multiplied out where no more terms than these come of it.
MOST_TERMS = 6


@dataclass(frozen=True)
class Expression:
    """A sum of products, each with a factor, in double. What would be no such sum, or one of many terms, raises TypeError."""

    terms: Mapping[Powers, np.ndarray]

    def __neg__(self) -> Expression:
        return Expression({powers: -factor for powers, factor in self.terms.items()})

    def __add__(self, other: Expression) -> Expression:
        total = dict(self.terms)
        for powers, factor in other.terms.items():
            total[powers] = total[powers] + factor if powers in total else factor
        return Expression({powers: factor for powers, factor in total.items() if factor.any()})

    def __sub__(self, other: Expression) -> Expression:
        return self + -other

    def __mul__(self, other: Expression) -> Expression:
        if len(self.terms) * len(other.terms) > MOST_TERMS:
            raise TypeError
        total: dict[Powers, np.ndarray] = {}
        for a, f in self.terms.items():
            for b, g in other.terms.items():
                powers = (a[0] + b[0], a[1] + b[1], a[2] + b[2])
                total[powers] = total[powers] + f * g if powers in total else f * g
        return Expression(total)

    def __truediv__(self, other: Expression) -> Expression:
        return self * other.inverse()

    def __rtruediv__(self, other: float) -> Expression:
        return Expression({ONE: np.full((), float(other))}) * self.inverse()

    def inverse(self) -> Expression:
        """1 / it, where it is a power of the root."""
        if len(self.terms) != 1:
            raise TypeError
        ((powers, factor),) = self.terms.items()
        if powers[:2] != (0, 0) or not factor.all():
            raise TypeError
        return Expression({(0, 0, -powers[2]): 1 / factor})
