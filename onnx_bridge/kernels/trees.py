"""trees.hxx: ensembles of decision trees."""

from __future__ import annotations

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS, int32, int64
from onnx_bridge.library.kernel import Kernel

#: How many rows are walked at a time, and how many where rows are long: keys of so many features take a megabyte.
BLOCK, SMALL_BLOCK, LONG = 64, 8, 4096


def trees_scratch(block: Size, columns: Size, targets: Size, words: Size) -> Size:
    """Keys, sums, and which targets have one."""
    return block * (1 + columns) * words + block * targets * words + dims.floor_div(block * targets + 3, 4)


def rows_at_a_time(rows: Size, width: int) -> int:
    """How many rows have room in the scratch memory: no more than there are."""
    most = BLOCK if width < LONG else SMALL_BLOCK
    return min(most, max(rows, 1)) if isinstance(rows, int) else most


TREES = Kernel("trees", "trees.hxx", types=(*WIDE_FLOATS, int32, int64), scratch=trees_scratch)
