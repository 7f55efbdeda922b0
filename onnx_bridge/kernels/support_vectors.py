"""support_vectors.hxx: support vector machines."""

from __future__ import annotations

from onnx_bridge.ir.dims import Size
from onnx_bridge.library.kernel import Kernel


def support_scratch(classes: Size) -> Size:
    """Votes, sums, decisions, chances and their products."""
    return 2 * classes + 3 * classes * classes


SUPPORT = Kernel("support_classes", "support_vectors.hxx", scratch=support_scratch)
