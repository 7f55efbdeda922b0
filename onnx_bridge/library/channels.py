"""Factors and offsets of channels: what a pointwise operator with constants amounts to, for what can take it in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.library.steps import PointwiseOperator


@dataclass(frozen=True)
class Linear:
    """x * factor + offset, in double, one number a channel, or one for all; None where there is none of it."""

    factor: np.ndarray | None = None
    offset: np.ndarray | None = None

    #: numpy leaves arithmetic with its arrays to this class.
    __array_ufunc__ = None

    def __add__(self, other: Any) -> Linear:
        return Linear(self.factor, _array(other) if self.offset is None else self.offset + _array(other))

    def __sub__(self, other: Any) -> Linear:
        return self + -_array(other)

    def __mul__(self, other: Any) -> Linear:
        factor = _array(other) if self.factor is None else self.factor * _array(other)
        return Linear(factor, None if self.offset is None else self.offset * _array(other))

    def __truediv__(self, other: Any) -> Linear:
        return self * (np.ones(1) / np.where(_array(other) == 0, np.nan, _array(other)))

    __radd__, __rmul__ = __add__, __mul__

    @property
    def is_finite(self) -> bool:
        """Whether it may change the order of arithmetic: with what is not finite, it could not."""
        return all(np.isfinite(number).all() for number in self.numbers())

    def numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """Factor and offset, 1 and 0 where there is none."""
        return np.ones(1) if self.factor is None else self.factor, np.zeros(1) if self.offset is None else self.offset


def _array(other: Any) -> np.ndarray:
    """The other operand, which must be numbers: a product of two that are linear in x is not."""
    if not isinstance(other, np.ndarray):
        raise TypeError
    return other


def linear(op: ROperator, x: Tensor, axis: int) -> Linear | None:
    """What an operator does to the channels of `x` along `axis`, where that is no more than a factor and an offset; otherwise None."""
    if not isinstance(op, PointwiseOperator) or op.algebra is None or op.inputs.count(x) != 1:
        return None
    operands: Sequence[Any] = [Linear() if tensor is x else per_channel(tensor, x, axis) for tensor in op.inputs]
    if any(operand is None for operand in operands):
        return None
    try:
        found = op.algebra(*operands)
    except TypeError:
        return None
    return found if isinstance(found, Linear) else None


def per_channel(tensor: Tensor | None, x: Tensor, axis: int) -> np.ndarray | None:
    """A constant that has one number for each channel of `x`, or one for all, in double."""
    if tensor is None or not tensor.is_constant or tensor.rank > x.rank:
        return None
    shape = (1,) * (x.rank - tensor.rank) + tuple(tensor.shape)
    if any(size != 1 for index, size in enumerate(shape) if index != axis) or shape[axis] not in (1, x.shape[axis]):
        return None
    return tensor.constant().reshape(-1).astype(np.float64)
