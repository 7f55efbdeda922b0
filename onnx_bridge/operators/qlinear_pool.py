"""QLinearAveragePool and QLinearGlobalAveragePool of com.microsoft: averages of bytes that have scales and zero points."""

from __future__ import annotations

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, Type
from onnx_bridge.library.loops import add_index
from onnx_bridge.library.window import Window, sliding_axes, window
from onnx_bridge.operators.cases import case, const, data
from onnx_bridge.operators.integer_product import check_one, scalar_of
from onnx_bridge.operators.matmul_integer import BYTES, bytes_of


class QuantizedPool(ROperator):
    """What both have in common: x [N, C, spatial...], or with `channels_last` [N, spatial..., C]; scales and zero points."""

    kernels = ("quantized_pool.hxx",)
    computes = (BYTES, (float32,), BYTES, (float32,), BYTES)

    channels_last: int
    #: 128 has int8 rounded as the uint8 that are so much more: what onnxruntime makes of int8 in QDQ nets.
    shift = 0

    def check(self, x: Tensor, x_scale: Tensor, x_zero: Tensor | None, y_scale: Tensor, y_zero: Tensor | None) -> None:
        """Holds the inputs against each other."""
        if x.rank < 3:
            raise ShapeError(f"x must have spatial axes, got {x.type}")
        check_one(x_scale, "the scale of x")
        check_one(y_scale, "the scale of y")
        for tensor, what in ((x_zero, "x"), (y_zero, "y")):
            if tensor is not None:
                check_one(tensor, f"the zero point of {what}")
                if tensor.dtype is not x.dtype:
                    raise ShapeError(f"the zero point of {what} must be of x's type, {x.dtype}, got {tensor.dtype}")

    def parted(self) -> tuple[Size, Size, Shape]:
        """Images, channels and spatial sizes of x."""
        first, *rest = self.x.shape
        return (first, rest[-1], tuple(rest[:-1])) if self.channels_last else (first, rest[0], tuple(rest[1:]))

    def shape(self, spatial: Shape) -> Shape:
        """The shape of y."""
        first, channels, _ = self.parted()
        return (first, *spatial, channels) if self.channels_last else (first, channels, *spatial)

    def sides(self, cpp: Writer) -> tuple[str, str]:
        """Scale and zero point of x and of y."""
        _, x_scale, x_zero, y_scale, y_zero = (scalar_of(cpp, tensor) if i else "" for i, tensor in enumerate(self.arguments(5)))
        return f"Quantization{{{x_scale}, {x_zero}}}", f"Quantization{{{y_scale}, {y_zero}}}"

    def global_average(self, cpp: Writer) -> None:
        """The call for whole images."""
        images, channels, spatial = self.parted()
        cpp.call(
            "quantized_global_average", images, dims.product(spatial), channels, *self.sides(cpp), self.x, self.y, bool(self.channels_last)
        )


@operator("QLinearGlobalAveragePool", domain="com.microsoft")
class QLinearGlobalAveragePool(QuantizedPool):
    """y = the mean over all spatial axes, which stay as ones."""

    channels_last: int = attribute(0)

    def types(self, x: Tensor, x_scale: Tensor, x_zero: Tensor | None, y_scale: Tensor, y_zero: Tensor | None = None) -> Type:
        self.check(x, x_scale, x_zero, y_scale, y_zero)
        return Type(x.dtype, self.shape((1,) * (x.rank - 2)))

    def emit(self, cpp: Writer) -> None:
        self.global_average(cpp)

    cases = (
        case(
            x=bytes_of("N", 21, 7, 8), x_scale=const(0.1, "float32"), x_zero=const(7, "uint8"), y_scale=const(0.07, "float32"),
            y_zero=const(9, "uint8"),
        ),
        case(
            x=bytes_of(3, 7, 8, 21, kind="int8"), x_scale=data(low=0.1, high=0.2), x_zero=const(-7, "int8"),
            y_scale=data(low=0.1, high=0.2), y_zero=data(dtype="int8", low=-9, high=9), attributes={"channels_last": 1},
        ),
    )  # fmt: skip


@operator("QLinearAveragePool", domain="com.microsoft")
class QLinearAveragePool(QuantizedPool):
    """y = the mean of each window; count_include_pad says whether padding counts as zeros or not at all."""

    auto_pad: str = attribute("NOTSET")
    ceil_mode: int = attribute(0)
    channels_last: int = attribute(0)
    count_include_pad: int = attribute(0)
    kernel_shape: list[int] = attribute()
    pads: list[int] | None = attribute(None)
    strides: list[int] | None = attribute(None)

    def types(self, x: Tensor, x_scale: Tensor, x_zero: Tensor | None, y_scale: Tensor, y_zero: Tensor | None = None) -> Type:
        self.check(x, x_scale, x_zero, y_scale, y_zero)
        return Type(x.dtype, self.shape(tuple(axis.out for axis in self.window().axes[5 - x.rank :])))

    def window(self) -> Window:
        """The window over x."""
        _, _, spatial = self.parted()
        kernel = list(self.kernel_shape)
        return window(sliding_axes(spatial, kernel, self.strides, None, self.pads, self.auto_pad, bool(self.ceil_mode)))

    def emit(self, cpp: Writer) -> None:
        images, channels, spatial = self.parted()
        window_ = self.window()
        if list(spatial) == list(self.kernel_shape) and window_.unpadded:
            self.global_average(cpp)
            return
        with cpp.block(""):
            name = window_.declare(cpp)
            sides, whole = self.sides(cpp), bool(self.count_include_pad)
            if not self.channels_last:
                cpp.call("quantized_average", name, images * channels, whole, self.shift, *sides, self.x, self.y, 1)
                return
            index = cpp.local("image")
            with cpp.block(f"for (Size {index} = 0; {index} < {cpp.size(images)}; {index}++)"):
                x = cpp.pointer(self.x) + add_index(cpp, index, channels * window_.inputs)
                y = cpp.pointer(self.y) + add_index(cpp, index, channels * window_.outputs)
                cpp.call("quantized_average", name, channels, whole, self.shift, *sides, x, y, channels)

    cases = (
        case(
            x=bytes_of("N", 5, 9, 11), x_scale=const(0.1, "float32"), x_zero=const(7, "uint8"), y_scale=const(0.07, "float32"),
            y_zero=const(9, "uint8"), attributes={"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
        ),
        case(
            x=bytes_of(2, 9, 11, 5, kind="int8"), x_scale=data(low=0.1, high=0.2), x_zero=const(-7, "int8"),
            y_scale=const(0.07, "float32"), y_zero=const(9, "int8"),
            attributes={"kernel_shape": [3, 2], "pads": [1, 1, 1, 0], "channels_last": 1, "count_include_pad": 1, "strides": [2, 1]},
        ),
        case(
            x=bytes_of(2, 6, 8, 8), x_scale=const(0.1, "float32"), x_zero=const(7, "uint8"), y_scale=const(0.07, "float32"),
            y_zero=const(9, "uint8"), attributes={"kernel_shape": [8, 8]},
        ),
        case(
            x=bytes_of(2, 3, 20), x_scale=const(0.1, "float32"), x_zero=const(7, "uint8"), y_scale=const(0.1, "float32"),
            y_zero=const(9, "uint8"), attributes={"kernel_shape": [4], "strides": [3], "ceil_mode": 1},
        ),
    )  # fmt: skip
