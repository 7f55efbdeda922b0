"""DynamicQuantizeLinear: floats as uint8, by a scale and a zero point that they have themselves."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir.dtypes import float32, uint8
from onnx_bridge.ir.roperator import ROperator, Writer, operator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.operators.cases import case, data, given


@operator("DynamicQuantizeLinear", since=11)
class DynamicQuantizeLinear(ROperator):
    """y = x as uint8, its scale and its zero point: the range of x and of 0 in 255 steps.

    ONNX has a function for it; this is what onnxruntime computes, rounding by rounding. Where all are 0 the scale is 1.
    """

    kernels = ("quantize.hxx",)
    computes = ((float32,),)

    def types(self, x: Tensor) -> Sequence[Type]:
        return [Type(uint8, x.shape), Type(float32, ()), Type(uint8, ())]

    def emit(self, cpp: Writer) -> None:
        cpp.call("quantize_dynamically", self.x.count, self.x, self.y, self.output(1), self.output(2))

    cases = (
        case(x=data("N", 33, low=-3, high=9), outputs=3, exact=True),
        case(x=data(2, 5, 7, low=1, high=2), outputs=3, exact=True),
        case(x=data(2, 5, 7, low=-2, high=-1), outputs=3, exact=True),
        case(x=given([[0.0, 0.0, 0.0]]), outputs=3, exact=True),
    )
