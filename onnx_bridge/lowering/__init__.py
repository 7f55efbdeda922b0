"""ONNX, in normal form, to RModel: one walk through the operators' registry."""

from onnx_bridge.lowering.lower import lower

__all__ = ["lower"]
