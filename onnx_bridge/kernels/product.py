"""Products: by constants (gemm.hxx; by few gemm_small.hxx, dot_small.hxx), by others (matmul.hxx), of other types (matmul_any.hxx)."""

from __future__ import annotations

from onnx_bridge.ir import dims, dtypes
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import bool_, float32
from onnx_bridge.ir.tensor import BLOCK
from onnx_bridge.library.kernel import Kernel, Packing

#: The largest tile of rows that any target has: tile_rows of gemm_tile.hxx.
MOST_ROWS = 14

#: Terms that are summed in one go, and so packed together.
BLOCK_TERMS = 256

#: Weights [K, N] in panels of 16 columns.
PANELS = Packing("K N", "N/16 K N%16", "panels_at(K, K_, N_)")


def whole_panels(n: Size) -> Size:
    """n rounded up to whole panels."""
    return dims.ceil_div(n, BLOCK) * BLOCK


def matmul_scratch(m: Size, n: Size, k: Size) -> Size:
    """The right matrix, packed as far as it is summed in one go."""
    return dims.minimum(k, BLOCK_TERMS) * dims.minimum(whole_panels(n), 256)


GEMM = Kernel("gemm", "gemm.hxx", epilogue=(float32,), packing=PANELS)
#: For one column: its weights lie as they are.
DOT_ROWS = Kernel("dot_rows", "gemm.hxx", epilogue=(float32,))

#: The most columns and terms of a layer whose sizes its kernel knows, so that a few rows are computed where they stand.
SMALL_COLUMNS, SMALL_TERMS = 128, 256

GEMM_SMALL = Kernel("gemm_small", "gemm_small.hxx", epilogue=(float32,), packing=PANELS)
DOT_SMALL = Kernel("dot_small", "dot_small.hxx", epilogue=(float32,))

MATMUL = Kernel("matmul", "matmul.hxx", epilogue=(float32, bool_), scratch=matmul_scratch)
MATMUL_ANY = Kernel("matmul_any", "matmul_any.hxx", types=tuple(t for t in dtypes.COMPUTED if t is not float32))
