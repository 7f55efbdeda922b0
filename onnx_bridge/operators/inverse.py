"""Inverse of com.microsoft."""

from __future__ import annotations

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS
from onnx_bridge.ir.roperator import ROperator, Writer, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.operators.cases import case, given


@operator("Inverse", domain="com.microsoft")
class Inverse(ROperator):
    """y = the inverse of each matrix of x[..., M, M]; computed in double."""

    kernels = ("inverse.hxx",)
    computes = (WIDE_FLOATS,)

    def types(self, x: Tensor) -> Type:
        if x.rank < 2:
            raise ShapeError(f"x must be [..., M, M], got {x.type}")
        same(x.shape[-2], x.shape[-1])
        return x.type

    def scratch_bytes(self) -> Size:
        return self.x.shape[-1] * self.x.shape[-1] * 16

    def emit(self, cpp: Writer) -> None:
        cpp.call("inverses", dims.product(self.x.shape[:-2]), self.x.shape[-1], self.x, cpp.scratch(), self.y)

    _MIXED = given([[0.0, 2.0, 1.0], [3.0, 0.0, 4.0], [0.0, 0.25, 5.0]])
    cases = (
        case(x=_MIXED),
        case(x=given([[[2.0, 1.0], [0.5, 3.0]], [[-1.0, 4.0], [2.0, 0.0]]])),
        case(x=given([[0.0, 2.0, 1.0], [3.0, 0.0, 4.0], [0.0, 0.25, 5.0]], "float64")),
        case(x=given([[[4.0]], [[-0.5]]])),
        case(x=(0, 3, 3)),
    )
