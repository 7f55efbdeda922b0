"""CumSum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import INDICES, WIDE_FLOATS, int32, int64, uint32, uint64
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.known import MOST, axis_in, scalar, settled
from onnx_bridge.operators.cases import case, const, data


@operator("CumSum", since=11)
class CumSum(ROperator):
    """y[i] = x[0] + ... + x[i] along a constant axis; without x[i] if `exclusive`, from the end if `reverse`."""

    kernels = ("cumsum.hxx",)
    computes = ((*WIDE_FLOATS, int32, int64, uint32, uint64), INDICES)

    exclusive: int = attribute(0)
    reverse: int = attribute(0)

    def types(self, x: Tensor, axis: Tensor) -> Type:
        self.place(x, axis)
        return x.type

    @staticmethod
    def place(x: Tensor, axis: Tensor) -> int:
        """The axis, from 0 on."""
        if axis.rank > 1:
            raise ShapeError(f"axis must be one number, got {axis.type}")
        return axis_in(int(scalar(axis, "axis")), x.rank)

    def values(self, x: Tensor, axis: Tensor) -> np.ndarray | None:
        if x.value is None or not x.dtype.is_integer or x.value.size > MOST:
            return None
        place = self.place(x, axis)
        ordered = np.flip(x.value, place) if self.reverse else x.value
        sums = np.cumsum(ordered, place, dtype=x.value.dtype)
        sums = sums - ordered if self.exclusive else sums
        return settled(np.flip(sums, place) if self.reverse else sums, x.dtype)

    def reads(self) -> Sequence[int]:
        return (0,)

    def emit(self, cpp: Writer) -> None:
        x = self.x
        axis = self.place(x, self.input(1))
        outer, inner = dims.product(x.shape[:axis]), dims.product(x.shape[axis + 1 :])
        cpp.call("cumsum", outer, x.shape[axis], inner, x, self.y, bool(self.exclusive), bool(self.reverse))

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
    )
