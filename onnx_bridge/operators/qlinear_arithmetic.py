"""QLinearAdd and QLinearMul of com.microsoft: pointwise arithmetic of bytes that have scales and zero points."""

from __future__ import annotations

from contextlib import ExitStack
from typing import ClassVar

from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.roperator import ROperator, Writer, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, broadcast
from onnx_bridge.library.loops import broadcast_strides, collapse, contiguous_strides, nested_loops
from onnx_bridge.operators.cases import case, const, data
from onnx_bridge.operators.integer_product import check_one, scalar_of
from onnx_bridge.operators.matmul_integer import BYTES, bytes_of


class QLinearPair(ROperator):
    """y = a function of two quantised tensors that broadcast, quantised; each has a scale and a zero point, 0 if it is not given."""

    kernels = ("quantized_pointwise.hxx",)
    computes = (BYTES, (float32,), BYTES, BYTES, (float32,), BYTES, (float32,), BYTES)
    #: The object of quantized_pointwise.hxx.
    function: ClassVar[str]
    #: 128 has int8 rounded as the uint8 that are so much more: what onnxruntime makes of int8 in QDQ nets.
    shift = 0

    def types(
        self, a: Tensor, a_scale: Tensor, a_zero: Tensor | None, b: Tensor, b_scale: Tensor, b_zero: Tensor | None, c_scale: Tensor,
        c_zero: Tensor | None = None,
    ) -> Type:  # fmt: skip
        for tensor, what in ((a_scale, "the scale of a"), (b_scale, "the scale of b"), (c_scale, "the scale of c")):
            check_one(tensor, what)
        for tensor_, what in ((a_zero, "the zero point of a"), (b_zero, "the zero point of b"), (c_zero, "the zero point of c")):
            if tensor_ is not None:
                check_one(tensor_, what)
                if tensor_.dtype is not a.dtype:
                    raise ShapeError(f"{what} must be of a's type, {a.dtype}, got {tensor_.dtype}")
        if a.dtype is not b.dtype:
            raise ShapeError(f"a and b must have one type, got {a.dtype} and {b.dtype}")
        return Type(a.dtype, broadcast(a.shape, b.shape))

    def emit(self, cpp: Writer) -> None:
        a, a_scale, a_zero, b, b_scale, b_zero, c_scale, c_zero = self.arguments(8)
        assert a is not None and b is not None
        left, right = (a, a_scale, a_zero), (b, b_scale, b_zero)
        shape = self.y.shape
        tensors = [contiguous_strides(shape), broadcast_strides(a.shape, shape), broadcast_strides(b.shape, shape)]
        sizes, (y_steps, a_steps, b_steps) = collapse(shape, tensors)
        if a_steps[-1] == 0 and b_steps[-1] != 0:  # as onnxruntime does: what is one number is the second operand
            left, right, a_steps, b_steps = right, left, b_steps, a_steps
        sides = [scalar_of(cpp, tensor) for tensor in (*left[1:], *right[1:], c_scale, c_zero)]
        sides = [f"{side} + {self.shift}" if self.shift and index % 2 else side for index, side in enumerate(sides)]
        with cpp.block(""):
            function = cpp.local("function")
            cpp.line(f"const {self.function} {function}({', '.join(sides)});")
            with ExitStack() as stack:
                moved = nested_loops(cpp, stack, sizes[:-1], [y_steps[:-1], a_steps[:-1], b_steps[:-1]])
                tensors_ = (self.y, left[0], right[0])
                y, first, second = (cpp.pointer(t) + m for t, m in zip(tensors_, moved, strict=True) if t is not None)
                cpp.call("quantized_pairs", sizes[-1], function, self.shift, first, a_steps[-1], second, b_steps[-1], y)


def _quantized(*shape: int | str, scale: float, zero: int, kind: str = "uint8") -> tuple[object, object, object]:
    return bytes_of(*shape, kind=kind), const(scale, "float32"), const(zero, kind)


def _case(a: tuple[int | str, ...], b: tuple[int | str, ...], kind: str = "uint8", zeros: tuple[int, int, int] = (3, 120, 90)) -> object:
    x, x_scale, x_zero = _quantized(*a, scale=0.05, zero=zeros[0], kind=kind)
    w, w_scale, w_zero = _quantized(*b, scale=0.15, zero=zeros[1], kind=kind)
    return case(
        a=x,
        a_scale=x_scale,
        a_zero=x_zero,
        b=w,
        b_scale=w_scale,
        b_zero=w_zero,
        c_scale=const(0.1, "float32"),
        c_zero=const(zeros[2], kind),
    )


_CASES = (
    _case(("N", 70), ("N", 70)),
    _case(("N", 33), (1, 33), "int8", (-3, 7, -100)),
    _case((4, 1), (4, 33)),
    _case((4, 33), (4, 1)),
    _case((3, 1, 5), (3, 4, 1)),
    _case((1,), ("N", 7)),
    case(
        a=bytes_of(5, 9), a_scale=data(low=0.01, high=0.1), a_zero=data(dtype="uint8", low=0, high=255),
        b=bytes_of(5, 9), b_scale=data(low=0.01, high=0.1), b_zero=const(9, "uint8"), c_scale=data(low=0.01, high=0.1),
    ),
)  # fmt: skip


@operator("QLinearAdd", domain="com.microsoft")
class QLinearAdd(QLinearPair):
    """c = a + b."""

    function = "QuantizedSum"
    cases = _CASES


@operator("QLinearMul", domain="com.microsoft")
class QLinearMul(QLinearPair):
    """c = a * b."""

    function = "QuantizedProduct"
    cases = _CASES
