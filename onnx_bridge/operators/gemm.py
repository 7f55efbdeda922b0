"""Gemm: alpha * A' B' + beta * C."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import INTEGERS, WIDE_FLOATS
from onnx_bridge.ir.roperator import ROperator, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, broadcasts, same
from onnx_bridge.operators.cases import case, data, weight


@operator("Gemm", since=1)
class Gemm(ROperator):
    """y[M, N] = alpha * op(a)[M, K] op(b)[K, N] + beta * c, c broadcast to [M, N].

    A constant b makes it a Dense (select/dense_gemm.py); otherwise it is a Product, and an Add for what is left of c (select/product.py).
    """

    takes_epilogue = True
    computes = ((*WIDE_FLOATS, *INTEGERS),)

    alpha: float = attribute(1.0)
    beta: float = attribute(1.0)
    transA: int = attribute(0)
    transB: int = attribute(0)
    broadcast: int = attribute(0)  # opsets 1 to 6; c broadcasts as later ones let it

    def types(self, a: Tensor, b: Tensor, c: Tensor | None = None) -> Type:
        if a.rank != 2 or b.rank != 2:
            raise ShapeError(f"a and b must be matrices, got {a.type} and {b.type}")
        m, k = reversed(a.shape) if self.transA else a.shape
        k2, n = reversed(b.shape) if self.transB else b.shape
        same(k, k2)
        if c is not None:
            broadcasts(c, (m, n), "c")
        return Type(a.dtype, (m, n))

    cases = (
        case(a=("N", 7), b=weight(7, 64), c=weight(64)),
        case(a=("N", 7), b=weight(5, 7), c=weight(5), attributes={"transB": 1, "alpha": 0.5, "beta": 2.0}),
        case(a=("N", 70), b=weight(70, 1), c=weight(1)),
        case(a=("N", 600), b=weight(600, 37)),
        case(a=(9, 6), b=weight(9, 20), c=weight(6, 1), attributes={"transA": 1}),
        case(a=("N", 12), b=(12, 33), c=("N", 33)),
        case(a=(5, 12), b=(33, 12), c=data(), attributes={"transB": 1, "alpha": 0.25}),
        case(a=(0, 4), b=weight(4, 8)),
    )
