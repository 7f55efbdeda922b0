"""ConvInteger and QLinearConv, of ai.onnx and of com.microsoft: convolutions of bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32, int8, int32
from onnx_bridge.ir.roperator import Writer, attribute, operator
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, Type, fits, same
from onnx_bridge.kernels.integer_convolution import INTEGER_CONV, INTEGER_DEPTHWISE, as_pieces, pieces_of
from onnx_bridge.kernels.integer_product import PACK_INTEGERS, centred, column_sums, left_zero, pack_columns, whole_panels
from onnx_bridge.library.convolving import Convolving
from onnx_bridge.library.loops import add_index
from onnx_bridge.library.window import NONE, Axis, Window, kernel_sizes, sliding_axes, window
from onnx_bridge.operators.cases import Case, case, const, data, weight
from onnx_bridge.operators.integer_product import check_one, requantize, scales
from onnx_bridge.operators.matmul_integer import BYTES, bytes_of


class IntegerConvolution(Convolving):
    """A convolution of bytes and something behind it. Which inputs are what: x, w, their zero points, a bias of int32."""

    kernels = ("integer_conv.hxx",)
    places: ClassVar[tuple[int, int, int, int, int]]

    channels_last: int = 0

    @property
    def operands(self) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None]:
        """x, w, the zero points of both, the bias."""
        given = self.arguments(max(self.places) + 1)
        x, w, *rest = (given[place] if place >= 0 else None for place in self.places)
        assert x is not None and w is not None
        return x, w, rest[0], rest[1], rest[2]

    def shape(self) -> Shape:
        """The shape of y."""
        x, w, x_zero, w_zero, bias = self.operands
        if w.rank != x.rank or not 3 <= x.rank <= 5:
            raise ShapeError(f"x and w must have one rank of 3, 4 or 5, got {x.type} and {w.type}")
        o, c = w.shape[:2]
        if self.group < 1 or (isinstance(o, int) and o % self.group):
            raise ShapeError(f"group {self.group} does not divide {o} output channels")
        same(dims.floor_div(o, self.group) * self.group, o)
        same(self.channels(), c * self.group)
        if x_zero is not None:
            check_one(x_zero, "the zero point of x")
        for tensor, what in ((w_zero, "the zero point of w"), (bias, "the bias")):
            if tensor is not None and (tensor is bias or tensor.rank > 1 or tensor.count != 1):
                fits(tensor, (o,), what)
        axes = self.window().axes[5 - x.rank :]
        if any(isinstance(axis.room, int) and axis.room < 0 < axis.out for axis in axes if isinstance(axis.out, int)):
            raise ShapeError(f"a kernel of {list(w.shape[2:])} does not fit into {x.type} with these pads and dilations")
        spatial = [axis.out for axis in axes]
        return (x.shape[0], *spatial, o) if self.channels_last else (x.shape[0], o, *spatial)

    def channels(self) -> Size:
        """How many x has."""
        return self.x.shape[-1] if self.channels_last else self.x.shape[1]

    def window(self) -> Window:
        """The window over x."""
        x, w = self.operands[:2]
        spatial = x.shape[1:-1] if self.channels_last else x.shape[2:]
        return window(sliding_axes(spatial, kernel_sizes(w, self.kernel_shape), self.strides, self.dilations, self.pads, self.auto_pad))

    def result(self, cpp: Writer, moved: str, strides: tuple[Size, Size], scratch: str) -> str:
        """What becomes of the sums: an object of integer_product.hxx.

        Args:
            cpp: the writer.
            moved: a term that the pointer to y moves by from image to image.
            strides: how far pixels and channels of y lie apart.
            scratch: memory of `result_floats` floats.
        """
        raise NotImplementedError(type(self).__name__)

    def result_floats(self) -> Size:
        """Floats of scratch memory that `result` needs."""
        return 0

    def is_depthwise(self) -> bool:
        """Whether each group has one channel, and makes one."""
        w = self.operands[1]
        return self.group > 1 and w.shape[1] == 1 and w.shape[0] == self.group

    def prepacked(self) -> bool:
        """Whether the weights are packed at conversion."""
        _, w, _, w_zero, _ = self.operands
        return w.is_constant and (w_zero is None or w_zero.is_constant)

    def is_settled(self) -> bool:
        """Whether the offsets of the columns are known, too."""
        _, _, x_zero, _, bias = self.operands
        return (x_zero is None or x_zero.is_constant) and (bias is None or bias.is_constant)

    def scratch_parts(self) -> list[Size]:
        """Bytes of: the image, the packed weights, what `result` needs; whole lines of 64."""
        w, window_ = self.operands[1], self.window()
        packed: Size = 0
        if self.is_depthwise():
            packed = 0 if self.prepacked() else self.group * window_.taps * 2
        elif not (self.prepacked() and self.is_settled()):
            pieces, taps, channels = pieces_of(window_, self.channels(), self.group)
            packed = PACK_INTEGERS.scratch_bytes(self.group, pieces, taps * channels, dims.floor_div(w.shape[0], self.group))
        image = (INTEGER_DEPTHWISE if self.is_depthwise() else INTEGER_CONV).scratch_bytes(window_, self.channels())
        return [dims.ceil_div(size, 64) * 64 for size in (image, packed, self.result_floats() * 4)]

    def scratch_bytes(self) -> Size:
        return sum(self.scratch_parts(), 0)

    def emit(self, cpp: Writer) -> None:
        x, w, x_zero, _, bias = self.operands
        window_, o = self.window(), w.shape[0]
        inputs, outputs = window_.inputs, window_.outputs
        if window_.taps == 1 and window_.unpadded and all(axis.stride == 1 for axis in window_.axes):
            window_ = Window((NONE, NONE, Axis(inputs, outputs, 1)))  # pixel by pixel, in one row
        parts = self.scratch_parts()
        image, packed, rest = (f"{cpp.scratch()} + {cpp.size(sum(parts[:index], 0))}" for index in range(3))
        with cpp.block(""):
            zero, weights, index = cpp.local("zero"), cpp.local("weights"), cpp.local("image")
            cpp.line(f"const std::int32_t {zero} = {self._left_zero(cpp, x, x_zero)};")
            kind = "std::int16_t* const" if self.is_depthwise() else "IntegerWeights"
            text = self._depthwise_weights(cpp, packed) if self.is_depthwise() else self._weights(cpp, zero, packed)
            cpp.line(f"const {kind} {weights} = {text};")
            name = window_.declare(cpp)
            with cpp.block(f"for (Size {index} = 0; {index} < {cpp.size(x.shape[0])}; {index}++)"):
                moved = add_index(cpp, index, self.channels() * inputs)
                strides = (1, self.channels()) if self.channels_last else (inputs, 1)
                source = f"Image<{x.dtype.storage}>{{{cpp.pointer(x)}{moved}, {', '.join(map(cpp.size, strides))}}}"
                along: tuple[Size, Size] = (o, 1) if self.channels_last else (1, outputs)
                result = self.result(cpp, add_index(cpp, index, o * outputs), along, rest)
                if self.is_depthwise():
                    cpp.call(INTEGER_DEPTHWISE.function, name, o, source, zero, weights, bias, image, result)
                else:
                    cpp.call(INTEGER_CONV.function, name, self.channels(), o, self.group, source, zero, weights, image, result)

    @staticmethod
    def _left_zero(cpp: Writer, x: Tensor, zero: Tensor | None) -> str:
        if zero is None or zero.is_constant:
            return str(zero_of(zero, x))
        return f"left_zero({cpp.pointer(zero)})"

    def _zeros(self, cpp: Writer) -> tuple[str, int]:
        """The pointer to the zero points of w, and from one to the next."""
        _, w, _, zero, _ = self.operands
        if zero is None:
            return f"static_cast<const {w.dtype.storage}*>(nullptr)", 0
        return cpp.pointer(zero), 0 if zero.count == 1 else 1

    def _depthwise_weights(self, cpp: Writer, scratch: str) -> str:
        _, w, _, zero, _ = self.operands
        taps = self.window().taps
        if not self.prepacked():
            zeros, step = self._zeros(cpp)
            return f"pack_depthwise({self.group}, {cpp.size(taps)}, {cpp.pointer(w)}, {zeros}, {step}, {scratch})"
        off = np.zeros(1, np.int16) if zero is None else zero.constant().reshape(-1).astype(np.int16)
        values = w.constant().reshape(self.group, -1).astype(np.int16) - off[:, None]
        return cpp.weight(f"{w.name}_packed", values.astype(np.int16).T)

    def _weights(self, cpp: Writer, zero: str, scratch: str) -> str:
        _, w, x_zero, w_zero, bias = self.operands
        pieces, taps, channels = pieces_of(self.window(), self.channels(), self.group)
        added = "nullptr" if bias is None else cpp.pointer(bias)
        n = dims.floor_div(w.shape[0], self.group)
        if not self.prepacked():
            zeros, step = self._zeros(cpp)
            window_taps = self.window().taps
            row = channels * window_taps
            strides = f"PackStrides{{{', '.join(map(cpp.size, (row * n, taps, 1, window_taps, row)))}}}"
            sizes = ", ".join(map(cpp.size, (self.group, pieces, taps, channels, n)))
            return f"pack_integers({sizes}, {cpp.pointer(w)}, {strides}, {zeros}, {step}, {added}, {zero}, {scratch})"
        values = as_pieces(w.constant(), self.group, int(str(pieces)), int(str(taps)))
        off = np.zeros(1, values.dtype) if w_zero is None else w_zero.constant().reshape(-1)
        off = np.broadcast_to(off, w.constant().shape[:1]).reshape(self.group, 1, 1, -1)
        centre, left = centred(values, off)
        sums = column_sums(centre.reshape(self.group, -1, centre.shape[-1]))
        panels = cpp.weight(f"{w.name}_packed", pack_columns(centre))
        zeros = "nullptr" if left is None else cpp.weight(f"{w.name}_zeros", whole_panels(left.reshape(self.group, -1)))
        if self.is_settled():
            known = np.zeros(w.constant().shape[:1], np.int32) if bias is None else bias.constant()
            offsets = whole_panels(known.reshape(self.group, -1)).astype(np.int64) - zero_of(x_zero, self.x) * sums.astype(np.int64)
            return f"{{{panels}, {cpp.weight(f'{w.name}_offsets', offsets.astype(np.int32))}, {zeros}}}"
        sums_of = cpp.weight(f"{w.name}_sums", sums)
        return f"with_offsets({self.group}, {cpp.size(n)}, {panels}, {sums_of}, {added}, {zeros}, {zero}, {scratch})"


def zero_of(zero: Tensor | None, x: Tensor) -> int:
    """A known zero point of what is read as a left operand."""
    return left_zero(0 if zero is None else int(zero.constant().reshape(())), x.dtype is int8)


@operator("ConvInteger", since=10)
class ConvInteger(IntegerConvolution):
    """y = Conv(x - its zero point, w - its zero points), in int32; one zero point for x, one or one an output channel for w."""

    places = (0, 1, 2, 3, -1)
    computes = (BYTES,)

    def types(self, x: Tensor, w: Tensor, x_zero: Tensor | None = None, w_zero: Tensor | None = None) -> Type:
        return Type(int32, self.shape())

    def result(self, cpp: Writer, moved: str, strides: tuple[Size, Size], scratch: str) -> str:
        return f"KeepIntegers{{{cpp.pointer(self.y)}{moved}, {', '.join(map(cpp.size, strides))}}}"

    cases = (
        case(
            x=bytes_of("N", 3, 9, 11), w=bytes_of(20, 3, 3, 3, constant=True), x_zero=const(7, "uint8"), attributes={"pads": [1, 1, 1, 1]}
        ),
        case(x=bytes_of("N", 1, 8, 8), w=bytes_of(5, 1, 5, 5, constant=True), x_zero=const(7, "uint8"), w_zero=const(130, "uint8")),
        case(x=bytes_of(2, 4, 7, 8), w=bytes_of(6, 2, 3, 2), x_zero=data(dtype="uint8", low=0, high=255), attributes={"group": 2}),
        case(x=bytes_of(1, 3, 20), w=bytes_of(6, 3, 3, constant=True), attributes={"dilations": [2], "strides": [2]}),
        case(x=bytes_of(0, 3, 20), w=bytes_of(6, 3, 3, constant=True)),
    )


@operator("QLinearConv", since=10)
class QLinearConv(IntegerConvolution):
    """y = a quantised convolution, quantised; scales and zero points of w may be one an output channel.

    Sums of int32, as float32 times x's scale * w's / y's, to the nearest integer, halves to the even one, as onnxruntime rounds.
    """

    places = (0, 3, 2, 5, 8)
    computes: ClassVar[Sequence[Sequence[object]]] = (BYTES, (float32,), BYTES, BYTES, (float32,), BYTES, (float32,), BYTES, (int32,))  # type: ignore[assignment]

    def types(
        self, x: Tensor, x_scale: Tensor, x_zero: Tensor, w: Tensor, w_scale: Tensor, w_zero: Tensor, y_scale: Tensor, y_zero: Tensor,
        bias: Tensor | None = None,
    ) -> Type:  # fmt: skip
        shape = self.shape()
        if w_scale.rank > 1 or w_scale.count != 1:
            fits(w_scale, w.shape[:1], "the scale of w")
        for tensor, what in ((x_scale, "the scale of x"), (y_scale, "the scale of y"), (y_zero, "the zero point of y")):
            check_one(tensor, what)
        return Type(y_zero.dtype, shape)

    def result_floats(self) -> Size:
        known = all(self.input(index).is_constant for index in (1, 4, 6))
        return 0 if known else self.input(4).count

    def result(self, cpp: Writer, moved: str, strides: tuple[Size, Size], scratch: str) -> str:
        by = scales(cpp, self.input(1), self.input(4), self.input(6), scratch)
        return requantize(cpp, self.y, moved, strides[0], by, self.input(7), strides[1])

    cases: ClassVar[Sequence[Case]] = (
        case(
            x=bytes_of("N", 3, 9, 11), x_scale=const(0.02, "float32"), x_zero=const(113, "uint8"),
            w=bytes_of(20, 3, 3, 3, constant=True), w_scale=const(0.01, "float32"), w_zero=const(130, "uint8"),
            y_scale=const(0.1, "float32"), y_zero=const(118, "uint8"),
            bias=weight(20, dtype="int32", low=-2000, high=2000), attributes={"pads": [1, 1, 1, 1]},
        ),
        case(
            x=bytes_of("N", 16, 7, 7, kind="int8"), x_scale=const(0.02, "float32"), x_zero=const(-9, "int8"),
            w=bytes_of(33, 16, 1, 1, kind="int8", constant=True), w_scale=weight(33, low=0.01, high=0.02), w_zero=const([0] * 33, "int8"),
            y_scale=const(0.1, "float32"), y_zero=const(5, "int8"), bias=weight(33, dtype="int32", low=-2000, high=2000),
        ),
        case(
            x=bytes_of("N", 21, 9, 8), x_scale=const(0.02, "float32"), x_zero=const(9, "uint8"),
            w=bytes_of(21, 1, 3, 3, kind="int8", constant=True), w_scale=weight(21, low=0.01, high=0.02), w_zero=const([0] * 21, "int8"),
            y_scale=const(0.1, "float32"), y_zero=const(5, "uint8"), bias=weight(21, dtype="int32", low=-2000, high=2000),
            attributes={"group": 21, "pads": [1, 0, 1, 2], "strides": [2, 1]},
        ),
        case(
            x=bytes_of(2, 20, 6, 6), x_scale=data(low=0.01, high=0.02), x_zero=data(dtype="uint8", low=0, high=255),
            w=bytes_of(20, 1, 3, 3), w_scale=data(low=0.01, high=0.02), w_zero=data(dtype="uint8", low=0, high=255),
            y_scale=data(low=0.1, high=0.2), y_zero=data(dtype="uint8", low=0, high=255), attributes={"group": 20},
        ),
        case(
            x=bytes_of(2, 8, 6, 7), x_scale=data(low=0.01, high=0.02), x_zero=data(dtype="uint8", low=0, high=255),
            w=bytes_of(12, 4, 3, 2), w_scale=data(12, low=0.01, high=0.02), w_zero=const([0] * 12, "uint8"),
            y_scale=data(low=0.1, high=0.2), y_zero=const(0, "uint8"), bias=data(12, dtype="int32", low=-2000, high=2000),
            attributes={"group": 2, "auto_pad": "SAME_UPPER", "strides": [2, 2]},
        ),
        case(
            x=bytes_of(1, 5, 12, 12), x_scale=const(0.02, "float32"), x_zero=data(dtype="uint8", low=0, high=255),
            w=bytes_of(18, 5, 3, 3, constant=True), w_scale=const(0.01, "float32"), w_zero=const(0, "uint8"),
            y_scale=const(1.0, "float32"), y_zero=const(0, "uint8"), attributes={"dilations": [2, 3]},
        ),
        case(
            x=bytes_of("N", 3, 5, 6, 7), x_scale=const(0.02, "float32"), x_zero=const(90, "uint8"),
            w=bytes_of(18, 3, 2, 1, 3, kind="int8", constant=True), w_scale=const(0.01, "float32"), w_zero=const(0, "int8"),
            y_scale=const(0.2, "float32"), y_zero=const(100, "uint8"), attributes={"strides": [1, 2, 1], "pads": [1, 0, 1, 0, 0, 1]},
        ),
    )  # fmt: skip


@operator("QLinearConv", domain="com.microsoft")
class MicrosoftQLinearConv(QLinearConv):
    """The same; with `channels_last` x is [N, spatial..., C] and y [N, spatial..., O]."""

    channels_last: int = attribute(0)

    cases = (
        case(
            x=bytes_of("N", 9, 11, 3), x_scale=const(0.02, "float32"), x_zero=const(113, "uint8"),
            w=bytes_of(20, 3, 3, 3, constant=True), w_scale=const(0.01, "float32"), w_zero=const(130, "uint8"),
            y_scale=const(0.1, "float32"), y_zero=const(118, "uint8"), bias=weight(20, dtype="int32", low=-2000, high=2000),
            attributes={"pads": [1, 1, 1, 1], "channels_last": 1},
        ),
        case(
            x=bytes_of("N", 6, 7, 7), x_scale=const(0.02, "float32"), x_zero=const(113, "uint8"),
            w=bytes_of(6, 1, 3, 3, constant=True), w_scale=const(0.01, "float32"), w_zero=const(130, "uint8"),
            y_scale=const(0.1, "float32"), y_zero=const(118, "uint8"), attributes={"group": 6},
        ),
    )  # fmt: skip
