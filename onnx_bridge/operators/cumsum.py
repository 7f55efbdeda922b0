"""CumSum and CumProd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import INDICES, WIDE_FLOATS, int32, int64, uint32, uint64
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library import open_axes
from onnx_bridge.library.known import MOST, axis_in, settled
from onnx_bridge.operators.cases import case, const, data, given


@dataclass(eq=False, kw_only=True)
class Cumulation(ROperator):
    """y[i] = x[0] ... x[i] joined along an axis, a size of the call too; without x[i] if `exclusive`, from the end if `reverse`."""

    kernels = ("cumsum.hxx",)
    computes = ((*WIDE_FLOATS, int32, int64, uint32, uint64), INDICES)

    #: The operation of kernels/cumsum.hxx.
    operation: ClassVar[str] = ""

    exclusive: int = attribute(0)
    reverse: int = attribute(0)

    def types(self, x: Tensor, axis: Tensor) -> Type:
        self.place(x, axis)
        return x.type

    @staticmethod
    def place(x: Tensor, axis: Tensor) -> Size:
        """The axis, from 0 on where it is known."""
        if axis.rank > 1 or axis.count != 1:
            raise ShapeError(f"axis must be one number, got {axis.type}")
        asked = open_axes.numbers(None, axis) or [0]
        open_axes.hold_in_range(asked, x.rank)
        return axis_in(asked[0], x.rank) if isinstance(asked[0], int) else asked[0]

    def reads(self) -> Sequence[int]:
        return (0,)

    def emit(self, cpp: Writer) -> None:
        x = self.x
        axis = self.place(x, self.input(1))
        if not isinstance(axis, int):
            cpp.call("cumulate_along", x.shape, axis, x, self.y, bool(self.exclusive), bool(self.reverse), self.operation)
            return
        outer, inner = dims.product(x.shape[:axis]), dims.product(x.shape[axis + 1 :])
        cpp.call("cumulate", outer, x.shape[axis], inner, x, self.y, bool(self.exclusive), bool(self.reverse), self.operation)


@operator("CumSum", since=11)
class CumSum(Cumulation):
    """The running sum."""

    operation = "RunningSum()"

    def values(self, x: Tensor, axis: Tensor) -> np.ndarray | None:
        if x.value is None or not x.dtype.is_integer or x.value.size > MOST:
            return None
        place = self.place(x, axis)
        if not isinstance(place, int):
            return None
        ordered = np.flip(x.value, place) if self.reverse else x.value
        sums = np.cumsum(ordered, place, dtype=x.value.dtype)
        sums = sums - ordered if self.exclusive else sums
        return settled(np.flip(sums, place) if self.reverse else sums, x.dtype)

    cases = (
        case(x=("N", 9), axis=const(1)),
        case(x=("N", 9), axis=const([0])),
        case(x=("N", 9, 4), axis=const(-2), attributes={"exclusive": 1}),
        case(x=("N", 9, 4), axis=const(1), attributes={"reverse": 1}),
        case(x=("N", 9), axis=const(1, "int32"), attributes={"reverse": 1, "exclusive": 1}),
        case(x=data(3, 9, dtype="int64", low=-9, high=9), axis=const(1)),
        case(x=data(3, 9, dtype="int32", low=-9, high=9), axis=const(1)),
        case(x=data(3, 9, dtype="float64"), axis=const(1)),
        case(x=(0, 9), axis=const(1)),
        case(x=("N", 9, 4), axis=given(-2, "int64"), attributes={"exclusive": 1}),
        case(x=data(3, 9, 5, dtype="int32", low=-9, high=9), axis=given([0], "int32"), attributes={"reverse": 1}),
    )


@operator("CumProd", since=26)
class CumProd(Cumulation):
    """The running product."""

    operation = "RunningProduct()"

    cases = (
        case(x=("N", 9), axis=const(1), opset=26),
        case(x=("N", 9, 4), axis=const(-2), opset=26, attributes={"exclusive": 1}),
        case(x=("N", 9, 4), axis=given(1, "int64"), opset=26, attributes={"reverse": 1}),
        case(x=data(3, 9, dtype="int32", low=-9, high=9), axis=const(1, "int32"), opset=26, attributes={"reverse": 1, "exclusive": 1}),
        case(x=data(3, 9, dtype="float64"), axis=const(1), opset=26),
    )
