"""MatMul: numpy's matrix product."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import INTEGERS, WIDE_FLOATS
from onnx_bridge.ir.roperator import ROperator, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, broadcast, same
from onnx_bridge.operators.cases import case, data, weight


@operator("MatMul", since=1)
class MatMul(ROperator):
    """y[..., M, N] = a[..., M, K] b[..., K, N]; the axes in front broadcast, and a vector is a row on the left, a column on the right.

    A constant matrix b makes it a Dense (select/dense_matmul.py); otherwise it is a Product (select/product.py).
    """

    takes_epilogue = True
    computes = ((*WIDE_FLOATS, *INTEGERS),)

    def types(self, a: Tensor, b: Tensor) -> Type:
        if a.rank == 0 or b.rank == 0:
            raise ShapeError("a and b must not be scalars")
        if a.dtype is not b.dtype:
            raise ShapeError(f"a and b must have one type, got {a.dtype} and {b.dtype}")
        rows = a.shape[-2:-1]
        columns = b.shape[-1:] if b.rank > 1 else ()
        same(a.shape[-1], b.shape[-2] if b.rank > 1 else b.shape[0])
        return Type(a.dtype, (*broadcast(a.shape[:-2], b.shape[:-2]), *rows, *columns))

    def row_wise(self) -> Tensor | None:
        x, w = self.x, self.input(1)
        return x if w.is_constant and w.rank == 2 and x.rank == self.y.rank and x.rank >= 2 else None

    cases = (
        case(a=("N", 5, 7), b=weight(7, 64)),
        case(a=("N", 3, 12), b=("N", 12, 20)),
        case(a=("N", 4, 9, 8), b=("N", 4, 8, 9)),
        case(a=("N", 1, 9, 8), b=(1, 4, 8, 1)),
        case(a=(9, "K"), b=("K", 17)),
        case(a=(7,), b=(7, 3)),
        case(a=(2, 5, 7), b=(7,)),
        case(a=(7,), b=(7,)),
        case(a=(3, 700), b=(700, 5)),
        case(a=(0, 4), b=(4, 3)),
        case(a=data(3, 4, dtype="int32", high=9), b=data(4, 5, dtype="int32", high=9)),
        case(a=data(3, 4, dtype="float64"), b=data(4, 5, dtype="float64")),
    )
