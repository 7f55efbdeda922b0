"""Tile."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import MOVED
from onnx_bridge.ir.roperator import ROperator, Writer, operator
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, Type
from onnx_bridge.library import strided
from onnx_bridge.library.known import axis_in, moved
from onnx_bridge.library.loops import contiguous_strides
from onnx_bridge.library.strided import Side
from onnx_bridge.operators.cases import case, const, data


@operator("Tile", since=1)
class Tile(ROperator):
    """y = x, repeats[a] times along each axis a. In opsets 1-5 the inputs are x, tiles and axis: repeats along that axis alone."""

    kernels = ("copy.hxx",)
    computes = (MOVED,)
    vectors = (1,)

    @property
    def is_view(self) -> bool:  # type: ignore[override]
        """Where everything is there once, nothing moves."""
        return all(times == 1 for times in self.times())

    def times(self) -> Shape:
        """How often x is there along each axis."""
        if self.opset < 6:
            axis = axis_in(int(self.input(2).constant().reshape(-1)[0]), self.x.rank)
            return tuple(self.input(1).sizes()[0] if a == axis else 1 for a in range(self.x.rank))
        times = self.input(1).sizes()
        if len(times) != self.x.rank:
            raise ShapeError(f"repeats must be {self.x.rank} numbers, one an axis, got {len(times)}")
        return times

    def types(self, x: Tensor, *_: Tensor) -> Type:
        return Type(x.dtype, tuple(size * times for size, times in zip(x.shape, self.times(), strict=True)))

    def values(self, x: Tensor, *_: Tensor) -> np.ndarray | None:
        times = [number for number in self.times() if isinstance(number, int)]
        return moved(x, lambda value: np.tile(value, times)) if len(times) == x.rank else None

    def reads(self) -> Sequence[int]:
        return (0,)

    def makes_zeros(self, zero: Callable[[Tensor], bool]) -> bool:
        return zero(self.x)

    def emit(self, cpp: Writer) -> None:
        # Each axis of y is two: the copies, and the elements of one copy.
        sizes: list[Size] = []
        to: list[Size] = []
        source: list[Size] = []
        strides = zip(self.times(), self.x.shape, contiguous_strides(self.y.shape), contiguous_strides(self.x.shape), strict=True)
        for times, size, y_stride, x_stride in strides:
            sizes += [times, size]
            to += [size * y_stride, y_stride]
            source += [0, x_stride]
        strided.copy(cpp, sizes, Side(self.y, to), Side(self.x, source))

    cases = (
        case(x=("N", 3), repeats=const([1, 4])),
        case(x=("N", 3), repeats=const([5, 1])),
        case(x=("N", 3, 2), repeats=const([2, 3, 4])),
        case(x=data("N", 2, dtype="str"), repeats=const([2, 3])),
        case(x=(2, 3), repeats=const([1, 1])),
        case(x=(2, 3), repeats=const([2, 0])),
        case(x=(3,), repeats=data(1, dtype="int64", low=0, high=5)),
        case(x=data(2, 1, dtype="int64", high=9), repeats=const([3, 2])),
        case(x=data(2, 1, dtype="bool", low=0, high=2), repeats=const([3, 2]), opset=6),
    )
