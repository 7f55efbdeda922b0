"""What operators that move elements have in common: values known at conversion, axes, and values as C++ literals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import DType, bfloat16
from onnx_bridge.ir.dtypes import settled as settled_bits
from onnx_bridge.ir.literals import literal
from onnx_bridge.ir.tensor import ShapeError, Tensor

#: Known values that an operator makes larger are kept up to this many elements: beyond, they are computed at run time.
MOST = 4096


def settled(values: np.ndarray, dtype: DType) -> np.ndarray:
    """Known values as a tensor holds them: in numbers of its type if no size among them is symbolic."""
    if values.dtype == object and not any(isinstance(value, dims.Dim) for value in values.reshape(-1)):
        return values.astype(dtype.numpy)
    return values


def of_sizes(sizes: Iterable[Size], dtype: DType) -> np.ndarray:
    """A vector of sizes as a tensor's known value."""
    listed = list(sizes)
    values = np.empty(len(listed), dtype=object)
    values[:] = listed
    return settled(values, dtype)


def moved(x: Tensor, move: Callable[[np.ndarray], np.ndarray]) -> np.ndarray | None:
    """The known value of a tensor that `move` makes of the known value of `x` without changing an element."""
    if x.value is None:
        return None
    values = np.asarray(move(x.value))
    return settled(values, x.dtype) if values.size <= max(MOST, x.value.size) else None


def reshaped(x: Tensor, shape: Sequence[Size]) -> np.ndarray | None:
    """The known value of a tensor that has the elements of `x` in another shape."""
    numbers = [size for size in shape if isinstance(size, int)]
    return moved(x, lambda value: value.reshape(numbers)) if len(numbers) == len(shape) else None


def axis_in(axis: int, rank: int, what: str = "axis") -> int:
    """An axis that may count from the end, as a number from 0 on."""
    if not -rank <= axis < rank:
        raise ShapeError(f"{what} must be from {-rank} to {rank - 1} for a tensor of rank {rank}, got {axis}")
    return axis % rank


def axes_in(axes: Sequence[int], rank: int) -> list[int]:
    """Axes that may count from the end; each may be named once."""
    found = [axis_in(axis, rank, "axes") for axis in axes]
    if len(set(found)) != len(found):
        raise ShapeError(f"axes must differ, got {list(axes)}")
    return found


def integers(attribute: Sequence[int] | None, tensor: Tensor | None) -> list[int] | None:
    """Numbers that older opsets give as an attribute and newer ones as a constant input; None if they are given in neither way."""
    if tensor is not None:
        return [int(value) for value in tensor.constant().reshape(-1)]
    return None if attribute is None else [int(value) for value in attribute]


def storage_literal(value: object, dtype: DType) -> str:
    """An element, as numpy stores it, as C++ of the very type that its tensor has in memory, so that templates deduce one type."""
    if dtype.is_float and dtype.size == 2:
        return f"std::uint16_t{{{np.asarray(value, dtype.numpy).view(np.uint16)}}}"
    if dtype.is_narrow:
        bits = settled_bits(np.asarray(value, dtype.numpy)).view(np.int8 if dtype.name.startswith("int") else np.uint8)
        return f"{dtype.storage}{{{bits}}}"
    return literal(value, dtype)


def stored(number: float, dtype: DType) -> Any:
    """A number as numpy stores it in a tensor."""
    return np.asarray([number]).astype(dtype.numpy)[0]


def scalar(tensor: Tensor, what: str) -> Any:
    """The number of a constant tensor of one element; a bfloat16 as float32, which calculates with more digits."""
    values = tensor.constant().reshape(-1)
    if values.size != 1:
        raise ShapeError(f"{what} must be one number, got {tensor.type}")
    return np.float32(values[0]) if tensor.dtype is bfloat16 else values[0]
