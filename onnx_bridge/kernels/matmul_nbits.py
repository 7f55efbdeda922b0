"""matmul_nbits.hxx: a product by weights of a few bits, which are unpacked some columns at a time."""

from __future__ import annotations

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32
from onnx_bridge.library.kernel import Kernel

#: Columns that are unpacked at a time: `unpacked_columns`.
UNPACKED_COLUMNS = 64


def matmul_nbits_scratch(K: Size) -> Size:
    """The columns that are unpacked, as floats."""
    return K * UNPACKED_COLUMNS


MATMUL_NBITS = Kernel("matmul_nbits", "matmul_nbits.hxx", types=(float32,), scratch=matmul_nbits_scratch)
