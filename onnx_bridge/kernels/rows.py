"""Softmax and normalizations: softmax.hxx and layer_norm.hxx of float32, double_rows.hxx of double; the functions have the same names."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import float64
from onnx_bridge.library.kernel import Kernel

SOFTMAX = (Kernel("softmax", "softmax.hxx"), Kernel("softmax", "double_rows.hxx", types=(float64,)))
LOG_SOFTMAX = (Kernel("log_softmax", "softmax.hxx"), Kernel("log_softmax", "double_rows.hxx", types=(float64,)))
LAYER_NORM = (Kernel("layer_norm", "layer_norm.hxx"), Kernel("layer_norm", "double_rows.hxx", types=(float64,)))
RMS_NORM = (Kernel("rms_norm", "layer_norm.hxx"), Kernel("rms_norm", "double_rows.hxx", types=(float64,)))
GROUP_NORM = (Kernel("group_norm", "layer_norm.hxx"), Kernel("group_norm", "double_rows.hxx", types=(float64,)))
