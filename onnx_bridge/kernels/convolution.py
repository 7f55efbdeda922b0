"""The convolutions: conv.hxx and its kin. All sum float32 and make blocked images; the epilogue reads float32."""

from __future__ import annotations

from functools import partial

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32, float64
from onnx_bridge.ir.tensor import BLOCK
from onnx_bridge.kernels.product import matmul_scratch
from onnx_bridge.library.kernel import Kernel, Packing
from onnx_bridge.library.window import Axis, Window

#: conv_pixels of conv_tile.hxx at its largest: what one tile's scratch is planned for.
MOST_PIXELS = 14

_Convolution = partial(Kernel, reads="blocked", makes="blocked", epilogue=(float32,))
_TAP = "(kd_ * kh + kh_) * kw + kw_"

#: Weights [O, C, kd, kh, kw] in whole blocks of both.
PANELS = Packing("O C kd kh kw", "O/16 C/16 kd kh kw C%16 O%16", f"conv_packed_at(C, 16, kd * kh * kw, O_, C_, {_TAP})")
#: The same for a planar input: channel by channel.
PLANAR_PANELS = Packing("O C kd kh kw", "O/16 C kd kh kw O%16", f"conv_packed_at(C, 1, kd * kh * kw, O_, C_, {_TAP})")
#: The same where the channels of a group, C of them, lie in one block with those of others.
SHARED_PANELS = Packing("O C kd kh kw", "O/16 kd kh kw C O%16", f"conv_packed_at(C, C, kd * kh * kw, O_, C_, {_TAP})")
#: Weights [G, O, C, kd, kh, kw] of G groups, each in whole blocks of its own.
GROUPED_PANELS = Packing(
    "G O C kd kh kw",
    "G O/16 C/16 kd kh kw C%16 O%16",
    f"G_ * conv_packed(O, C, 16, kd * kh * kw) + conv_packed_at(C, 16, kd * kh * kw, O_, C_, {_TAP})",
)
#: Transformed weights [O, C, P], P = 16 positions.
WINOGRAD_PANELS = Packing("O C P", "P O/16 C/16 C%16 O%16", "P_ * conv_packed(O, C, 16, 1) + conv_packed_at(C, 16, 1, O_, C_, 0)")


