"""suppress.hxx: of boxes that overlap, those of the best scores."""

from __future__ import annotations

from onnx_bridge.ir.dims import Size
from onnx_bridge.library.kernel import Kernel


def suppress_scratch(n: Size) -> Size:
    """Twice as many items as there are boxes; an item is a key and a place."""
    return 4 * n


SUPPRESS = Kernel("suppress", "suppress.hxx", scratch=suppress_scratch)
