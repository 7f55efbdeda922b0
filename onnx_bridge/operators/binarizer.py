"""Binarizer."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import WIDE_FLOATS, int32, int64
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.operators.cases import case


@operator("Binarizer", domain="ai.onnx.ml", since=1)
class Binarizer(ROperator):
    """y = 1 where x is above the threshold, else 0, of the type of x. A NaN, which onnxruntime refuses, is 0."""

    kernels = ("features.hxx",)
    computes = ((*WIDE_FLOATS, int32, int64),)

    threshold: float = attribute(0.0)

    def types(self, x: Tensor) -> Type:
        return x.type

    def emit(self, cpp: Writer) -> None:
        cpp.call("binarize", self.x.count, self.x, float(self.threshold), self.y)

    cases = (case(x=("N", 3), exact=True), case(x=("N", 3), attributes={"threshold": 0.5}, exact=True), case(x=(2, 3, 4)))
