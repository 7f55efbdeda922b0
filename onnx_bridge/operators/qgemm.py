"""QGemm and DynamicQuantizeMatMul of com.microsoft."""

from __future__ import annotations

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32, int32
from onnx_bridge.ir.roperator import UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, broadcasts, fits
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.cases import case, const, data, weight
from onnx_bridge.operators.dynamic_quantize_linear import DynamicQuantizeLinear
from onnx_bridge.operators.integer_product import Factors, IntegerProduct, check_columns, check_one, requantize, scales
from onnx_bridge.operators.matmul_integer import BYTES, MatMulIntegerToFloat, bytes_of


@operator("QGemm", domain="com.microsoft")
class QGemm(IntegerProduct):
    """y = alpha * op(a) op(b) of quantised matrices, quantised, or without a scale of y float32. c, int32, is added to the sums."""

    computes = (BYTES, (float32,), BYTES, BYTES, (float32,), BYTES, (int32,), (float32,), BYTES)

    alpha: float = attribute(1.0)
    transA: int = attribute(0)
    transB: int = attribute(0)

    def types(
        self, a: Tensor, a_scale: Tensor, a_zero: Tensor, b: Tensor, b_scale: Tensor, b_zero: Tensor, c: Tensor | None = None,
        y_scale: Tensor | None = None, y_zero: Tensor | None = None,
    ) -> Type:  # fmt: skip
        if a.rank != 2 or b.rank != 2:
            raise ShapeError(f"a and b must be matrices, got {a.type} and {b.type}")
        if c is not None:
            n = b.shape[0] if self.transB else b.shape[1]
            broadcasts(c, (a.shape[1] if self.transA else a.shape[0], n), "c")
            if c.count != n or c.shape[-1] != n or (c.rank != 1 and not c.is_constant):
                raise UnsupportedForm(f"c must have one number a column, {n}, got {c.type}")
        shape = self.factors().product()
        check_columns(b_scale, self.factors().shapes()[1], "the scale of b")
        check_one(a_scale, "the scale of a")
        if (y_scale is None) != (y_zero is None):
            raise ShapeError("y has a scale and a zero point, or neither")
        if y_scale is None or y_zero is None:
            return Type(float32, shape)
        check_one(y_scale, "the scale of y")
        check_one(y_zero, "the zero point of y")
        return Type(y_zero.dtype, shape)

    def factors(self) -> Factors:
        c = self.arguments(7)[6]
        if c is not None and c.rank != 1:
            c = Tensor(c.name, Type(c.dtype, c.shape[-1:]), c.constant().reshape(-1))
        return Factors(self.input(0), self.input(3), self.input(2), self.input(5), c, bool(self.transA), bool(self.transB))

    def result_floats(self, n: Size) -> Size:
        known = all(tensor is None or tensor.is_constant for tensor in (self.input(1), self.input(4), self.arguments(8)[7]))
        return 0 if known else self.input(4).count

    def result(self, cpp: Writer, offset: str, right: str, n: Size, scratch: str) -> str:
        y_scale, y_zero = self.arguments(9)[7:]
        by = scales(cpp, self.input(1), self.input(4), y_scale, scratch, self.alpha)
        if y_scale is not None:
            return requantize(cpp, self.y, offset, n, by, y_zero)
        return f"ToFloats{{{cpp.pointer(self.y)}{offset}, {cpp.size(n)}, {by[0]}, {by[1]}, nullptr}}"

    cases = (
        case(
            a=bytes_of("N", 37), a_scale=const(0.02, "float32"), a_zero=const(113, "uint8"),
            b=bytes_of(21, 37, constant=True), b_scale=const(0.01, "float32"), b_zero=const(130, "uint8"),
            c=weight(21, dtype="int32", low=-900, high=900), y_scale=const(0.1, "float32"), y_zero=const(118, "uint8"),
            attributes={"transB": 1},
        ),
        case(
            a=bytes_of(37, 5, kind="int8"), a_scale=data(low=0.01, high=0.02), a_zero=const(3, "int8"),
            b=bytes_of(37, 21, kind="int8"), b_scale=data(21, low=0.01, high=0.02), b_zero=const([0] * 21, "int8"),
            c=data(21, dtype="int32", low=-900, high=900), y_scale=data(low=0.1, high=0.2), y_zero=data(dtype="int8", low=-9, high=9),
            attributes={"transA": 1, "alpha": 1.5},
        ),
        case(
            a=bytes_of(4, 37), a_scale=const(0.02, "float32"), a_zero=const(113, "uint8"),
            b=bytes_of(37, 21, constant=True), b_scale=const(0.01, "float32"), b_zero=const(130, "uint8"), exact=True,
        ),
    )  # fmt: skip


@operator("DynamicQuantizeMatMul", domain="com.microsoft")
class DynamicQuantizeMatMul(Composite):
    """y = a b + bias for a quantised b: a becomes uint8 by its own range, as DynamicQuantizeLinear does it."""

    computes = ((float32,), BYTES, (float32,), BYTES, (float32,))

    def types(self, a: Tensor, b: Tensor, b_scale: Tensor, b_zero: Tensor | None = None, bias: Tensor | None = None) -> Type:
        factors = Factors(a, b, None, b_zero)
        shape, b_shape = factors.product(), factors.shapes()[1]
        check_columns(b_scale, b_shape, "the scale of b")
        if bias is not None:
            fits(bias, b_shape[-1:], "the bias")
        return Type(float32, shape)

    def parts(self, build: Parts) -> Tensor:
        a, b, b_scale, b_zero, bias = self.arguments(5)
        assert a is not None and b is not None and b_scale is not None
        quantised, scale, zero = build.many(3, DynamicQuantizeLinear, a)
        none = build.constant("zero", 0, b) if b_zero is None else b_zero
        return build.add(MatMulIntegerToFloat, quantised, b, scale, b_scale, zero, none, *([] if bias is None else [bias]))

    cases = (
        case(a=data("N", 37), b=bytes_of(37, 21, constant=True), b_scale=const(0.01, "float32"), b_zero=const(130, "uint8"), exact=True),
        case(
            a=data(2, 5, 37), b=bytes_of(37, 21, kind="int8", constant=True), b_scale=weight(21, low=0.01, high=0.02), b_zero=None,
            bias=weight(21), exact=True,
        ),
        case(a=data(5, 37), b=bytes_of(37, 21), b_scale=data(low=0.01, high=0.02), exact=True),
    )  # fmt: skip
