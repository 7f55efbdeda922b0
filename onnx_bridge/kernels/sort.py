"""sort.hxx: the k largest or smallest elements along an axis."""

from __future__ import annotations

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import INTEGERS, WIDE_FLOATS
from onnx_bridge.library.kernel import Kernel


def topk_scratch(n: Size, k: Size, element_bytes: int) -> Size:
    """Twice as many items as are sorted: all, or k where that is few of them. An item is a key and a place."""
    return dims.minimum(2 * n, 16 * k) * (4 if element_bytes == 8 else 2)


TOPK = Kernel("topk", "sort.hxx", types=(*WIDE_FLOATS, *INTEGERS), scratch=topk_scratch)
