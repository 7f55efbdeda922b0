"""MatMulInteger, QLinearMatMul, and com.microsoft's MatMulIntegerToFloat: matrix products of bytes."""

from __future__ import annotations

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32, int8, int32, uint8
from onnx_bridge.ir.roperator import Writer, operator
from onnx_bridge.ir.tensor import Tensor, Type, fits
from onnx_bridge.operators.cases import case, const, data, weight
from onnx_bridge.operators.integer_product import Factors, IntegerProduct, check_columns, check_one, requantize, scales, times

BYTES = (uint8, int8)


def bytes_of(*shape: int | str, kind: str = "uint8", constant: bool = False) -> object:
    """Bytes of all values, for cases."""
    low, high = (-128, 128) if kind == "int8" else (0, 256)
    return data(*shape, dtype=kind, low=low, high=high, constant=constant)


@operator("MatMulInteger", since=10)
class MatMulInteger(IntegerProduct):
    """y = (a - zero point) (b - zero point), in int32; zero points are 0 where they are not given. One for a; one or one a column for b."""

    computes = (BYTES, BYTES, BYTES, BYTES)

    def types(self, a: Tensor, b: Tensor, a_zero: Tensor | None = None, b_zero: Tensor | None = None) -> Type:
        return Type(int32, self.factors().product())

    def factors(self) -> Factors:
        a, b, a_zero, b_zero = self.arguments(4)
        assert a is not None and b is not None
        return Factors(a, b, a_zero, b_zero)

    def result(self, cpp: Writer, offset: str, right: str, n: Size, scratch: str) -> str:
        return f"KeepIntegers{{{cpp.pointer(self.y)}{offset}, {cpp.size(n)}, 1}}"

    cases = (
        case(a=bytes_of("N", 37), b=bytes_of(37, 21, kind="int8", constant=True)),
        case(a=bytes_of("N", 5, 64), b=bytes_of(64, 48, constant=True), a_zero=const(130, "uint8"), b_zero=const(7, "uint8")),
        case(a=bytes_of(7, 30), b=bytes_of(30, 18, constant=True), a_zero=data(dtype="uint8", low=0, high=255), b_zero=const([9], "uint8")),
        case(a=bytes_of(20, 30), b=bytes_of(30, 18), a_zero=None, b_zero=data(18, dtype="uint8", low=0, high=255)),
        case(a=bytes_of(2, 3, 4, 9), b=bytes_of(3, 9, 5, kind="int8"), a_zero=const(3, "uint8")),
        case(a=bytes_of("N", 4, 9), b=bytes_of("N", 9, 17), a_zero=data(dtype="uint8", low=0, high=255)),
        case(a=bytes_of(3, 4, 9), b=bytes_of(3, 9, 17, constant=True), a_zero=const(3, "uint8"), b_zero=const(250, "uint8")),
        case(
            a=bytes_of(70, 600),
            b=bytes_of(600, 33, kind="int8", constant=True),
            a_zero=None,
            b_zero=weight(33, dtype="int8", low=0, high=1),
        ),
        case(a=bytes_of("M", 16), b=bytes_of(16, "N")),
        case(a=bytes_of(2, 5, 9), b=bytes_of(2, 9, 18), a_zero=None, b_zero=data(2, 1, 18, dtype="uint8", low=0, high=255)),
        case(
            a=bytes_of(2, 5, 9), b=bytes_of(2, 9, 18, constant=True), a_zero=None, b_zero=weight(2, 1, 18, dtype="uint8", low=0, high=255)
        ),
        case(a=bytes_of(0, 16), b=bytes_of(16, 4)),
    )


