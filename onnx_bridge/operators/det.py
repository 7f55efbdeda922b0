"""Det."""

from __future__ import annotations

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS
from onnx_bridge.ir.roperator import ROperator, Writer, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.operators.cases import case, given


@operator("Det", since=11)
class Det(ROperator):
    """y[...] = the determinant of each matrix of x[..., M, M]; computed in double, 1 where M is 0."""

    kernels = ("det.hxx",)
    computes = (WIDE_FLOATS,)

    def types(self, x: Tensor) -> Type:
        if x.rank < 2:
            raise ShapeError(f"x must be [..., M, M], got {x.type}")
        same(x.shape[-2], x.shape[-1])
        return Type(x.dtype, x.shape[:-2])

    def scratch_bytes(self) -> Size:
        return self.x.shape[-1] * self.x.shape[-1] * 8

    def emit(self, cpp: Writer) -> None:
        cpp.call("determinants", dims.product(self.y.shape), self.x.shape[-1], self.x, cpp.scratch(), self.y)

    cases = (
        case(x=(2, 2)),
        case(x=("N", 3, 3)),
        case(x=(2, 3, 5, 5)),
        case(x=(4, 1, 1), exact=True),
        case(x=("N", 9, 9)),
        case(x=(2, 4, 4), opset=11),
        case(x=given([[0.0, 2.0, 1.0], [3.0, 0.0, 4.0], [0.0, 0.0, 5.0]])),
        case(x=given([[1.0, 2.0], [2.0, 4.0]])),
    )
