"""DequantizeLinear of ai.onnx and of com.microsoft: the numbers that integers and floats of few bits stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from onnx_bridge.ir.dtypes import BY_ONNX, HALVES, DType, float8e8m0, float32, int32, name_of
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import Dequantized, ShapeError, Tensor, Type
from onnx_bridge.library.quantized import Spread, check_zero, dequantized, needs_narrow, nullptr, pointer, scaled, spread
from onnx_bridge.operators.cases import Case, case, const, data, weight
from onnx_bridge.operators.quantize_linear import TO


@operator("DequantizeLinear", since=10)
class DequantizeLinear(ROperator):
    """y = (x - zero point) * scale; scales as QuantizeLinear has them. y's type is the scale's, or `output_dtype`.

    The zero point of a float is 0, and not read.
    """

    computes: ClassVar[Sequence[Sequence[DType]]] = ((*TO, int32), (float32, *HALVES, float8e8m0), (*TO, int32))

    axis: int = attribute(1)
    block_size: int = attribute(0)
    output_dtype: int = attribute(0)

    def types(self, x: Tensor, scale: Tensor, zero: Tensor | None = None) -> Type:
        self.spread(x, scale, zero)
        if zero is not None and zero.dtype is not x.dtype:  # com.microsoft's has no schema that says so
            raise ShapeError(f"the zero point must be of x's type, {x.dtype}, got {zero.dtype}")
        check_zero(zero)
        made = BY_ONNX.get(self.output_dtype) if self.output_dtype else scale.dtype
        if made not in (float32, *HALVES):
            raise UnsupportedForm(f"output_dtype {name_of(made.onnx if made else self.output_dtype)} is not supported")
        return Type(made, x.shape)

    def values(self, x: Tensor, scale: Tensor, zero: Tensor | None = None) -> np.ndarray | None:
        known = [x, scale] if zero is None else [x, scale, zero]
        if not all(tensor.is_constant for tensor in known):
            return None
        if any(tensor.dtype.is_narrow and tensor.constant().dtype.kind in "iu" for tensor in known):
            return None  # bytes of a type that ml_dtypes lacks: the kernel knows what they are
        by = self.spread(x, scale, zero)
        made = self.types(x, scale, zero).dtype
        if x.dtype.is_float:
            return scaled(x.constant(), by.along(scale.constant()), made)
        return dequantized(x.constant(), by.along(scale.constant()), None if zero is None else by.along(zero.constant()), made)

    def settled(self) -> None:
        by = self.spread(self.x, self.input(1), self.arguments(3)[2])
        if self.y.is_constant and not by.block:
            self.y.dequantized = Dequantized(self.x, self.input(1), self.arguments(3)[2], by.axis)

    def spread(self, x: Tensor, scale: Tensor, zero: Tensor | None) -> Spread:
        """How the scales lie along x."""
        return spread(x, scale, zero, self.axis, self.block_size)

    def kernel_files(self) -> Sequence[str]:
        return ("quantize_narrow.hxx" if needs_narrow(self.x.dtype, self.input(1).dtype) else "quantize.hxx",)

    def emit(self, cpp: Writer) -> None:
        x, scale, zero, y = self.x, self.input(1), self.arguments(3)[2], pointer(cpp, self.y, const="")
        by = self.spread(x, scale, zero).cpp(cpp)
        if x.dtype.is_float:
            cpp.call("dequantize_floats", by, pointer(cpp, x), pointer(cpp, scale), y)
        else:
            cpp.call("dequantize", by, pointer(cpp, x), pointer(cpp, scale), pointer(cpp, zero) if zero else nullptr(x.dtype), y)

    cases: ClassVar[Sequence[Case]] = (
        case(x=data("N", 33, dtype="uint8", low=0, high=255), scale=const(0.05, "float32"), zero=const(120, "uint8"), exact=True),
        case(x=data("N", 33, dtype="int8", low=-128, high=127), scale=data(), zero=const(-7, "int8"), exact=True),
        case(x=data(3, 40, dtype="int8", low=-128, high=127), scale=const([0.3], "float32"), opset=10, exact=True),
        case(x=data("N", 5, 33, dtype="uint8", low=0, high=255), scale=weight(5), zero=data(5, dtype="uint8", low=0, high=255), exact=True),
        case(x=data("N", 21, dtype="int8", low=-128, high=127), scale=data(21), zero=data(21, dtype="int8", low=-9, high=9), exact=True),
        case(x=data("N", 3, 21, dtype="int8", low=-128, high=127), scale=data(21), attributes={"axis": -1}, opset=13, exact=True),
        case(x=data(5, 9, dtype="int32", low=-1 << 28, high=1 << 28), scale=data(9), exact=True),
        case(x=data(5, 9, dtype="uint16", low=0, high=65535), scale=data(), zero=const(999, "uint16"), opset=21, exact=True),
        case(x=data(5, 9, dtype="int16", low=-32768, high=32767), scale=data(9), opset=21, exact=True),
        case(x=data(4, 7, 3, dtype="int8", low=-128, high=127), scale=data(4, 3, 3), attributes={"block_size": 3}, opset=21, exact=True),
        case(
            x=data(4, 10, dtype="uint8", low=0, high=255), scale=data(4, 3), zero=data(4, 3, dtype="uint8", low=0, high=255),
            attributes={"axis": 1, "block_size": 4}, opset=21, exact=True,
        ),
        case(x=data(5, 9, dtype="int8", low=-128, high=127), scale=data(dtype="float16"), exact=True),
        case(x=weight(5, 9, dtype="uint8", low=0, high=255), scale=weight(9), zero=weight(9, dtype="uint8", low=0, high=255), exact=True),
        case(x=data(0, 40, dtype="int8"), scale=const(0.5, "float32")),
        case(
            x=weight(5, 37, dtype="int4", low=-8, high=8), scale=data(37), zero=weight(37, dtype="int4", low=-8, high=8),
            opset=21, exact=True,
        ),
        case(
            x=weight(5, 9, dtype="uint4", low=0, high=16), scale=data(5, 3), zero=weight(5, 3, dtype="uint4", low=0, high=16),
            attributes={"block_size": 4}, opset=21, exact=True,
        ),
        case(x=weight(5, 37, dtype="float8_e4m3fn", low=-200, high=200), scale=data(), opset=19, exact=True),
        case(x=weight(5, 37, dtype="float8_e5m2", low=-200, high=200), scale=weight(37), opset=19, exact=True),
    )  # fmt: skip


@operator("DequantizeLinear", domain="com.microsoft")
class MicrosoftDequantizeLinear(DequantizeLinear):
    """The same."""

    cases = (
        case(x=data("N", 33, dtype="uint8", low=0, high=255), scale=const(0.05, "float32"), zero=const(120, "uint8"), exact=True),
        case(
            x=data(3, 33, dtype="int8", low=-9, high=9), scale=weight(3), zero=const([3, 4, 5], "int8"), attributes={"axis": 0}, exact=True,
        ),
    )  # fmt: skip
