"""Products of bytes with sums of 32 bits (integer_product.hxx), and how their constant weights lie."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import int8, uint8
from onnx_bridge.ir.tensor import BLOCK
from onnx_bridge.library.kernel import Kernel

#: integer_block: the rows that are copied at a time.
MOST_ROWS = 64

#: Terms that are multiplied in one go.
QUAD = 4


def integer_gemm_scratch(m: Size, k: Size) -> Size:
    """The rows that are copied at a time."""
    return dims.minimum(m, MOST_ROWS) * dims.ceil_div(k, QUAD)


def pack_integers_scratch(groups: Size, pieces: Size, size: Size, n: Size) -> Size:
    """Panels, offsets and zero points."""
    return groups * dims.ceil_div(n, BLOCK) * (pieces * dims.ceil_div(size, QUAD) * BLOCK + 2 * BLOCK)


INTEGER_GEMM = Kernel("integer_gemm", "integer_product.hxx", types=(uint8, int8), scratch=integer_gemm_scratch)
PACK_INTEGERS = Kernel("pack_integers", "integer_product.hxx", types=(uint8, int8), scratch=pack_integers_scratch)


def as_right(values: np.ndarray) -> np.ndarray:
    """Bytes as right operands have them: unsigned ones, and their zero points, 128 less."""
    return values if values.dtype == np.int8 else (values.astype(np.int16) - 128).astype(np.int8)


def left_zero(value: int, signed: bool) -> int:
    """The zero point of a left operand, whose bytes are read as unsigned ones: signed ones are 128 more."""
    return value + 128 if signed else value


def pack_columns(weights: np.ndarray) -> np.ndarray:
    """Right operands [..., pieces, K, N] of type int8 as panels [..., N/16, pieces, K/4, N%16, K%4]; what is missing is 0."""
    *batch, pieces, k, n = weights.shape
    room = [(0, 0)] * (len(batch) + 1) + [(0, -k % QUAD), (0, -n % BLOCK)]
    padded = np.pad(weights, room).reshape(*batch, pieces, -(-k // QUAD), QUAD, -(-n // BLOCK), BLOCK)
    first = len(batch)
    order = [*range(first), first + 3, first, first + 1, first + 4, first + 2]
    return np.ascontiguousarray(padded.transpose(order))


def centred(weights: np.ndarray, zeros: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Weights of bytes as right operands, and the zero points that are left.

    Args:
        weights: [..., K, N], int8 or uint8.
        zeros: [..., 1, N] of the same type.

    Returns:
        The weights without their zero points, and None, where those differences are bytes; else both as they are read.
    """
    shifted = weights.astype(np.int16) - zeros.astype(np.int16)
    if shifted.size == 0 or (shifted.min() >= -128 and shifted.max() <= 127):
        return shifted.astype(np.int8), None
    return as_right(weights), as_right(zeros)


def column_sums(weights: np.ndarray) -> np.ndarray:
    """The sums of [..., K, N] over K, in whole panels: [..., N/16 * 16], int32."""
    return whole_panels(weights.sum(axis=-2, dtype=np.int64).astype(np.int32))


def whole_panels(values: np.ndarray) -> np.ndarray:
    """Numbers a column [..., N] with zeros up to whole panels, int32."""
    return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, -values.shape[-1] % BLOCK)]).astype(np.int32)
