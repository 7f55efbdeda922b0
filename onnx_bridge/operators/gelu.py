"""Gelu and its relatives: x times a share that grows from 0 to 1."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import FLOATS
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits
from onnx_bridge.library import functions as f
from onnx_bridge.library.expressions import Expression
from onnx_bridge.library.steps import PointwiseOperator
from onnx_bridge.operators.cases import case, data, weight


class Activation(PointwiseOperator):
    """One operand, of a float type; where there is a second one, it is added first."""

    kernels = ("pointwise.hxx",)
    computes = (FLOATS,)

    def types(self, x: Tensor, bias: Tensor | None = None) -> Type:
        if bias is not None and bias.dtype is not x.dtype:
            raise ShapeError(f"x and bias must have one type, got {x.dtype} and {bias.dtype}")
        if bias is not None:
            fits(bias, x.shape[-1:], "bias")
        return x.type


@operator("Gelu", since=20)
class Gelu(Activation):
    """y = x (1 + erf(x / sqrt 2)) / 2; with `approximate` = "tanh" x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2."""

    approximate: str = attribute("none")

    def expression(self, *operands: Expression) -> Expression:
        return (f.gelu_tanh if self.approximate == "tanh" else f.gelu)(*operands)

    cases = (
        case(x=data("N", 37, low=-6, high=6)),
        case(x=data("N", 37, low=-6, high=6), attributes={"approximate": "tanh"}),
    )


@operator("Gelu", domain="com.microsoft")
class MicrosoftGelu(Activation):
    """onnxruntime's own name for Gelu without approximation."""

    def expression(self, *operands: Expression) -> Expression:
        return f.gelu(*operands)

    cases = (case(x=data("N", 37, low=-6, high=6)),)


@operator("BiasGelu", domain="com.microsoft")
class BiasGelu(Activation):
    """y = gelu(x + bias)."""

    def types(self, x: Tensor, bias: Tensor) -> Type:  # type: ignore[override]
        return super().types(x, bias)

    def expression(self, *operands: Expression) -> Expression:
        return f.gelu(f.add(*operands))

    cases = (case(x=data("N", 37, low=-6, high=6), bias=weight(37)),)


@operator("FastGelu", domain="com.microsoft")
class FastGelu(Activation):
    """y = gelu(x + bias) by tanh; bias is optional."""

    def expression(self, *operands: Expression) -> Expression:
        return f.gelu_tanh(f.add(*operands) if len(operands) == 2 else operands[0])

    cases = (case(x=data("N", 37, low=-6, high=6), bias=weight(37)), case(x=data("N", 37, low=-6, high=6)))


@operator("QuickGelu", domain="com.microsoft")
class QuickGelu(Activation):
    """y = x sigmoid(alpha x)."""

    alpha: float = attribute(1.702)

    def expression(self, *operands: Expression) -> Expression:
        return f.swish(operands[0], float(self.alpha))

    cases = (case(x=data("N", 37, low=-6, high=6)), case(x=data(9, low=-6, high=6), attributes={"alpha": 1.0}))


@operator("Swish", since=24)
class Swish(QuickGelu):
    """y = x sigmoid(alpha x)."""

    alpha: float = attribute(1.0)

    cases = (case(x=data("N", 37, low=-6, high=6), opset=24), case(x=data(9, low=-6, high=6), attributes={"alpha": 1.5}, opset=24))
