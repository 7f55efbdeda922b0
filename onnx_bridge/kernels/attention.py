"""attention.hxx: softmax(score(Q K^T)) V of one head; the score is an epilogue of the first product."""

from __future__ import annotations

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import bool_, float32
from onnx_bridge.ir.tensor import BLOCK
from onnx_bridge.kernels.product import MOST_ROWS, whole_panels
from onnx_bridge.library.kernel import Kernel


def attention_scratch(keys: Size, width: Size, value_width: Size) -> Size:
    """K and V, packed, and the scores of the largest tile of queries."""
    return whole_panels(keys) * width + keys * whole_panels(value_width) + MOST_ROWS * (whole_panels(keys) + BLOCK)


ATTENTION = Kernel("attention", "attention.hxx", epilogue=(float32, bool_), scratch=attention_scratch)
