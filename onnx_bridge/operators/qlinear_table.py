"""QLinearSigmoid, QLinearLeakyRelu and QLinearConcat of com.microsoft: bytes that become others by a table of 256."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.literals import literal
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.library.known import axis_in
from onnx_bridge.operators.cases import case, const, data
from onnx_bridge.operators.integer_product import check_one, scalar_of
from onnx_bridge.operators.matmul_integer import BYTES, bytes_of

_FUNCTOR = "{{ template <class V> __attribute__((always_inline)) V operator()(V x) const {{ return {}; }} }}"


def table(cpp: Writer, x: Sequence[Tensor | None], y: Sequence[Tensor | None], dtype: str, expression: str, moved: Size = 0) -> str:
    """The call of make_table for scales and zero points (scale, zero point) of x and y."""
    functor = cpp.functor(_FUNCTOR.format(expression), "Entry")
    sides = ", ".join(scalar_of(cpp, tensor) for tensor in (*x, *y))
    scratch = cpp.scratch() if moved == 0 else f"{cpp.scratch()} + {cpp.size(moved)}"
    return f"make_table<{dtype}>({sides}, {functor}(), {scratch})"


class ByTable(ROperator):
    """y = a function of single elements of a quantised tensor, quantised; zero points are 0 where there are none."""

    kernels = ("quantized_pointwise.hxx", "pointwise.hxx")
    computes = (BYTES, (float32,), BYTES, (float32,), BYTES)

    def types(self, x: Tensor, x_scale: Tensor, x_zero: Tensor | None, y_scale: Tensor, y_zero: Tensor | None = None) -> Type:
        for tensor, what in ((x_scale, "the scale of x"), (y_scale, "the scale of y")):
            check_one(tensor, what)
        for zero, what in ((x_zero, "x"), (y_zero, "y")):
            if zero is not None:
                check_one(zero, f"the zero point of {what}")
                if zero.dtype is not x.dtype:
                    raise ShapeError(f"the zero point of {what} must be of x's type, {x.dtype}, got {zero.dtype}")
        return x.type

    def expression(self) -> str:
        """The function of a vector `x`."""
        raise NotImplementedError(type(self).__name__)

    def scratch_bytes(self) -> Size:
        return 256

    def emit(self, cpp: Writer) -> None:
        x, x_scale, x_zero, y_scale, y_zero = self.arguments(5)
        assert x is not None
        entries = table(cpp, (x_scale, x_zero), (y_scale, y_zero), x.dtype.storage, self.expression())
        cpp.call("look_up", 1, x.count, x, 0, entries, self.y, 0)


@operator("QLinearSigmoid", domain="com.microsoft")
class QLinearSigmoid(ByTable):
    """y = 1 / (1 + exp(-x))."""

    def expression(self) -> str:
        return "sigmoid(x)"

    cases = (
        case(
            x=bytes_of("N", 21), x_scale=const(0.05, "float32"), x_zero=const(120, "uint8"), y_scale=const(1 / 256, "float32"),
            y_zero=const(0, "uint8"),
        ),
        case(
            x=bytes_of(4, 70, kind="int8"), x_scale=const(0.05, "float32"), x_zero=None, y_scale=data(low=0.01, high=0.02),
            y_zero=const(-9, "int8"),
        ),
    )  # fmt: skip


@operator("QLinearLeakyRelu", domain="com.microsoft")
class QLinearLeakyRelu(ByTable):
    """y = x where x >= 0, else alpha * x."""

    alpha: float = attribute(0.01)

    def expression(self) -> str:
        return f"leaky_relu(x, {literal(self.alpha, float32)})"

    cases = (
        case(
            x=bytes_of("N", 21), x_scale=const(0.05, "float32"), x_zero=const(120, "uint8"), y_scale=const(0.07, "float32"),
            y_zero=const(30, "uint8"), attributes={"alpha": 0.3},
        ),
        case(
            x=bytes_of(4, 70, kind="int8"), x_scale=data(low=0.01, high=0.02), x_zero=const(-5, "int8"), y_scale=data(low=0.01, high=0.02),
            y_zero=data(dtype="int8", low=-9, high=9),
        ),
    )  # fmt: skip


@operator("QLinearConcat", domain="com.microsoft")
class QLinearConcat(ROperator):
    """y = quantised tensors one behind the other along `axis`. Inputs: scale and zero point of y, then each tensor with its own."""

    kernels = ("quantized_pointwise.hxx",)
    computes = ((float32,), BYTES, (float32, *BYTES))

    axis: int = attribute()

    def types(self, y_scale: Tensor, y_zero: Tensor, *inputs: Tensor | None) -> Type:
        check_one(y_scale, "the scale of y")
        check_one(y_zero, "the zero point of y")
        if not inputs or len(inputs) % 3:
            raise ShapeError(f"each tensor has a scale and a zero point, got {len(inputs)} inputs for them")
        total: Size = 0
        first: Tensor | None = None
        for x, scale, zero in self.parts(inputs):
            check_one(scale, "a scale")
            check_one(zero, "a zero point")
            if scale.dtype is not float32 or x.dtype is not y_zero.dtype or zero.dtype is not y_zero.dtype:
                raise ShapeError(f"tensors and zero points must be of the type of y's, {y_zero.dtype}, scales of float32")
            first = first or x
            if x.rank != first.rank:
                raise ShapeError(f"all tensors must have one rank, got {first.type} and {x.type}")
            axis = axis_in(self.axis, x.rank)
            for place in range(x.rank):
                if place != axis:
                    same(x.shape[place], first.shape[place])
            total = total + x.shape[axis]
        assert first is not None
        axis = axis_in(self.axis, first.rank)
        return Type(y_zero.dtype, (*first.shape[:axis], total, *first.shape[axis + 1 :]))

    @staticmethod
    def parts(inputs: Sequence[Tensor | None]) -> list[tuple[Tensor, Tensor, Tensor]]:
        """The tensors with their scales and zero points."""
        if any(tensor is None for tensor in inputs):
            raise ShapeError("each tensor has a scale and a zero point")
        given = [tensor for tensor in inputs if tensor is not None]
        return list(zip(given[::3], given[1::3], given[2::3], strict=True))

    def scratch_bytes(self) -> Size:
        return 256

    def emit(self, cpp: Writer) -> None:
        axis = axis_in(self.axis, self.y.rank)
        row = dims.product(self.y.shape[axis:])
        at: Size = 0
        for x, scale, zero in self.parts(self.inputs[2:]):
            n = dims.product(x.shape[axis:])
            entries = table(cpp, (scale, zero), self.inputs[:2], x.dtype.storage, "x")
            to = cpp.pointer(self.y) if at == 0 else f"{cpp.pointer(self.y)} + {cpp.size(at)}"
            cpp.call("look_up", dims.product(x.shape[:axis]), n, x, n, entries, to, row)
            at = at + n

    cases = (
        case(
            y_scale=const(0.1, "float32"), y_zero=const(9, "uint8"), a=bytes_of("N", 5, 7), a_scale=const(0.2, "float32"),
            a_zero=const(3, "uint8"), b=bytes_of("N", 2, 7), b_scale=const(0.1, "float32"), b_zero=const(9, "uint8"),
            attributes={"axis": 1},
        ),
        case(
            y_scale=data(low=0.1, high=0.2), y_zero=const(9, "int8"), a=bytes_of(2, 5, kind="int8"), a_scale=data(low=0.1, high=0.2),
            a_zero=const(3, "int8"), b=bytes_of(2, 9, kind="int8"), b_scale=const(0.1, "float32"), b_zero=data(dtype="int8", high=9),
            attributes={"axis": -1},
        ),
    )  # fmt: skip
