"""experts.hxx: a mixture of experts."""

from __future__ import annotations

from onnx_bridge.ir.dims import Size
from onnx_bridge.library.kernel import Kernel

#: Rows that one expert works at together: `experts_rows`.
EXPERTS_ROWS = 32


def experts_scratch(rows: Size, k: Size, hidden: Size, inner: Size, parts: Size) -> Size:
    """Shares and experts of each row, what is between the two layers of one, and a row of weights."""
    return 2 * rows * k + EXPERTS_ROWS * (parts * inner) + hidden + inner


EXPERTS = Kernel("mixture_of_experts", "experts.hxx", scratch=experts_scratch)
