"""unique.hxx: the different slices of a tensor."""

from __future__ import annotations

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import INTEGERS, WIDE_FLOATS, bool_, string
from onnx_bridge.library.kernel import Kernel

#: Bytes of a Size on the largest processors.
_SIZE = 8


def unique_scratch(n: Size) -> Size:
    """Three lists of places."""
    return 3 * n * (_SIZE // 4)


UNIQUE = Kernel("unique", "unique.hxx", types=(*WIDE_FLOATS, *INTEGERS, bool_, string), scratch=unique_scratch)
