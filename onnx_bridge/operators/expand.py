"""Expand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from onnx_bridge.ir.roperator import ROperator, Writer, operator
from onnx_bridge.ir.tensor import Tensor, Type, broadcast
from onnx_bridge.library import strided
from onnx_bridge.library.known import moved
from onnx_bridge.library.loops import broadcast_strides, contiguous_strides
from onnx_bridge.library.strided import Side
from onnx_bridge.operators.cases import case, const, data


@operator("Expand", since=8)
class Expand(ROperator):
    """y = x broadcast with a tensor of `shape`: where that has a 1, x keeps its own size."""

    kernels = ("copy.hxx",)
    vectors = (1,)

    @property
    def is_view(self) -> bool:  # type: ignore[override]
        """Where only axes of size 1 come, nothing moves."""
        return tuple(size for size in self.y.shape if size != 1) == tuple(size for size in self.x.shape if size != 1)

    def types(self, x: Tensor, shape: Tensor) -> Type:
        return Type(x.dtype, broadcast(x.shape, shape.sizes()))

    def values(self, x: Tensor, shape: Tensor) -> np.ndarray | None:
        sizes = self.types(x, shape).shape
        numbers = [size for size in sizes if isinstance(size, int)]
        return moved(x, lambda value: np.broadcast_to(value, numbers)) if len(numbers) == len(sizes) else None

    def reads(self) -> Sequence[int]:
        return (0,)

    def makes_zeros(self, zero: Callable[[Tensor], bool]) -> bool:
        return zero(self.x)

    def emit(self, cpp: Writer) -> None:
        source = Side(self.x, broadcast_strides(self.x.shape, self.y.shape))
        strided.copy(cpp, self.y.shape, Side(self.y, contiguous_strides(self.y.shape)), source)

    cases = (
        case(x=("N", 1, 4), shape=const([1, 5, 1])),
        case(x=("N", 1), shape=const([1, 33])),
        case(x=(1, 4), shape=const([2, 3, 1])),
        case(x=(3, 4), shape=const([3, 4])),
        case(x=data(), shape=const([2, 3])),
        case(x=data(1, dtype="int64", high=9), shape=const([7])),
        case(x=data(1, 3, dtype="bool", low=0, high=2), shape=const([2, 1, 3])),
        case(x=(3, 1), shape=data(1, dtype="int64", low=2, high=9)),
        case(x=(1, 3), shape=const([0, 1])),
    )
