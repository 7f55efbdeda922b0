"""Convolution and TransposedConvolution: weights packed for the kernels at conversion, images blocked by 16 channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import Writer
from onnx_bridge.ir.tensor import BLOCK, Tensor, Type
from onnx_bridge.kernel_operators.layer import Layer
from onnx_bridge.kernels.convolution import (
    CONV,
    CONV_DEPTHWISE,
    CONV_GROUPED,
    CONV_PLANAR,
    CONV_SHARED,
    CONV_TRANSPOSED,
    PANELS,
    WINOGRAD,
    interleaves,
    phases,
    winograd_tiles,
)
from onnx_bridge.library.blocked import pad_to_blocks
from onnx_bridge.library.epilogue import channel_kind, channel_operands, write_epilogue
from onnx_bridge.library.kernel import Kernel
from onnx_bridge.library.loops import add_index
from onnx_bridge.library.window import Axis, Window

#: From how many input and output channels on Winograd's transform pays for its cost.
WINOGRAD_CHANNELS = 32


@dataclass(eq=False, kw_only=True)
class BlockedKernel(Layer):
    """What both have in common: x [N, C, spatial...], y [N, O, spatial...] blocked, then the epilogue; one image a call."""

    channel_axis = 1

    window: Window = field(default_factory=lambda: Window((Axis(1, 1, 1),) * 3))
    group: int = 1
    #: Whether the pass `layout` has been here; until then all tensors are planar.
    laid_out: bool = False

    def types(self, x: Tensor, *rest: Tensor) -> Type:
        return Type(x.dtype, (x.shape[0], self.channels, *(axis.out for axis in self.window.axes[5 - x.rank :])))

    def takes_layout(self, tensor: Tensor) -> bool:
        if not self.laid_out:
            return tensor.layout == "planar"
        if tensor in (self.x, self.y):
            return tensor.layout == (self.kernel.reads if tensor is self.x else self.kernel.makes)
        return tensor.layout == "blocked" or channel_kind(tensor, self.y) == "as it is"

    def epilogue_offset(self, tensor: Tensor) -> str | None:
        return channel_kind(tensor, self.y)

    @property
    def in_channels(self) -> int:
        return int(np.asarray(self.x.shape[1]))

    @property
    def out_channels(self) -> int:
        return int(np.asarray(self.y.shape[1]))

    def function(self) -> str:
        """The kernel with its template arguments."""
        return self.kernel.function

    def packed(self) -> np.ndarray:
        """The weights as that kernel wants them."""
        raise NotImplementedError

    def scratch_sizes(self) -> list[Window | int]:
        """What the kernel's scratch memory depends on."""
        return [self.window, self.in_channels]

    def scratch_bytes(self) -> Size:
        return self.kernel.scratch_bytes(*self.scratch_sizes())

    def sizes(self) -> list[int]:
        """The channel counts that the kernel takes after the window."""
        return [self.in_channels, self.out_channels]

    def tiled_rows(self) -> Sequence[tuple[int, int, Size]] | None:
        return None

    def emit(self, cpp: Writer) -> None:
        name = self.name or self.y.name
        bias = "nullptr" if self.bias is None else cpp.weight(f"{name}_bias", pad_to_blocks(self.bias))
        weights = cpp.weight(f"{name}_weights", self.packed())
        x, y, images = self.x, self.y, self.y.shape[0]
        with cpp.block(""):
            window = self.window.declare(cpp)
            if images == 1:
                self._call(cpp, window, weights, bias, "0", "", "")
                return
            image = cpp.local("image")
            x_step = dims.product(x.shape[2:]) * (dims.ceil_div(x.shape[1], BLOCK) * BLOCK if x.layout == "blocked" else x.shape[1])
            y_step = dims.product(y.shape[2:]) * dims.ceil_div(y.shape[1], BLOCK) * BLOCK
            with cpp.block(f"for (Size {image} = 0; {image} < {cpp.size(images)}; {image}++)"):
                self._call(cpp, window, weights, bias, image, add_index(cpp, image, x_step), add_index(cpp, image, y_step))

    def _call(self, cpp: Writer, window: str, weights: str, bias: str, image: str, x_offset: str, y_offset: str) -> None:
        epilogue = write_epilogue(cpp, self, channel_operands(cpp, self, image))
        scratch = [] if self.kernel.scratch is None else [self._scratch(cpp)]
        x, y = cpp.pointer(self.x) + x_offset, cpp.pointer(self.y) + y_offset
        cpp.call(self.function(), window, *self.sizes(), x, weights, bias, y, *scratch, epilogue)

    def _scratch(self, cpp: Writer) -> str:
        return "nullptr" if self.scratch_bytes() == 0 else f"reinterpret_cast<float*>({cpp.scratch()})"


