"""PRelu: a slope for what is negative."""

from __future__ import annotations

from typing import Any

from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, broadcast
from onnx_bridge.library import functions as f
from onnx_bridge.library.expressions import Expression
from onnx_bridge.library.steps import PointwiseOperator
from onnx_bridge.operators.cases import case, data, weight
from onnx_bridge.operators.pointwise import aligned_from_axis


@operator("PRelu", since=1)
class PRelu(PointwiseOperator):
    """y = x where x >= 0, else slope * x. The slope broadcasts to x; before opset 7 it is one number, or one a channel (axis 1)."""

    kernels = ("pointwise.hxx",)

    consumed_inputs: Any = attribute(None)

    def types(self, x: Tensor, slope: Tensor) -> Type:
        aligned_from_axis(self)
        if x.dtype is not slope.dtype:
            raise ShapeError(f"x and slope must have one type, got {x.dtype} and {slope.dtype}")
        return Type(x.dtype, broadcast(x.shape, self.input(1).shape))

    @property
    def axis(self) -> int | None:
        """Which axis a slope of opsets 1-6 lies along."""
        return 1 if self.input(1).count != 1 else None

    def expression(self, *operands: Expression) -> Expression:
        return f.prelu(*operands)

    cases = (
        case(x=("N", 5), slope=(5,)),
        case(x=("N", 4, 9), slope=weight(4, 1)),
        case(x=(2, 3), slope=data(1)),
    )
