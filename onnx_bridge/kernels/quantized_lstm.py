"""quantized_lstm.hxx: an LSTM whose weights are bytes."""

from __future__ import annotations

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32
from onnx_bridge.kernels.integer_product import QUAD, integer_gemm_scratch
from onnx_bridge.kernels.product import whole_panels
from onnx_bridge.library.kernel import Kernel


def quantized_lstm_scratch(steps: Size, batch: Size, inputs: Size, units: Size) -> Size:
    """Of one direction: projections, sums and states; bias, scales, offsets, peepholes; bytes of inputs and states; copies of rows."""
    rows, padded = steps * batch, whole_panels(units)
    floats = (rows + batch) * 4 * units + batch * (units + padded) + 8 * units + whole_panels(4 * units) + 3 * padded
    quantised = dims.ceil_div(rows * inputs, QUAD) + dims.ceil_div(batch * units, QUAD)
    return floats + quantised + integer_gemm_scratch(rows, inputs) + integer_gemm_scratch(batch, units)


QUANTIZED_LSTM = Kernel("quantized_lstm", "quantized_lstm.hxx", types=(float32,), scratch=quantized_lstm_scratch)