def blocks_of(channels: int) -> int:
    """How many blocks hold so many channels."""
    return -(-channels // BLOCK)


def conv_scratch(window: Window, in_channels: int) -> Size:
    """The image with zeros around it, where an output may read them."""
    if window.unpadded:
        return 0
    return blocks_of(in_channels) * BLOCK * dims.product(axis.extent for axis in window.axes)


def conv_planar_scratch(window: Window, in_channels: int) -> Size:
    """The window of one tile."""
    depth, height, width = window.axes
    patch = (MOST_PIXELS - 1) * width.stride + (width.kernel - 1) * width.dilation + 1
    return in_channels * depth.kernel * height.kernel * patch


def winograd_tiles(in_channels: int, out_channels: int) -> int:
    """Tiles of one pass."""
    blocks = blocks_of(in_channels) + blocks_of(out_channels)
    return min(max(9600 // (16 * blocks) // 14 * 14, 14), 112)


def winograd_scratch(in_channels: int, out_channels: int) -> Size:
    """The transformed inputs and the products of one pass."""
    return 16 * winograd_tiles(in_channels, out_channels) * 16 * (blocks_of(in_channels) + blocks_of(out_channels))


def interleaves(c: int, o: int) -> bool:
    """Whether groups of c input and o output channels are computed side by side in one block of channels."""
    return c & (c - 1) == 0 and o & (o - 1) == 0 and c <= 8 and c <= o


def conv_grouped_scratch(window: Window, groups: int, in_channels: int, out_channels: int) -> Size:
    """The image as conv() wants it, or images of one group and what conv() needs for them."""
    c, o = in_channels // groups, out_channels // groups
    if interleaves(c, o):
        return conv_scratch(window, in_channels)
    return (blocks_of(c) * window.inputs + blocks_of(o) * window.outputs) * BLOCK + conv_scratch(window, c)


def conv_transposed_scratch(window: Window, in_channels: int) -> Size:
    """The image with the zeros around it that any phase reads."""
    return blocks_of(in_channels) * BLOCK * dims.product(_phases_extent(axis) for axis in window.axes)


def phases(axis: Axis) -> dict[int, list[int]]:
    """The phases of a transposed convolution that taps reach, in rising order, with these taps in falling order.

    A stride may be far larger than there are taps.
    """
    pad = int(np.asarray(axis.pad))
    found: dict[int, list[int]] = {}
    for tap in reversed(range(int(np.asarray(axis.kernel)))):
        found.setdefault((tap * axis.dilation - pad) % axis.stride, []).append(tap)
    return dict(sorted(found.items()))


def _phases_extent(axis: Axis) -> Size:
    """Positions of the row, with zeros around, that serves all phases: phases_placement() of conv_transposed.hxx."""
    pad = int(np.asarray(axis.pad))
    before, after = 0, axis.size
    for p, taps in phases(axis).items():
        out = dims.floor_div(axis.out - p + axis.stride - 1, axis.stride)
        if isinstance(out, int) and out <= 0:
            continue
        dilation = (taps[0] - taps[1]) * axis.dilation // axis.stride if len(taps) > 1 else 1
        phase_pad = (taps[0] * axis.dilation - p - pad) // axis.stride
        before = max(before, phase_pad)
        after = dims.maximum(after, out - 1 + (len(taps) - 1) * dilation + 1 - phase_pad)
    return before + after


def conv_any_scratch(window: Window, groups: Size, in_channels: Size, out_channels: Size) -> Size:
    """The windows of 256 places as columns, and what their product needs."""
    terms, places = dims.floor_div(in_channels, groups) * window.taps, dims.minimum(window.outputs, 256)
    return terms * places + matmul_scratch(dims.floor_div(out_channels, groups), places, terms)


def conv_transposed_any_scratch(window: Window, groups: Size, in_channels: Size, out_channels: Size) -> Size:
    """What every input gives every tap, of one group, and what that product needs."""
    rows = dims.floor_div(out_channels, groups) * window.taps
    return rows * window.inputs + matmul_scratch(rows, window.inputs, dims.floor_div(in_channels, groups))


CONV = _Convolution("conv", "conv.hxx", packing=PANELS, scratch=conv_scratch)
CONV_PLANAR = _Convolution("conv_planar", "conv_planar.hxx", reads="planar", packing=PLANAR_PANELS, scratch=conv_planar_scratch)
CONV_DEPTHWISE = _Convolution("conv_depthwise", "conv_depthwise.hxx", packing=SHARED_PANELS)
CONV_GROUPED = _Convolution("conv_grouped", "conv_grouped.hxx", packing=GROUPED_PANELS, scratch=conv_grouped_scratch)
#: The same function for groups that share a block on the way in: of one channel, or side by side.
CONV_SHARED = _Convolution("conv_grouped", "conv_grouped.hxx", packing=SHARED_PANELS, scratch=conv_grouped_scratch)
CONV_TRANSPOSED = _Convolution("conv_transposed", "conv_transposed.hxx", packing=PANELS, scratch=conv_transposed_scratch)
WINOGRAD = _Convolution("winograd", "winograd.hxx", packing=WINOGRAD_PANELS, scratch=winograd_scratch)
#: By weights that are known only at run time, over planar images.
CONV_ANY = Kernel("conv_any", "conv_any.hxx", scratch=conv_any_scratch)
CONV_TRANSPOSED_ANY = Kernel("conv_transposed_any", "conv_any.hxx", scratch=conv_transposed_any_scratch)
CONV_DOUBLES = Kernel("conv_doubles", "window_doubles.hxx", types=(float64,))
CONV_TRANSPOSED_DOUBLES = Kernel("conv_transposed_doubles", "window_doubles.hxx", types=(float64,))
