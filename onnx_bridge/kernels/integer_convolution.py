"""Convolutions of bytes (integer_conv.hxx), and how their constant weights lie."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import int8, uint8
from onnx_bridge.library.kernel import Kernel
from onnx_bridge.library.window import Window


def integer_conv_scratch(window: Window, channels: Size) -> Size:
    """The image with what lies around it, and some more to read."""
    return dims.ceil_div(dims.product(dims.maximum(axis.extent, 0) for axis in window.axes) * channels, 4) + 16


def integer_depthwise_scratch(window: Window, channels: Size) -> Size:
    """The same."""
    return integer_conv_scratch(window, channels)


INTEGER_CONV = Kernel("integer_conv", "integer_conv.hxx", types=(uint8, int8), scratch=integer_conv_scratch)
#: Groups of one channel in and one out.
INTEGER_DEPTHWISE = Kernel("integer_depthwise", "integer_conv.hxx", types=(uint8, int8), scratch=integer_depthwise_scratch)


def pieces_of(window: Window, channels: Size, groups: int) -> tuple[Size, Size, Size]:
    """How the taps of a window are cut into pieces that lie together: how many, the taps of one, the channels of a tap."""
    depth, height, width = window.axes
    if groups == 1 and width.dilation == 1:
        return depth.kernel * height.kernel, width.kernel, channels
    return depth.kernel * height.kernel * width.kernel, 1, dims.floor_div(channels, groups)


def as_pieces(weights: np.ndarray, groups: int, pieces: int, taps: int) -> np.ndarray:
    """Weights [O, C, kernel...] as right operands [groups, pieces, taps * C, O / groups]."""
    o, c = weights.shape[:2]
    parts = weights.reshape(groups, o // groups, c, pieces, taps).transpose(0, 3, 4, 2, 1)
    return parts.reshape(groups, pieces, taps * c, o // groups)
