"""Compress and NonZero: places chosen by a condition that must be known at conversion, because the outputs' shapes depend on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import int64
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import NeedsValue, ShapeError, Tensor, Type
from onnx_bridge.library.known import axis_in, moved
from onnx_bridge.operators.cases import case, const, data

_ADVICE = "write what follows with Where over all elements, or cut the model in two there"


@operator("Compress", since=9)
class Compress(ROperator):
    """y = the slices of x along `axis` (the elements of the flat x without one) where a constant condition holds."""

    kernels = ("order.hxx",)

    axis: int | None = attribute(None)

    def around(self, x: Tensor) -> tuple[Size, Size, Size]:
        """The sizes before, along and behind the axis."""
        if self.axis is None:
            return 1, x.count, 1
        axis = axis_in(self.axis, x.rank)
        return dims.product(x.shape[:axis]), x.shape[axis], dims.product(x.shape[axis + 1 :])

    def types(self, x: Tensor, condition: Tensor) -> Type:
        if not condition.is_constant:
            raise NeedsValue(condition, "how many elements are kept depends on data, and so does the shape of the result", _ADVICE)
        room = self.around(x)[1] - condition.count
        if isinstance(room, int) and room < 0:
            raise ShapeError(f"the condition has {condition.count} elements, {x.type} only {self.around(x)[1]} along the axis")
        dims.assume(room)
        count = int(np.count_nonzero(condition.constant()))
        if self.axis is None:
            return Type(x.dtype, (count,))
        axis = axis_in(self.axis, x.rank)
        return Type(x.dtype, (*x.shape[:axis], count, *x.shape[axis + 1 :]))

    def values(self, x: Tensor, condition: Tensor) -> np.ndarray | None:
        return moved(x, lambda value: np.compress(condition.constant().reshape(-1), value, self.axis))

    def emit(self, cpp: Writer) -> None:
        outer, n, inner = self.around(self.x)
        condition = self.input(1)
        cpp.call("compress", outer, n, inner, condition.count, condition, self.x, self.y)

    cases = (
        case(x=("N", 5), condition=const([True, False, True], "bool"), attributes={"axis": 1}),
        case(x=(4, "N"), condition=const([False, False, True, True], "bool"), attributes={"axis": -2}),
        case(x=(2, 3), condition=const([False, True, True, False, True], "bool")),
        case(x=data(2, 3, dtype="int64", high=9), condition=const([False, False], "bool"), attributes={"axis": 0}),
    )


@operator("NonZero", since=9)
class NonZero(ROperator):
    """y[:, k] = the indices of the k-th element of a constant x that is not zero."""

    def types(self, x: Tensor) -> Type:
        if not x.is_constant:
            raise NeedsValue(x, "how many elements are not zero depends on data, and so does the shape of the result", _ADVICE)
        return Type(int64, (x.rank, int(np.count_nonzero(x.constant()))))

    def values(self, x: Tensor) -> np.ndarray:
        return np.asarray(np.nonzero(np.atleast_1d(x.constant()))[: x.rank], np.int64).reshape(x.rank, -1)

    def reads(self) -> Sequence[int]:
        return ()

    cases = (case(x=const([[1, 0, 3], [0, 0, -1]])), case(x=const([0.0, -0.0, 2.0], "float32")))
