"""LpNormalization."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.dtypes import WIDE_FLOATS
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.library.known import axis_in
from onnx_bridge.operators.cases import case, data, given
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.reduce import ReduceL1, ReduceL2
from onnx_bridge.operators.variadic import Max


@operator("LpNormalization", since=1)
class LpNormalization(Composite):
    """y = x / norm, the norm of order `p` (1 or 2) along `axis`; 0 where the norm is 0."""

    computes = (WIDE_FLOATS,)

    axis: int = attribute(-1)
    p: int = attribute(2)

    def types(self, x: Tensor) -> Type:
        if self.p not in (1, 2):
            raise UnsupportedForm(f"p must be 1 or 2, got {self.p}")
        axis_in(self.axis, x.rank)
        return x.type

    def parts(self, build: Parts) -> Tensor:
        norm = build.add(ReduceL1 if self.p == 1 else ReduceL2, self.x, axes=[self.axis])
        # Where the norm is 0 so is x, and any other divisor gives 0.
        least = build.constant("least", float(np.finfo(self.x.dtype.name).tiny), self.x)
        return build.add(TABLE["Div"], self.x, build.add(Max, norm, least))

    cases = (
        case(x=("N", 7)),
        case(x=("N", 7, 20), attributes={"axis": 1, "p": 1}),
        case(x=(3, 5, 4), attributes={"axis": 0}),
        case(x=given([[0.0, 0.0, 0.0], [3.0, 0.0, 4.0]])),
        case(x=data(3, 9, dtype="float64")),
    )
