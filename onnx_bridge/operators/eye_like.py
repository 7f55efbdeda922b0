"""EyeLike."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir import dtypes
from onnx_bridge.ir.dtypes import DType
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.known import storage_literal, stored
from onnx_bridge.operators.cases import case, data


@operator("EyeLike", since=9)
class EyeLike(ROperator):
    """y = 1 on diagonal k (k > 0: above the main one), else 0, in the shape of x and its type, or `dtype`."""

    kernels = ("order.hxx",)

    k: int = attribute(0)
    dtype: int | None = attribute(None)

    def types(self, x: Tensor) -> Type:
        if x.rank != 2:
            raise ShapeError(f"x must be a matrix, got {x.type}")
        return Type(self.element(x), x.shape)

    def element(self, x: Tensor) -> DType:
        """The type of y."""
        if self.dtype is None:
            return x.dtype
        if self.dtype not in dtypes.BY_ONNX:
            raise UnsupportedForm(f"dtype {dtypes.name_of(self.dtype)} is not supported")
        return dtypes.BY_ONNX[self.dtype]

    def reads(self) -> Sequence[int]:
        return ()

    def emit(self, cpp: Writer) -> None:
        dtype = self.y.dtype
        cpp.call("eye_like", *self.y.shape, self.k, storage_literal(stored(1, dtype), dtype), self.y)

    cases = (
        case(x=("N", 4)),
        case(x=(3, "N"), attributes={"k": 1}),
        case(x=(4, 4), attributes={"k": -2, "dtype": 7}),
        case(x=(4, 4), attributes={"dtype": 11}),
        case(x=data(2, 3, dtype="int32", high=5), attributes={"k": 9}),
    )
