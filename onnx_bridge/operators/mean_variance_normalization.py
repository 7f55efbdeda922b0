"""MeanVarianceNormalization."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import WIDE_FLOATS
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.library.known import axes_in
from onnx_bridge.operators.cases import case
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.reduce import ReduceMean

Add, Sub, Mul, Div, Sqrt = (TABLE[name] for name in ("Add", "Sub", "Mul", "Div", "Sqrt"))


@operator("MeanVarianceNormalization", since=9)
class MeanVarianceNormalization(Composite):
    """y = (x - mean) / (sqrt(variance) + 1e-9), both over `axes`."""

    computes = (WIDE_FLOATS,)

    axes: list[int] = attribute([0, 2, 3])

    def types(self, x: Tensor) -> Type:
        axes_in(self.axes, x.rank)
        return x.type

    def parts(self, build: Parts) -> Tensor:
        centered = build.add(Sub, self.x, build.add(ReduceMean, self.x, axes=list(self.axes)))
        variance = build.add(ReduceMean, build.add(Mul, centered, centered), axes=list(self.axes))
        return build.add(Div, centered, build.add(Add, build.add(Sqrt, variance), build.constant("epsilon", 1e-9, self.x)))

    cases = (
        case(x=(2, 3, 5, 7)),
        case(x=(2, "C", 5, 7), attributes={"axes": [0, 2, 3]}),
        case(x=("N", 3, 40), attributes={"axes": [2]}),
        case(x=("N", 3, 4, 5), attributes={"axes": [1, 2, 3]}),
    )
