"""QLinearWhere of com.microsoft."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import bool_, float32
from onnx_bridge.ir.roperator import operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, broadcast
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.cases import case, const, data
from onnx_bridge.operators.dequantize_linear import DequantizeLinear
from onnx_bridge.operators.integer_product import check_one
from onnx_bridge.operators.matmul_integer import BYTES, bytes_of
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.quantize_linear import QuantizeLinear


@operator("QLinearWhere", domain="com.microsoft")
class QLinearWhere(Composite):
    """z = x where the condition holds, else y; all quantised, each with a scale and a zero point."""

    computes = ((bool_,), BYTES, (float32,), BYTES, BYTES, (float32,), BYTES, (float32,), BYTES)

    def types(
        self, condition: Tensor, x: Tensor, x_scale: Tensor, x_zero: Tensor, y: Tensor, y_scale: Tensor, y_zero: Tensor, z_scale: Tensor,
        z_zero: Tensor,
    ) -> Type:  # fmt: skip
        for scale, zero, what in ((x_scale, x_zero, "x"), (y_scale, y_zero, "y"), (z_scale, z_zero, "z")):
            check_one(scale, f"the scale of {what}")
            check_one(zero, f"the zero point of {what}")
        if any(tensor.dtype is not x.dtype for tensor in (x_zero, y, y_zero, z_zero)):
            raise ShapeError(f"x, y and the zero points must have one type, got {x.dtype} and {y.dtype}")
        return Type(x.dtype, broadcast(condition.shape, broadcast(x.shape, y.shape)))

    def parts(self, build: Parts) -> Tensor:
        condition, x, x_scale, x_zero, y, y_scale, y_zero, z_scale, z_zero = (self.input(index) for index in range(9))
        sides = [
            build.add(QuantizeLinear, build.add(DequantizeLinear, tensor, scale, zero), z_scale, z_zero)
            for tensor, scale, zero in ((x, x_scale, x_zero), (y, y_scale, y_zero))
        ]
        return build.add(TABLE["Where"], condition, *sides)

    cases = (
        case(
            condition=data("N", 7, dtype="bool", low=0, high=2), x=bytes_of("N", 7), xs=const(0.03, "float32"), xz=const(7, "uint8"),
            y=bytes_of(7), ys=const(0.05, "float32"), yz=const(120, "uint8"), zs=const(0.04, "float32"), zz=const(100, "uint8"), exact=True,
        ),
        case(
            condition=data(4, 1, dtype="bool", low=0, high=2), x=bytes_of(4, 5, kind="int8"), xs=const(0.03, "float32"),
            xz=const(7, "int8"), y=bytes_of(1, kind="int8"), ys=const(0.5, "float32"), yz=const(-9, "int8"), zs=const(0.04, "float32"),
            zz=const(3, "int8"), exact=True,
        ),
    )  # fmt: skip