@operator("QLinearMatMul", since=10)
class QLinearMatMul(IntegerProduct):
    """y = the product of quantised matrices, quantised: one scale and zero point for a and for y, one or one a column for b.

    Sums of int32, as float32 times a's scale * b's / y's, to the nearest integer, halves to the even one, as onnxruntime rounds.
    """

    computes = (BYTES, (float32,), BYTES, BYTES, (float32,), BYTES, (float32,), BYTES)

    def types(
        self, a: Tensor, a_scale: Tensor, a_zero: Tensor, b: Tensor, b_scale: Tensor, b_zero: Tensor, y_scale: Tensor, y_zero: Tensor
    ) -> Type:
        shape = self.factors().product()
        check_columns(b_scale, self.factors().shapes()[1], "the scale of b")
        for tensor, what in ((a_scale, "the scale of a"), (y_scale, "the scale of y"), (y_zero, "the zero point of y")):
            check_one(tensor, what)
        return Type(y_zero.dtype, shape)

    def factors(self) -> Factors:
        return Factors(self.input(0), self.input(3), self.input(2), self.input(5))

    def result_floats(self, n: Size) -> Size:
        known = all(self.input(index).is_constant for index in (1, 4, 6))
        return 0 if known else self.input(4).count

    def result(self, cpp: Writer, offset: str, right: str, n: Size, scratch: str) -> str:
        by = scales(cpp, self.input(1), self.input(4), self.input(6), scratch, moved=times(right, n, cpp))
        return requantize(cpp, self.y, offset, n, by, self.input(7))

    cases = (
        case(
            a=bytes_of("N", 37), a_scale=const(0.02, "float32"), a_zero=const(113, "uint8"),
            b=bytes_of(37, 21, constant=True), b_scale=const(0.01, "float32"), b_zero=const(130, "uint8"),
            y_scale=const(0.1, "float32"), y_zero=const(118, "uint8"),
        ),
        case(
            a=bytes_of("N", 5, 40, kind="int8"), a_scale=const(0.02, "float32"), a_zero=const(-7, "int8"),
            b=bytes_of(40, 21, kind="int8", constant=True), b_scale=weight(21, low=0.01, high=0.03), b_zero=const([0] * 21, "int8"),
            y_scale=const(0.1, "float32"), y_zero=const(3, "int8"),
        ),
        case(
            a=bytes_of(6, 40), a_scale=data(low=0.01, high=0.02), a_zero=data(dtype="uint8", low=0, high=255),
            b=bytes_of(40, 21), b_scale=data(low=0.01, high=0.02), b_zero=data(dtype="uint8", low=0, high=255),
            y_scale=data(low=0.1, high=0.2), y_zero=data(dtype="uint8", low=0, high=255),
        ),
        case(
            a=bytes_of(2, 6, 9), a_scale=data(1, low=0.01, high=0.02), a_zero=const([3], "uint8"),
            b=bytes_of(2, 9, 5), b_scale=const([0.5], "float32"), b_zero=const([0], "uint8"),
            y_scale=const([4.0], "float32"), y_zero=const([9], "uint8"),
        ),
    )  # fmt: skip


@operator("MatMulIntegerToFloat", domain="com.microsoft")
class MatMulIntegerToFloat(IntegerProduct):
    """y = the product of quantised matrices as float32, plus a bias: what onnxruntime makes of MatMulInteger, Cast, Mul and Add."""

    computes = (BYTES, BYTES, (float32,), (float32,), BYTES, BYTES, (float32,))

    def types(
        self, a: Tensor, b: Tensor, a_scale: Tensor, b_scale: Tensor, a_zero: Tensor | None = None, b_zero: Tensor | None = None,
        bias: Tensor | None = None,
    ) -> Type:  # fmt: skip
        shape, b_shape = self.factors().product(), self.factors().shapes()[1]
        check_one(a_scale, "the scale of a")
        check_columns(b_scale, b_shape, "the scale of b")
        if bias is not None:
            fits(bias, b_shape[-1:], "the bias")
        return Type(float32, shape)

    def factors(self) -> Factors:
        a_zero, b_zero = self.arguments(6)[4:]
        return Factors(self.input(0), self.input(1), a_zero, b_zero)

    def result_floats(self, n: Size) -> Size:
        return 0 if self.input(2).is_constant and self.input(3).is_constant else self.input(3).count

    def result(self, cpp: Writer, offset: str, right: str, n: Size, scratch: str) -> str:
        pointer, columns = scales(cpp, self.input(2), self.input(3), None, scratch, moved=times(right, n, cpp))
        bias = self.arguments(7)[6]
        added = "nullptr" if bias is None else cpp.pointer(bias)
        return f"ToFloats{{{cpp.pointer(self.y)}{offset}, {cpp.size(n)}, {pointer}, {columns}, {added}}}"

    cases = (
        case(a=bytes_of("N", 37), b=bytes_of(37, 21, constant=True), a_scale=const(0.02, "float32"), b_scale=const(0.1, "float32")),
        case(
            a=bytes_of(4, 37), b=bytes_of(37, 21, kind="int8", constant=True), a_scale=data(low=0.01, high=0.02),
            b_scale=weight(21, low=0.01, high=0.02), a_zero=const(7, "uint8"), b_zero=const([0] * 21, "int8"), bias=weight(21), exact=True,
        ),
        case(
            a=bytes_of(4, 37), b=bytes_of(37, 21), a_scale=data(low=0.01, high=0.02), b_scale=data(low=0.01, high=0.02),
            a_zero=data(dtype="uint8", low=0, high=255), b_zero=data(dtype="uint8", low=0, high=255), bias=data(21), exact=True,
        ),
    )  # fmt: skip
