"""Operators that ONNX lacks, declared once: a name, a body of ONNX operators, a C++ functor, and what exporters make of them."""

from onnx_bridge.custom.bodies import complete, expand, inline
from onnx_bridge.custom.declare import EXPORTING, CustomOp, Marker, Pattern, custom_op, known
from onnx_bridge.custom.installed import load

__all__ = ["EXPORTING", "CustomOp", "Marker", "Pattern", "complete", "custom_op", "expand", "inline", "known", "load"]
