"""QLinearSoftmax of com.microsoft."""

from __future__ import annotations

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.known import axis_in
from onnx_bridge.library.loops import around
from onnx_bridge.operators.cases import case, const, data
from onnx_bridge.operators.integer_product import check_one, scalar_of
from onnx_bridge.operators.matmul_integer import BYTES, bytes_of


@operator("QLinearSoftmax", domain="com.microsoft")
class QLinearSoftmax(ROperator):
    """y = the softmax of a quantised tensor, quantised: along `axis`, or before `opset` 13 over all axes from it on.

    By a table of 256 exponentials, as onnxruntime does it. The zero point of x changes nothing.
    """

    kernels = ("quantized_pool.hxx",)
    computes = (BYTES, (float32,), BYTES, (float32,), BYTES)

    opset: int = attribute()  # of the Softmax that it was
    axis: int = attribute(-1)

    def types(self, x: Tensor, x_scale: Tensor, x_zero: Tensor | None, y_scale: Tensor, y_zero: Tensor) -> Type:
        check_one(x_scale, "the scale of x")
        check_one(y_scale, "the scale of y")
        for zero, what in ((x_zero, "x"), (y_zero, "y")):
            if zero is not None:
                check_one(zero, f"the zero point of {what}")
                if zero.dtype is not x.dtype:
                    raise ShapeError(f"the zero point of {what} must be of x's type, {x.dtype}, got {zero.dtype}")
        axis_in(self.axis, x.rank)
        return x.type

    def scratch_bytes(self) -> Size:
        return 256 * 4

    def emit(self, cpp: Writer) -> None:
        x, x_scale, _, y_scale, y_zero = self.arguments(5)
        assert x is not None
        axis = axis_in(self.axis, x.rank)
        outer, n, inner = around(x.shape, axis, axis + 1 if self.opset >= 13 else x.rank)
        table = f"make_exponentials({cpp.size(n)}, {scalar_of(cpp, x_scale)}, {cpp.scratch()})"
        steps = f"floor(1.f / {scalar_of(cpp, y_scale)})"
        cpp.call("quantized_softmax", outer, n, inner, x, table, steps, scalar_of(cpp, y_zero), self.y)

    cases = (
        case(
            x=bytes_of("N", 21), x_scale=const(0.1, "float32"), x_zero=const(7, "uint8"), y_scale=const(1 / 256, "float32"),
            y_zero=const(0, "uint8"), attributes={"opset": 13},
        ),
        case(
            x=bytes_of(2, 5, 7, kind="int8"), x_scale=data(low=0.05, high=0.1), x_zero=const(-7, "int8"), y_scale=const(1 / 256, "float32"),
            y_zero=const(-128, "int8"), attributes={"opset": 13, "axis": 1},
        ),
        case(
            x=bytes_of(2, 5, 7), x_scale=const(0.05, "float32"), x_zero=const(3, "uint8"), y_scale=data(low=0.003, high=0.004),
            y_zero=data(dtype="uint8", low=0, high=9), attributes={"opset": 11},
        ),
    )  # fmt: skip
