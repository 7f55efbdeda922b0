"""Values of pointwise operators that are known at conversion: in numbers, or in sizes that are expressions of the dims."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import DType, bfloat16, bool_
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.library.known import MOST, settled

#: How many bools that sizes decide are known as sizes.
FEW = 8

#: How long a size may be (`dims.parts`) to be known: squares of sums that are squared again grow beyond all bounds.
LONG = 300


class Undecided(Exception):
    """A function of sizes that depends on the symbols in a way that no size can say."""


def fold(evaluate: Callable[..., Any], dtype: DType, operands: Sequence[Tensor]) -> np.ndarray | None:
    """The value of a pointwise result, or None where it is not known, or not worth knowing.

    Args:
        evaluate: the function, of arrays of numbers, or of single sizes if one of them is symbolic. It raises TypeError or
            Undecided where it has no answer.
        dtype: the type of the result.
        operands: those that are there.
    """
    values = [tensor.value for tensor in operands if tensor.value is not None]
    if len(values) != len(operands) or any(t.dtype is bfloat16 for t in operands) or dtype is bfloat16:
        return None
    shape = np.broadcast_shapes(*(value.shape for value in values))
    if int(np.prod(shape)) > max(MOST, *(value.size for value in values)):
        return None
    try:
        if all(value.dtype != object for value in values):
            with np.errstate(all="ignore"):
                return np.asarray(np.broadcast_to(evaluate(*values), shape)).astype(dtype.numpy)
        if not all(tensor.dtype.is_integer or tensor.dtype is bool_ for tensor in operands):
            return None
        out = np.empty(shape, dtype=object)
        broadcast = [np.broadcast_to(value, shape) for value in values]
        for index in np.ndindex(shape):
            out[index] = evaluate(*(as_size(value[index]) for value in broadcast))
            if dims.parts(as_size(out[index])) > LONG:
                return None
    except (TypeError, Undecided):
        return None
    # Many bools that sizes decide are better compared when it runs, by one kernel.
    many = dtype is bool_ and out.size > FEW and any(isinstance(value, dims.Dim) for value in out.flat)
    return None if many else settled(out, dtype)


def as_size(value: Any) -> Any:
    """An element of a known value as a Size."""
    return value if isinstance(value, dims.Dim) else int(value)


def by_kind(sizes: Callable[..., Any], numbers: Callable[..., Any]) -> Callable[..., Any]:
    """`numbers` for arrays, `sizes` for single sizes."""
    return lambda *values: numbers(*values) if isinstance(values[0], (np.ndarray, np.generic)) else sizes(*values)


def equal(a: Any, b: Any) -> Size:
    """Whether two sizes are equal, as a size that is 1 or 0."""
    difference = a - b
    if dims.at_least(difference, 1) or dims.at_least(-difference, 1):
        return 0
    return 1 - dims.holds(dims.maximum(difference, -difference))


def greater_or_equal(a: Any, b: Any) -> Size:
    """Whether a >= b, as a size that is 1 or 0."""
    return 1 if dims.at_least(a, b) else dims.holds(a - b + 1)


def choose(condition: Size, a: Any, b: Any) -> Size:
    """a where the condition is 1, b where it is 0."""
    chosen: Size = b + condition * (a - b)
    return chosen


def divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Quotients; those of integers are truncated towards zero, and 0 where the divisor is."""
    if a.dtype.kind == "f":
        return np.asarray(np.divide(a, b))
    down = np.floor_divide(a, b)
    return np.asarray(np.where((b != 0) & (np.remainder(a, b) != 0) & ((a < 0) != (b < 0)), down + 1, down))


def divide_sizes(a: Any, b: Any) -> Any:
    """The quotient of sizes, truncated towards zero; a dividend that may have either sign is taken not to be negative."""
    if not dims.at_least(b, 0) or b == 0:
        raise Undecided
    if dims.at_least(0, a):
        return -dims.floor_div(-a, b)
    dims.assume(a)
    return dims.floor_div(a, b)
