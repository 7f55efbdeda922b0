"""Convolution and TransposedConvolution: weights packed for the kernels at conversion, images blocked by 16 channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import Writer
from onnx_bridge.ir.tensor import BLOCK, Tensor
from onnx_bridge.library.blocked import pad_to_blocks
from onnx_bridge.library.epilogue import Fusable, channel_kind, channel_operands, write_epilogue
from onnx_bridge.library.loops import add_index
from onnx_bridge.library.window import Axis, Window

#: From how many input and output channels on Winograd's transform pays for its cost.
WINOGRAD_CHANNELS = 32


@dataclass(eq=False, kw_only=True)
class BlockedKernel(Fusable):
    """What both have in common: x [N, C, spatial...], y [N, O, spatial...] blocked, then the epilogue; one image a call."""

    weights: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    bias: np.ndarray | None = None
    window: Window = field(default_factory=lambda: Window((Axis(1, 1, 1),) * 3))
    group: int = 1

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
        raise NotImplementedError

    def packed(self) -> np.ndarray:
        """The weights as that kernel wants them."""
        raise NotImplementedError

    def sizes(self) -> list[int]:
        """The channel counts that the kernel takes after the window."""
        return [self.in_channels, self.out_channels]

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
        scratch = [] if self.scratch_bytes() is None else [self._scratch(cpp)]
        x, y = cpp.pointer(self.x) + x_offset, cpp.pointer(self.y) + y_offset
        cpp.call(self.function(), window, *self.sizes(), x, weights, bias, y, *scratch, epilogue)

    def _scratch(self, cpp: Writer) -> str:
        return "nullptr" if self.scratch_bytes() == 0 else f"reinterpret_cast<float*>({cpp.scratch()})"


@dataclass(eq=False, kw_only=True)
class Convolution(BlockedKernel):
    """An ordinary convolution; weights [O, C / group, kernel...]."""

    op_type = "Convolution"

    def kernel_files(self) -> Sequence[str]:
        return [f"{self.kind}.hxx", "epilogue.hxx", *super().kernel_files()]

    @property
    def kind(self) -> str:
        """The kernel, chosen by the layer's constants alone."""
        depth, height, width = self.window.axes
        if self.group > 1:
            depthwise = self.group == self.in_channels == self.out_channels
            return "conv_depthwise" if depthwise else "conv_grouped"
        if self.x.layout == "planar":
            return "conv_planar"
        three = (height.kernel, width.kernel, depth.kernel) == (3, 3, 1)
        plain = all(axis.stride == axis.dilation == 1 for axis in self.window.axes)
        if three and plain and min(self.in_channels, self.out_channels) >= WINOGRAD_CHANNELS and self.window.axes[0].size == 1:
            return "winograd"
        return "conv"

    def takes_planar(self) -> bool:
        """Whether the kernel for planar images serves: few channels, and no others to block them with."""
        return self.group == 1 and self.in_channels < BLOCK

    @property
    def interleaves(self) -> bool:
        """Whether several groups are computed side by side in one block of channels: the rule of conv_interleaved.hxx."""
        c, o = self.weights.shape[1], self.out_channels // self.group
        return c & (c - 1) == 0 and o & (o - 1) == 0 and c <= 8 and c <= o

    def function(self) -> str:
        width = self.window.axes[2]
        stride = f"Const<{width.stride}>" if width.stride <= 2 else "Size"
        if self.kind == "winograd":
            return "winograd"
        if self.kind == "conv_depthwise":
            fixed = width.kernel in (3, 5) and width.stride <= 2 and width.dilation == 1 and _below(width.pad, width.kernel)
            fixed = fixed and _below(width.pad_end, width.kernel)
            return f"conv_depthwise<Const<{width.kernel}>, {stride}>" if fixed else "conv_depthwise<Size, Size>"
        return f"{self.kind}<{stride}>"

    def sizes(self) -> list[int]:
        if self.kind == "conv_depthwise":
            return [self.out_channels]
        return [self.group, *super().sizes()] if self.kind == "conv_grouped" else super().sizes()

    def packed(self) -> np.ndarray:
        o, c = self.weights.shape[:2]
        taps = self.weights.reshape(o, c, *(axis.kernel for axis in self.window.axes))
        if self.kind == "winograd":
            return pack_winograd(taps[:, :, 0])
        if self.kind == "conv_planar":
            blocks = pad_axis(taps, 0).reshape(-1, BLOCK, c, *taps.shape[2:])
            return np.ascontiguousarray(blocks.transpose(0, 2, 3, 4, 5, 1))
        if self.group > 1 and (c == 1 or self.interleaves):
            blocks = pad_axis(taps, 0).reshape(-1, BLOCK, *taps.shape[1:])
            return np.ascontiguousarray(blocks.transpose(0, 3, 4, 5, 2, 1))
        if self.group > 1:
            return np.stack([pack_panels(part) for part in np.split(taps, self.group)])
        return pack_panels(taps)

    def scratch_bytes(self) -> Size:
        kind, w = self.kind, self.window
        if kind == "conv_planar":
            depth, height, width = w.axes
            patch = (14 - 1) * width.stride + (width.kernel - 1) * width.dilation + 1
            return 4 * self.in_channels * depth.kernel * height.kernel * patch
        if kind == "winograd":
            blocks = _blocks(self.in_channels) + _blocks(self.out_channels)
            tiles = min(max(9600 // (16 * blocks) // 14 * 14, 14), 112)
            return 4 * 16 * tiles * 16 * blocks
        if kind == "conv_grouped" and self.interleaves:
            return 4 * self._haloed(self.in_channels)
        if kind == "conv_grouped":
            c, o = self.in_channels // self.group, self.out_channels // self.group
            return 4 * ((_blocks(c) * w.inputs + _blocks(o) * w.outputs) * BLOCK + self._haloed(c))
        return 0 if kind == "conv_depthwise" else 4 * self._haloed(self.in_channels)

    def _haloed(self, channels: int) -> Size:
        """Floats of the zero-padded copy of an image."""
        if self.window.unpadded:
            return 0
        return _blocks(channels) * BLOCK * dims.product(axis.extent for axis in self.window.axes)

    def _call(self, cpp: Writer, window: str, weights: str, bias: str, image: str, x_offset: str, y_offset: str) -> None:
        if self.kind != "conv_depthwise":
            super()._call(cpp, window, weights, bias, image, x_offset, y_offset)
            return
        epilogue = write_epilogue(cpp, self, channel_operands(cpp, self, image))
        x, y = cpp.pointer(self.x) + x_offset, cpp.pointer(self.y) + y_offset
        cpp.call(self.function(), window, *self.sizes(), x, weights, bias, y, epilogue)


@dataclass(eq=False, kw_only=True)
class TransposedConvolution(BlockedKernel):
    """A transposed convolution of one group; weights [C, O, kernel...]."""

    op_type = "TransposedConvolution"
    kernels = ("conv_transposed.hxx",)

    def function(self) -> str:
        return "conv_transposed"

    def packed(self) -> np.ndarray:
        """The phases one after the other; each an ordinary kernel of the taps that reach it, in falling order."""
        c, o = self.weights.shape[:2]
        taps = self.weights.transpose(1, 0, *range(2, self.weights.ndim)).reshape(o, c, *(axis.kernel for axis in self.window.axes))
        depth, height, width = (_phases(axis).values() for axis in self.window.axes)
        parts = [pack_panels(taps[:, :, z][:, :, :, y][:, :, :, :, x]).reshape(-1) for z in depth for y in height for x in width]
        return np.concatenate(parts)

    def scratch_bytes(self) -> Size:
        return 4 * _blocks(self.in_channels) * BLOCK * dims.product(_phases_extent(axis) for axis in self.window.axes)


def _phases(axis: Axis) -> dict[int, list[int]]:
    """The phases that taps reach, in rising order, with these, in falling order; a stride may be far larger than there are taps."""
    pad = int(np.asarray(axis.pad))
    phases: dict[int, list[int]] = {}
    for tap in reversed(range(axis.kernel)):
        phases.setdefault((tap * axis.dilation - pad) % axis.stride, []).append(tap)
    return dict(sorted(phases.items()))


def _phases_extent(axis: Axis) -> Size:
    """phases_placement() of conv_transposed.hxx: positions of the zero-haloed row that serves all phases."""
    pad = int(np.asarray(axis.pad))
    before, after = 0, axis.size
    for p, taps in _phases(axis).items():
        out = dims.floor_div(axis.out - p + axis.stride - 1, axis.stride)
        if isinstance(out, int) and out <= 0:
            continue
        dilation = (taps[0] - taps[1]) * axis.dilation // axis.stride if len(taps) > 1 else 1
        phase_pad = (taps[0] * axis.dilation - p - pad) // axis.stride
        before = max(before, phase_pad)
        after = dims.maximum(after, out - 1 + (len(taps) - 1) * dilation + 1 - phase_pad)
    return before + after


def _blocks(channels: int) -> int:
    return -(-channels // BLOCK)


def _below(size: Size, limit: int) -> bool:
    return isinstance(size, int) and size < limit


def pad_axis(array: np.ndarray, axis: int) -> np.ndarray:
    """Zeros at the end of an axis up to a multiple of 16."""
    width = [(0, 0)] * array.ndim
    width[axis] = (0, -array.shape[axis] % BLOCK)
    return np.pad(array, width)


def pack_panels(taps: np.ndarray) -> np.ndarray:
    """[O, C, kd, kh, kw] as [ceil(O/16)][ceil(C/16)][kd][kh][kw][16 of C][16 of O]."""
    padded = pad_axis(pad_axis(taps, 0), 1)
    o, c, *kernel = padded.shape
    return np.ascontiguousarray(padded.reshape(o // BLOCK, BLOCK, c // BLOCK, BLOCK, *kernel).transpose(0, 2, 4, 5, 6, 3, 1))


def pack_winograd(taps: np.ndarray) -> np.ndarray:
    """[O, C, 3, 3] as G g G^T in double, rounded once: [16][ceil(O/16)][ceil(C/16)][16 of C][16 of O]."""
    g = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
    transformed = np.einsum("ay,ocyx,bx->oabc", g, taps.astype(np.float64), g).transpose(0, 3, 1, 2).astype(np.float32)
    o, c = transformed.shape[:2]
    panels = pack_panels(transformed.reshape(o, c, 16, 1, 1))
    return np.ascontiguousarray(panels[:, :, :, 0, 0].transpose(2, 0, 1, 3, 4))
