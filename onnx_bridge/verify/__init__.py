"""The proof: what the compiled code answers, beside what onnxruntime answers."""

from onnx_bridge.references.oracle import Oracle
from onnx_bridge.verify.calls import Framework
from onnx_bridge.verify.check import verify
from onnx_bridge.verify.report import Report, Row

__all__ = ["Framework", "Oracle", "Report", "Row", "verify"]
