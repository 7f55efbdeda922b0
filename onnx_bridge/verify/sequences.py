"""Sequences for a verification: shapes of elements that have so many numbers together."""

from __future__ import annotations

import numpy as np

from onnx_bridge.references.refusal import Refusal

#: Columns of a table where the rank is not known.
_ANY = 9


def table(rng: np.random.Generator, length: int, columns: int, numbers: int) -> np.ndarray:
    """The shapes of `length` elements, a row each: equal ones where the numbers can be shared out evenly.

    Raises:
        Refusal: there are numbers, and no element has them.
    """
    if numbers and not length:
        raise Refusal("numpy", "inputs", f"no element has the {numbers} numbers")
    if length and numbers % length == 0:
        counts = np.full(length, numbers // length)
    else:
        counts = np.diff([0, *np.sort(rng.integers(0, numbers + 1, max(0, length - 1))), numbers])[:length]
    made = np.zeros((length, columns), np.int64) if columns == _ANY else np.ones((length, columns), np.int64)
    if columns == _ANY:
        made[:, 0] = 1
    made[:, 1 if columns == _ANY else 0] = counts
    return made