@dataclass(eq=False, kw_only=True)
class Convolution(BlockedKernel):
    """An ordinary convolution; weights [O, C / group, kernel...]."""

    op_type = "Convolution"
    weights_axis = 0

    @property
    def kernel(self) -> Kernel:
        depth, height, width = self.window.axes
        if self.group > 1:
            c, o = self.weights.shape[1], self.out_channels // self.group
            if c == o == 1:
                return CONV_DEPTHWISE
            return CONV_SHARED if c == 1 or interleaves(c, o) else CONV_GROUPED
        if self.x.layout == CONV_PLANAR.reads:
            return CONV_PLANAR
        three = (height.kernel, width.kernel, depth.kernel) == (3, 3, 1)
        plain = all(axis.stride == axis.dilation == 1 for axis in self.window.axes)
        if three and plain and min(self.in_channels, self.out_channels) >= WINOGRAD_CHANNELS and self.window.axes[0].size == 1:
            return WINOGRAD
        return CONV

    def takes_planar(self) -> bool:
        """Whether the kernel for planar images serves: few channels, and no others to block them with."""
        return self.group == 1 and self.in_channels < BLOCK

    def function(self) -> str:
        kernel, width = self.kernel, self.window.axes[2]
        stride = f"Const<{width.stride}>" if width.stride <= 2 else "Size"
        if kernel is WINOGRAD:
            return kernel.function
        if kernel is CONV_DEPTHWISE:
            fixed = width.kernel in (3, 5) and width.stride <= 2 and width.dilation == 1
            fixed = fixed and _below(width.pad, width.kernel) and _below(width.pad_end, width.kernel)
            return f"{kernel.function}<Const<{width.kernel}>, {stride}>" if fixed else f"{kernel.function}<Size, Size>"
        return f"{kernel.function}<{stride}>"

    def sizes(self) -> list[int]:
        if self.kernel is CONV_DEPTHWISE:
            return [self.out_channels]
        return [self.group, *super().sizes()] if self.kernel in (CONV_GROUPED, CONV_SHARED) else super().sizes()

    def scratch_sizes(self) -> list[Window | int]:
        if self.kernel is WINOGRAD:
            return [self.in_channels, self.out_channels]
        return [self.window, *self.sizes()] if self.kernel in (CONV_GROUPED, CONV_SHARED) else super().scratch_sizes()

    def tiled_rows(self) -> Sequence[tuple[int, int, Size]] | None:
        if self.kernel is CONV_DEPTHWISE:
            return ()
        if self.kernel not in (WINOGRAD, CONV, CONV_PLANAR):
            return None
        depth, height, width = (axis.out for axis in self.window.axes)
        rows: list[Size] = [width]
        if self.kernel is WINOGRAD:
            count, most = dims.ceil_div(height, 2) * dims.ceil_div(width, 2), winograd_tiles(self.in_channels, self.out_channels)
            rows = [most, count % most]
        elif self.kernel is CONV and self.window.axes[2].kernel == 1:  # pixels may follow one another
            rows = [width, depth * height * width]
        blocks = int(np.asarray(dims.ceil_div(self.out_channels, BLOCK)))
        vectors = [2] * (blocks > 1) + [1] * (blocks % 2)
        return [(1 if self.kernel is CONV_PLANAR else BLOCK, count, row) for count in vectors for row in rows if row != 0]

    def packed(self) -> np.ndarray:
        packing = self.kernel.packing
        assert packing is not None
        o, c = self.weights.shape[:2]
        taps: np.ndarray = self.weights.reshape(o, c, *(axis.kernel for axis in self.window.axes))
        if self.kernel is WINOGRAD:
            taps = winograd_weights(taps[:, :, 0])
        if self.kernel is CONV_GROUPED:
            taps = taps.reshape(self.group, -1, *taps.shape[1:])
        return packing.pack(taps)


@dataclass(eq=False, kw_only=True)
class TransposedConvolution(BlockedKernel):
    """A transposed convolution of one group; weights [C, O, kernel...]."""

    op_type = "TransposedConvolution"
    weights_axis = 1

    @property
    def kernel(self) -> Kernel:
        return CONV_TRANSPOSED

    def packed(self) -> np.ndarray:
        """The phases one after the other; each an ordinary kernel of the taps that reach it, in falling order."""
        c, o = self.weights.shape[:2]
        taps = self.weights.transpose(1, 0, *range(2, self.weights.ndim)).reshape(o, c, *(axis.kernel for axis in self.window.axes))
        depth, height, width = (phases(axis).values() for axis in self.window.axes)
        parts = [PANELS.pack(taps[:, :, z][:, :, :, y][:, :, :, :, x]).reshape(-1) for z in depth for y in height for x in width]
        return np.concatenate(parts)


def _below(size: Size, limit: Size) -> bool:
    return isinstance(size, int) and isinstance(limit, int) and size < limit


def winograd_weights(taps: np.ndarray) -> np.ndarray:
    """[O, C, 3, 3] as G g G^T in double, rounded once: [O, C, 16]."""
    g = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
    transformed: np.ndarray = np.einsum("ay,ocyx,bx->oabc", g, taps.astype(np.float64), g).transpose(0, 3, 1, 2).astype(np.float32)
    return transformed.reshape(*transformed.shape[:2], 16)
