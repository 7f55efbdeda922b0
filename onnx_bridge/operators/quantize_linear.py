"""QuantizeLinear of ai.onnx and of com.microsoft: floats as integers and floats of few bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from onnx_bridge.ir.dtypes import BY_ONNX, HALVES, NARROW, DType, float8e8m0, float32, int8, int16, int32, name_of, uint8, uint16
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.quantized import Spread, check_zero, limits, needs_narrow, nullptr, pointer, spread
from onnx_bridge.library.steps import ENCODED
from onnx_bridge.operators.cases import Case, case, const, data, given, weight

#: What floats are quantised to.
TO = (uint8, int8, uint16, int16, *(dtype for dtype in NARROW if dtype is not float8e8m0))


@operator("QuantizeLinear", since=10)
class QuantizeLinear(ROperator):
    """y = x / scale to the nearest integer, halves to the even one, plus the zero point, within the limits of y's type.

    One scale for all of x; from opset 13 on one a channel of `axis`; from 21 on one for `block_size` places of it. The quotient
    is a float32's, as in onnxruntime, unless `precision` names a half. y's type is the zero point's, else `output_dtype`, else uint8.
    Of a float of eight bits or less the nearest one is taken; what is too large for one of eight becomes the largest unless `saturate`
    is 0, then infinity or NaN. Its zero point is not read: that of a float is 0.
    """

    computes: ClassVar[Sequence[Sequence[DType]]] = ((float32, *HALVES, int32), (float32, *HALVES, int32, float8e8m0), TO)

    axis: int = attribute(1)
    block_size: int = attribute(0)
    output_dtype: int = attribute(0)
    precision: int = attribute(0)
    saturate: int = attribute(1)

    def types(self, x: Tensor, scale: Tensor, zero: Tensor | None = None) -> Type:
        self.spread(x, scale, zero)
        check_zero(zero)
        if self.precision and BY_ONNX.get(self.precision) not in (float32, *HALVES):
            raise UnsupportedForm(f"precision {name_of(self.precision)} is not supported; it may be float32, float16, bfloat16")
        asked = BY_ONNX.get(self.output_dtype) if self.output_dtype else None
        if self.output_dtype and asked not in TO:
            raise UnsupportedForm(f"output_dtype {name_of(self.output_dtype)} is not supported; it may be {', '.join(map(str, TO))}")
        if zero is not None and asked is not None and asked is not zero.dtype:
            raise ShapeError(f"output_dtype is {asked}, and the zero point is of type {zero.dtype}")
        return Type(zero.dtype if zero is not None else asked or uint8, x.shape)

    def spread(self, x: Tensor, scale: Tensor, zero: Tensor | None) -> Spread:
        """How the scales lie along x."""
        return spread(x, scale, zero, self.axis, self.block_size)

    def quotients(self) -> str | None:
        """What the kernels call the type of the quotients; None: float."""
        return ENCODED[BY_ONNX[self.precision]] if self.precision not in (0, float32.onnx) else None

    def kernel_files(self) -> Sequence[str]:
        return ("quantize_narrow.hxx" if self.quotients() or needs_narrow(self.y.dtype, self.input(1).dtype) else "quantize.hxx",)

    def emit(self, cpp: Writer) -> None:
        x, scale, zero, y = self.x, self.input(1), self.arguments(3)[2], pointer(cpp, self.y, const="")
        operands = [self.spread(x, scale, zero).cpp(cpp), pointer(cpp, x), pointer(cpp, scale)]
        if self.y.dtype.is_float:
            cpp.call(f"quantize_to_floats<{self.quotients() or 'Single'}>", *operands, y, "true" if self.saturate else "false")
            return
        function = f"quantize_in<{self.quotients()}>" if self.quotients() else "quantize"
        cpp.call(function, *operands, pointer(cpp, zero) if zero else nullptr(self.y.dtype), y, *limits(self.y.dtype))

    cases: ClassVar[Sequence[Case]] = (
        case(x=data("N", 33, low=-9, high=9), scale=const(0.05, "float32"), zero=const(120, "uint8")),
        case(x=data("N", 33, low=-9, high=9), scale=const(0.05, "float32"), zero=const(-3, "int8")),
        case(x=data(3, 40, low=-9, high=9), scale=const([0.25], "float32"), zero=const([7], "int8"), opset=10),
        case(x=given([0.5, 1.5, 2.5, -0.5, -1.5, 1e9, -1e9, 0.0]), scale=const(1.0, "float32"), zero=const(1, "int8")),
        case(x=data("N", 5, 33, low=-9, high=9), scale=weight(5, low=0.01, high=0.1), zero=data(5, dtype="uint8", low=0, high=255)),
        case(x=data("N", 3, 21, low=-9, high=9), scale=data(21, low=0.01, high=0.1), attributes={"axis": -1}, opset=13),
        case(x=data("N", 21, low=-9, high=9), scale=data(21, low=0.01, high=0.1), zero=weight(21, dtype="int8", low=-9, high=9)),
        case(x=data(4, 7, 3, low=-9, high=9), scale=data(4, 3, 3, low=0.01, high=0.1), attributes={"block_size": 3}, opset=21),
        case(x=data(4, 3, 10, low=-9, high=9), scale=data(4, 3, 3, low=0.01, high=0.1), attributes={"axis": 2, "block_size": 4}, opset=21),
        case(x=data(3, 40, low=-900, high=900), scale=data(low=0.01, high=0.1), zero=const(3000, "uint16"), opset=21),
        case(x=data(3, 40, low=-900, high=900), scale=data(low=0.01, high=0.1), attributes={"output_dtype": 5}, opset=21),
        case(x=data(3, 40, dtype="float16", low=-9, high=9), scale=data(dtype="float16", low=0.01, high=0.1), zero=const(9, "uint8")),
        case(x=data(0, 40), scale=const(0.5, "float32")),
    )


@operator("QuantizeLinear", domain="com.microsoft")
class MicrosoftQuantizeLinear(QuantizeLinear):
    """The same."""

    cases = (
        case(x=data("N", 33, low=-9, high=9), scale=const(0.05, "float32"), zero=const(120, "uint8")),
        case(x=data(3, 33, low=-9, high=9), scale=weight(3, low=0.01, high=0.1), zero=const([3, 4, 5], "int8"), attributes={"axis": 0}),
    )
