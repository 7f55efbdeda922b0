"""The proof: what the compiled code answers, beside what onnxruntime answers."""

from onnx_bridge.verify.check import Framework, verify
from onnx_bridge.verify.oracle import Oracle
from onnx_bridge.verify.report import Report, Row

__all__ = ["Framework", "Oracle", "Report", "Row", "verify"]
