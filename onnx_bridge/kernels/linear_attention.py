"""linear_attention.hxx: attention by a state that every token changes."""

from __future__ import annotations

from onnx_bridge.library.kernel import Kernel

LINEAR_ATTENTION = Kernel("linear_attention", "linear_attention.hxx")
