"""Compress and NonZero: what a condition chooses. How many that is, data decides, unless the condition is known at conversion."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import COMPUTED, HALVES, MOVED, bool_, int64, string
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.known import axis_in, moved
from onnx_bridge.operators.cases import case, const, data, given


@operator("Compress", since=9)
class Compress(ROperator):
    """y = the slices of x along `axis` (the elements of the flat x without one) where a condition holds.

    A condition that is not known at conversion is as long as what it is for, or shorter: the size of y is found as the network runs.
    """

    kernels = ("order.hxx",)
    computes = (MOVED, (bool_,))
    vectors = (1,)

    axis: int | None = attribute(None)

    def around(self, x: Tensor) -> tuple[Size, Size, Size]:
        """The sizes before, along and behind the axis."""
        if self.axis is None:
            return 1, x.count, 1
        axis = axis_in(self.axis, x.rank)
        return dims.product(x.shape[:axis]), x.shape[axis], dims.product(x.shape[axis + 1 :])

    def types(self, x: Tensor, condition: Tensor) -> Type:
        room = self.around(x)[1] - condition.count
        if isinstance(room, int) and room < 0:
            raise ShapeError(f"the condition has {condition.count} elements, {x.type} only {self.around(x)[1]} along the axis")
        dims.assume(room)
        count = int(np.count_nonzero(condition.constant())) if condition.is_constant else self.find("kept", condition.count)
        if self.axis is None:
            return Type(x.dtype, (count,))
        axis = axis_in(self.axis, x.rank)
        return Type(x.dtype, (*x.shape[:axis], count, *x.shape[axis + 1 :]))

    def values(self, x: Tensor, condition: Tensor) -> np.ndarray | None:
        if not condition.is_constant:
            return None
        return moved(x, lambda value: np.compress(condition.constant().reshape(-1), value, self.axis))

    def emit(self, cpp: Writer) -> None:
        outer, n, inner = self.around(self.x)
        condition = self.input(1)
        kept = "".join(f"{cpp.size(size)} = " for size in self.found.values())
        cpp.call(f"{kept}compress", outer, n, inner, condition.count, condition, self.x, self.y)

    cases = (
        case(x=("N", 5), condition=const([True, False, True], "bool"), attributes={"axis": 1}),
        case(x=(4, "N"), condition=const([False, False, True, True], "bool"), attributes={"axis": -2}),
        case(x=(2, 3), condition=const([False, True, True, False, True], "bool")),
        case(x=data(2, 3, dtype="int64", high=9), condition=const([False, False], "bool"), attributes={"axis": 0}),
        case(x=("N", 5), condition=data("N", dtype="bool", low=0, high=2), attributes={"axis": 0}),
        case(x=(3, "N", 2), condition=data("N", dtype="bool", low=0, high=2), attributes={"axis": 1}),
        case(x=data(4, 5, dtype="float64"), condition=data(4, dtype="bool", low=0, high=2), attributes={"axis": -1}),
        case(x=data(4, 5, dtype="float16"), condition=data(20, dtype="bool", low=0, high=2)),
        case(x=(4, "N"), condition=given([False, False, False], "bool"), attributes={"axis": 0}),
        case(x=(2, 3), condition=given([True] * 6, "bool")),
        case(x=data("N", 5, dtype="str"), condition=data("N", dtype="bool", low=0, high=2), attributes={"axis": 0}),
        case(x=data(3, 4, 2, dtype="str"), condition=const([True, False, True], "bool"), attributes={"axis": 1}),
    )


@operator("NonZero", since=9)
class NonZero(ROperator):
    """y[:, k] = the indices of the k-th element of x that is not zero, nor empty text; how many there are is found as the network runs."""

    kernels = ("order.hxx",)
    computes = ((*(dtype for dtype in COMPUTED if dtype not in HALVES), string),)

    def types(self, x: Tensor) -> Type:
        if x.rank == 0:
            raise UnsupportedForm(f"x must have an axis, got {x.type}")
        return Type(int64, (x.rank, int(np.count_nonzero(x.constant())) if x.is_constant else self.find("count", x.count)))

    def values(self, x: Tensor) -> np.ndarray | None:
        return np.asarray(np.nonzero(x.constant()), np.int64) if x.is_constant else None

    def emit(self, cpp: Writer) -> None:
        cpp.call(f"{cpp.size(self.y.shape[1])} = nonzero", self.x.shape, self.x, self.y)

    cases = (
        case(x=const([[1, 0, 3], [0, 0, -1]])),
        case(x=const([0.0, -0.0, 2.0], "float32")),
        case(x=data("N", 5, low=-2, high=2)),
        case(x=data(2, "N", 3, dtype="bool", low=0, high=2)),
        case(x=given([0.0, -0.0, np.nan, np.inf, 1e-45])),
        *(case(x=data(4, 9, dtype=dtype, low=0, high=2)) for dtype in ("int64", "int32", "uint8")),
        case(x=given([0.0, 0.0])),
        case(x=data(0, 3)),
        case(x=data(1, low=1, high=2)),
    )
