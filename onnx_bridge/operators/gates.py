"""ScaledSiLU, GatedAdd and LinearAttentionGate of com.microsoft: a few pointwise steps each."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir.dtypes import FLOATS, float32
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.cases import case, const, data, weight
from onnx_bridge.operators.cast import Cast
from onnx_bridge.operators.pointwise import TABLE


@operator("ScaledSiLU", domain="com.microsoft")
class ScaledSiLU(Composite):
    """y = z sigmoid(z), z being x times `scale`, or `alpha` without one; each step is rounded to the type of x."""

    computes = (FLOATS,)
    own_inputs = (1,)

    alpha: float = attribute(1.0)

    def types(self, x: Tensor, scale: Tensor | None = None) -> Type:
        if scale is not None:
            fits(scale, (), "scale")
        return x.type

    def parts(self, build: Parts) -> Tensor:
        x, scale = self.arguments(2)
        assert x is not None
        wide = x if x.dtype is float32 else build.add(Cast, x, to=float32.onnx)
        if scale is None:
            by = build.constant("alpha", self.alpha, wide)
        else:
            by = scale if scale.dtype is float32 else build.add(Cast, scale, to=float32.onnx)
        z = build.add(TABLE["Mul"], wide, by)
        if x.dtype is not float32:
            z = build.add(Cast, z, to=x.dtype.onnx)
        return build.add(TABLE["Mul"], z, build.add(TABLE["Sigmoid"], z))

    cases = (
        case(x=("N", 7), attributes={"alpha": 1.7}),
        case(x=("N", 7), scale=const(0.3, "float32")),
        case(x=(3, 5, 7), scale=data(), attributes={"alpha": 9.0}),
        case(x=data(3, 40, dtype="float16"), scale=const(0.3, "float32")),
        case(x=data(3, 40), scale=const(0.3, "float16")),
        case(x=data(3, 40, dtype="float16"), attributes={"alpha": 1.7}),
    )


@operator("GatedAdd", domain="com.microsoft")
class GatedAdd(Composite):
    """y = a + b gate, with a number of the gate for each row; the product is rounded to their type first."""

    computes = (FLOATS,)

    def types(self, a: Tensor, b: Tensor, gate: Tensor) -> Type:
        if a.rank < 1:
            raise ShapeError("x must not be a scalar")
        fits(b, a.shape, "y")
        fits(gate, (*a.shape[:-1], 1), "gate")
        return a.type

    def parts(self, build: Parts) -> Tensor:
        return build.add(TABLE["Add"], self.x, build.add(TABLE["Mul"], self.input(1), self.input(2)))

    cases = (
        case(a=("N", 3, 7), b=("N", 3, 7), gate=("N", 3, 1)),
        case(a=(5,), b=(5,), gate=(1,)),
        case(a=data(3, 40, dtype="float16"), b=data(3, 40, dtype="float16"), gate=data(3, 1, dtype="float16")),
    )


@operator("LinearAttentionGate", domain="com.microsoft")
class LinearAttentionGate(Composite):
    """decay = decay_scale softplus(a + dt_bias), and, if there is b, beta = sigmoid(b); a and b: [N, S, heads], the others [heads]."""

    computes = ((float32,),)
    own_inputs = (1, 2)

    def types(self, a: Tensor, bias: Tensor, scale: Tensor, b: Tensor | None = None) -> Sequence[Type]:
        if a.rank != 3:
            raise ShapeError(f"a must have rank 3, got {a.type}")
        fits(bias, a.shape[2:], "dt_bias")
        fits(scale, a.shape[2:], "decay_scale")
        if b is None:
            return [a.type]
        fits(b, a.shape, "b")
        return [a.type, a.type]

    def parts(self, build: Parts) -> Sequence[Tensor | None]:
        a, bias, scale, b = self.arguments(4)
        decay = build.add(TABLE["Mul"], build.add(TABLE["Softplus"], build.add(TABLE["Add"], a, bias)), scale)
        return [decay] if b is None or not self.wants(1) else [decay, build.add(TABLE["Sigmoid"], b)]

    cases = (
        case(a=("N", 3, 6), bias=weight(6), scale=weight(6)),
        case(a=(2, 5, 4), bias=weight(4), scale=weight(4), b=(2, 5, 4), outputs=2),
        case(a=data(2, 3, 6, dtype="float16"), bias=weight(6), scale=weight(6), b=data(2, 3, 6, dtype="float16"), outputs=2),
    )
