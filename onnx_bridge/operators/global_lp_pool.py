"""GlobalLpPool."""

from __future__ import annotations

from typing import Any

from onnx_bridge.ir.dtypes import WIDE_FLOATS
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.composite import Composite, Parts, onnx
from onnx_bridge.operators.cases import case


@operator("GlobalLpPool", since=1)
class GlobalLpPool(Composite):
    """y = the p-norm of each channel over all spatial axes, which stay as ones. p was a float in opset 1."""

    computes = (WIDE_FLOATS,)

    p: Any = attribute({1: 2.0, 2: 2})

    def types(self, x: Tensor) -> Type:
        if x.rank < 3:
            raise ShapeError(f"x must have spatial axes, got {x.type}")
        if not isinstance(self.p, (int, float)) or not 0 < self.p < float("inf"):
            raise UnsupportedForm(f"p must be a number above 0, got {self.p}")
        return Type(x.dtype, (*x.shape[:2], *[1] * (x.rank - 2)))

    def parts(self, build: Parts) -> Tensor:
        axes = list(range(2, self.x.rank))
        if self.p in (1, 2):
            return build.add(onnx("ReduceL1" if self.p == 1 else "ReduceL2"), self.x, axes=axes)
        powers = build.add(onnx("Pow"), build.add(onnx("Abs"), self.x), build.constant("p", float(self.p), self.x))
        total = build.add(onnx("ReduceSum"), powers, axes=axes)
        return build.add(onnx("Pow"), total, build.constant("root", 1.0 / self.p, self.x))

    cases = (
        case(x=("N", 5, 6, 7), opset=21),
        case(x=(2, 3, 10), attributes={"p": 1}, opset=21),
        case(x=(2, 3, 4, 5, 2), attributes={"p": 3}, opset=21),
        case(x=(2, 3, "H", "W"), opset=2),
    )
