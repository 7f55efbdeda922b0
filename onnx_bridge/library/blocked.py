"""Operands of what is computed in the blocked layout: which can stand there, and how they are read."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import bool_
from onnx_bridge.ir.roperator import Writer
from onnx_bridge.ir.tensor import BLOCK, Tensor


def can_block(tensor: Tensor, y: Tensor) -> bool:
    """Whether a planar tensor (or a constant) can be an operand of a blocked group without being laid out anew."""
    shape = (1,) * (y.rank - tensor.rank) + tuple(tensor.shape)
    if tensor.dtype is bool_ or tensor.rank > y.rank:
        return False
    spatial_full = shape[2:] == y.shape[2:]
    spatial_one = all(size == 1 for size in shape[2:])
    if not (spatial_full or spatial_one):
        return False
    if shape[1] == 1:
        return True
    return tensor.is_constant and shape[0] == 1 and spatial_one


def blocked_strides(tensor: Tensor, y: Tensor) -> list[Size]:
    """Strides of an operand over (image, block, pixel, lane) of a blocked output."""
    pixels = dims.product(y.shape[2:])
    shape = (1,) * (y.rank - tensor.rank) + tuple(tensor.shape)
    own_pixels = dims.product(shape[2:])
    per_pixel = own_pixels == pixels and own_pixels != 1
    if tensor.layout == "blocked":
        blocks = dims.ceil_div(shape[1], BLOCK)
        image = blocks * own_pixels * BLOCK if shape[0] == y.shape[0] else 0
        return [image, own_pixels * BLOCK, BLOCK if per_pixel else 0, 1]
    if shape[1] != 1:
        return [0, BLOCK, 0, 1]  # a constant with one value a channel
    image = own_pixels if shape[0] == y.shape[0] and shape[0] != 1 else 0
    return [image, 0, 1 if per_pixel else 0, 0]


def blocked_pointer(cpp: Writer, tensor: Tensor) -> str:
    """The pointer of an operand of a blocked loop; constants with one value a channel are padded to whole blocks."""
    if tensor.is_constant and tensor.layout == "planar" and tensor.constant().size > 1:
        return cpp.weight(f"{tensor.name}_channels", pad_to_blocks(tensor.constant().reshape(-1)))
    return cpp.pointer(tensor)


def pad_to_blocks(values: np.ndarray) -> np.ndarray:
    """A vector of one value a channel, filled with zeros to whole blocks of 16."""
    return np.pad(values, (0, -len(values) % BLOCK))
