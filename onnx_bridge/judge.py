"""Judging differences: one measure for verification and for the front ends' trials.

Arrays in, numbers out; nothing here knows where the arrays come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

#: Largest difference allowed, relative to the largest magnitude of the output...
RELATIVE = 1e-5
#: ...or in halves, one unit in the last place of that: of two sums that differ in their last bits one may be rounded up, the other down...
UNIT = {"float16": 2.0**-10, "bfloat16": 2.0**-7}
#: ...or as a multiple of how far the reference's own answer moves: the model's conditioning.
CONDITIONING = 4.0


def is_float(array: np.ndarray) -> bool:
    """Whether an array holds numbers that are rounded where they are calculated with: floats, bfloat16 among them.

    Floats of a byte and less are codes that are moved and converted: they are compared as integers are.
    """
    return array.dtype.name in ("float16", "bfloat16", "float32", "float64") or (array.dtype.kind == "f" and array.dtype.itemsize > 2)


def gap_of(a: np.ndarray, b: np.ndarray, largest: float, moved: Callable[[], float], slack: float = 1.0) -> tuple[float, float, bool]:
    """The difference of two outputs, what is allowed, and whether the model's conditioning decided that.

    Args:
        a: an answer.
        b: the reference's.
        largest: the largest magnitude of this output over all calls: one call's own may be tiny (a sigmoid that is 1e-8 everywhere).
        moved: how far the reference's answer moves; asked only where the fixed rule does not suffice.
        slack: multiplies what is allowed, for those who look for what is wrong, not inexact.
    """
    if is_text(a) and is_text(b) and a.shape == b.shape:
        return (0.0 if np.array_equal(a, b) else float("inf")), 0.0, False
    if a.shape != b.shape or a.dtype != b.dtype:
        return float("inf"), 0.0, False
    if not is_float(b):
        return difference(a, b), 0.0, False
    gap, allowed = difference(a, b), slack * max(RELATIVE, UNIT.get(b.dtype.name, 0.0)) * largest
    if gap <= allowed or not np.isfinite(gap):  # a NaN or an infinity in another place is no matter of rounding
        return gap, allowed, False
    conditioned = slack * CONDITIONING * moved()
    return gap, max(allowed, conditioned), conditioned > allowed


def is_text(array: np.ndarray) -> bool:
    """Whether an answer is one of strings."""
    return array.dtype.kind in "OU"


def decided(b: np.ndarray, others: Iterable[np.ndarray]) -> np.ndarray:
    """Where an answer of integers or bools is decided by the inputs, as a mask.

    Elsewhere it is one of several that are as good: the position of a value that ties with another, a comparison of equals.

    Args:
        b: the reference's answer.
        others: its answers to inputs that are nudged, each in its own way.
    """
    mask = np.ones(b.shape, bool)
    for other in others:
        if other.shape == b.shape:
            mask &= other == b
    return mask


def nudge(array: np.ndarray, seed: int = 0, fraction_bits: int = 52) -> np.ndarray:
    """The array with every number moved by one unit in its last place, up or down at random (seeded).

    The unit is that of the array's own type, or of one with `fraction_bits` bits of fraction, if that is coarser.

    A zero among other numbers, or in an array of zeros, moves by a unit of the largest of them, or of one: the unit of
    zero itself is so small that nothing would move.
    """
    if array.size == 0:
        return array
    if array.dtype.name == "bfloat16":
        return nudge(array.astype(np.float32), seed, min(fraction_bits, 7)).astype(array.dtype)
    signs = np.random.default_rng([array.size, seed] if seed else array.size).choice(np.array([-1, 1], array.dtype), array.shape)
    largest = np.abs(array[np.isfinite(array)]).max(initial=0) or 1
    with np.errstate(invalid="ignore"):
        unit = np.spacing(np.where(array == 0, np.asarray(largest, array.dtype), np.abs(array)))
        unit = unit * np.asarray(2.0 ** max(np.finfo(array.dtype).nmant - fraction_bits, 0), array.dtype)
        return np.asarray(np.where(np.isfinite(array), array + signs * unit, array), array.dtype)


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """The largest absolute difference; infinite where NaNs or infinities stand in different places, or strings differ."""
    if a.size == 0 or (is_text(a) and np.array_equal(a, b)):
        return 0.0
    if is_text(a):
        return float("inf")
    with np.errstate(invalid="ignore"):
        x, y = a.astype(np.float64), b.astype(np.float64)
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        gaps = np.where(same, 0.0, np.abs(x - y))
    return float(np.where(np.isnan(gaps), np.inf, gaps).max())


def movement(a: np.ndarray, b: np.ndarray) -> float:
    """How far an answer moved: the largest difference of numbers that stayed numbers.

    An answer that turns into a NaN when its inputs are nudged, as at the edge of a domain, excuses no NaN and no number elsewhere.
    """
    finite = np.isfinite(a) & np.isfinite(b)
    return difference(a[finite], b[finite])


def equal_bits(a: np.ndarray, b: np.ndarray) -> int:
    """How many numbers are the same bit for bit; any NaN equals any other."""
    integers = {2: np.uint16, 4: np.uint32, 8: np.uint64}[a.dtype.itemsize]
    x, y = np.ascontiguousarray(a), np.ascontiguousarray(b)
    return int(((x.view(integers) == y.view(integers)) | (np.isnan(x) & np.isnan(y))).sum())


def scale_of(b: np.ndarray) -> float:
    """The largest magnitude of the finite numbers; 0 where there are none."""
    if is_text(b):
        return 0.0
    finite = b[np.isfinite(b)] if is_float(b) else b
    return float(np.abs(finite.astype(np.float64)).max()) if finite.size else 0.0


def first_difference(names: Sequence[str], ours: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray]) -> tuple[str, float] | None:
    """The first tensor, in the order of `names`, that is off by more than rounding explains, and by how much of its largest value."""
    for name in names:
        a, b = ours.get(name), reference.get(name)
        if a is None or b is None or b.size == 0:
            continue
        if a.shape != b.shape:
            return name, float("inf")
        scale = scale_of(b)
        gap = difference(a, b)
        limit = 0.0 if not is_float(b) else max(1e-4 * scale, 2 * UNIT.get(b.dtype.name, 0.0) * scale, 1e-30)
        if gap > limit:
            return name, gap / scale if scale else float("inf")
    return None


def tied(scores: np.ndarray, rows: np.ndarray, a: np.ndarray, b: np.ndarray, allowed: float) -> bool:
    """Whether positions that differ are those of equal values.

    Args:
        scores: what the positions are of, [rows, n].
        rows: for each position its row, flat.
        a: positions, flat; none that lies outside is one of equal values.
        b: the reference's.
        allowed: how far equal values may be apart: they were computed, too.
    """
    n = scores.shape[1]
    if min(a.min(initial=0), b.min(initial=0)) < 0 or max(a.max(initial=0), b.max(initial=0)) >= n:
        return False
    x, y = scores[rows, a], scores[rows, b]
    same = (x == y) | ((x != x) & (y != y))
    with np.errstate(invalid="ignore"):
        return bool((same | (np.abs(x.astype(np.float64) - y.astype(np.float64)) <= allowed)).all())
