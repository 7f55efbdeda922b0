"""Windows: what convolutions and poolings have in common, kernel sizes, strides, dilations, pads, and the sizes that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import Writer
from onnx_bridge.ir.tensor import ShapeError, Tensor, fits


@dataclass(frozen=True)
class Axis:
    """One spatial axis: output position o reads the inputs o * stride - pad + k * dilation, 0 <= k < kernel."""

    size: Size
    out: Size
    kernel: Size
    stride: int = 1
    dilation: int = 1
    pad: Size = 0
    pad_end: Size = 0

    @property
    def extent(self) -> Size:
        """How many positions, padding included, the outputs read."""
        return (self.out - 1) * self.stride + (self.kernel - 1) * self.dilation + 1

    @property
    def room(self) -> Size:
        """How many positions are left beside one window, padding included; negative where none fits."""
        return self.size + self.pad + self.pad_end - (self.kernel - 1) * self.dilation - 1

    @property
    def unpadded(self) -> bool:
        """Whether no output reads padding, as far as constants tell."""
        return self.pad == 0 and self.pad_end == 0

    def cpp(self, cpp: Writer) -> str:
        return "{" + ", ".join(cpp.size(value) for value in self.numbers) + "}"

    @property
    def numbers(self) -> tuple[Size, ...]:
        """The fields of the C++ struct, in its order."""
        return self.size, self.out, self.kernel, self.stride, self.dilation, self.pad, self.pad_end


#: A dimension that a 1-D or 2-D window does not have.
NONE = Axis(1, 1, 1)


@dataclass(frozen=True)
class Window:
    """Depth, height, width; the dimensions that are not there are of size one."""

    axes: tuple[Axis, Axis, Axis]

    @property
    def inputs(self) -> Size:
        return dims.product(axis.size for axis in self.axes)

    @property
    def outputs(self) -> Size:
        return dims.product(axis.out for axis in self.axes)

    @property
    def taps(self) -> Size:
        return self.axes[0].kernel * self.axes[1].kernel * self.axes[2].kernel

    @property
    def unpadded(self) -> bool:
        return all(axis.unpadded for axis in self.axes)

    def declare(self, cpp: Writer) -> str:
        """Declares the window as a C++ constant and returns its name.

        One of numbers alone is static: GCC follows what is written to the stack through a whole network, which took it 10 of 27 seconds for
        densenet121.
        """
        name = cpp.local("window")
        known = all(isinstance(number, int) for axis in self.axes for number in axis.numbers)
        kind = "static constexpr Window" if known else "const Window"
        cpp.line(f"{kind} {name} = {{{', '.join(axis.cpp(cpp) for axis in self.axes)}}};")
        return name


def window(axes: Sequence[Axis]) -> Window:
    """A window of one, two or three axes.

    Raises:
        ShapeError: there are more.
    """
    if not 1 <= len(axes) <= 3:
        raise ShapeError(f"windows have one, two or three spatial dimensions, got {len(axes)}")
    first, second, third = (*[NONE] * (3 - len(axes)), *axes)
    return Window((first, second, third))


def spread(values: Sequence[int] | None, rank: int, default: int, what: str) -> list[int]:
    """An attribute with one value a spatial axis, or its default."""
    given = list(values) if values else [default] * rank
    if len(given) != rank:
        raise ShapeError(f"{what} must have {rank} values, got {given}")
    if default == 1 and any(value < 1 for value in given):
        raise ShapeError(f"{what} must be positive, got {given}")
    return given


def kernel_sizes(weights: Tensor, kernel_shape: Sequence[int] | None) -> Sequence[Size]:
    """The taps along each spatial axis: those of weights [O, C, kernel...], which an attribute may say again.

    Raises:
        ShapeError: it says something else.
    """
    sizes = weights.shape[2:]
    if not kernel_shape:
        return sizes
    try:
        fits(weights, (*weights.shape[:2], *kernel_shape), "weights")
    except ShapeError:
        raise ShapeError(f"kernel_shape {kernel_shape} is not that of the weights, {list(sizes)}") from None
    return sizes


def sliding_axes(
    spatial: Sequence[Size],
    kernel: Sequence[Size],
    strides: Sequence[int] | None,
    dilations: Sequence[int] | None,
    pads: Sequence[int] | None,
    auto_pad: str,
    ceil_mode: bool = False,
) -> list[Axis]:
    """The axes of a convolution or pooling over `spatial`.

    auto_pad: NOTSET (pads given), VALID (none), SAME_UPPER, SAME_LOWER (output is ceil(input / stride), the odd position of
    padding at the end or at the beginning). ceil_mode: a last window that hangs over the end counts, unless it begins in the padding.
    An open size is one that the window fits into: a condition, where the stride is more than 1.

    Raises:
        ShapeError: an attribute does not fit the input's rank.
    """
    rank = len(spatial)
    if len(kernel) != rank:
        raise ShapeError(f"kernel_shape must have {rank} values, got {list(kernel)}")
    steps, spacing = spread(strides, rank, 1, "strides"), spread(dilations, rank, 1, "dilations")
    given = list(pads) if pads else [0] * (2 * rank)
    if len(given) != 2 * rank:
        raise ShapeError(f"pads must have {2 * rank} values, got {given}")
    axes = []
    for i, size in enumerate(spatial):
        reach = (kernel[i] - 1) * spacing[i] + 1
        before: Size = given[i]
        after: Size = given[rank + i]
        if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
            out = dims.ceil_div(size, steps[i])
            total = dims.maximum((out - 1) * steps[i] + reach - size, 0)
            half = dims.floor_div(total, 2)
            before, after = (half, total - half) if auto_pad == "SAME_UPPER" else (total - half, half)
        else:
            if auto_pad == "VALID":
                before = after = 0
            out = _places(size + before, after, reach, steps[i], ceil_mode)
        if isinstance(out, int) and out < 0:
            raise ShapeError(f"a window of {reach} positions does not fit into {size} with pads {before} and {after}")
        axes.append(Axis(size, out, kernel[i], steps[i], spacing[i], before, after))
    return axes


def _places(size: Size, after: Size, reach: Size, stride: int, ceil_mode: bool) -> Size:
    """How many windows of `reach` positions begin on `size` positions (padding before them included) with `after` of padding behind.

    Of a window that is larger than all of that ONNX says floor(-1 / 2) + 1 = 0, while onnxruntime divides towards zero and takes one
    that hangs over the end: so does this where the size is known; an open size must have room for one.
    """
    room = size + after - reach
    if stride > 1:
        dims.assume(room)
    if isinstance(room, int) and room < 0:
        return 1 - -room // stride
    if not ceil_mode or stride == 1:
        return dims.floor_div(room, stride) + 1
    return dims.minimum(dims.ceil_div(room, stride) + 1, dims.floor_div(size - 1, stride) + 1)
