"""SkipLayerNormalization and SkipSimplifiedLayerNormalization of com.microsoft: a residual, normalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onnx_bridge.ir.dtypes import WIDE_FLOATS
from onnx_bridge.ir.roperator import ROperator, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, broadcasts, fits
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.cases import case, weight
from onnx_bridge.operators.layer_normalization import LayerNormalization, SimplifiedLayerNormalization
from onnx_bridge.operators.pointwise import TABLE


@dataclass(eq=False, kw_only=True)
class Skip(Composite):
    """y = the rows of x + skip + bias, normalised. Optional outputs: the mean and 1 / sqrt(...) of a row, and that sum."""

    computes = (WIDE_FLOATS,)
    own_types = (1, 2)

    epsilon: float = attribute(1e-12)

    def types(self, x: Tensor, skip: Tensor, gamma: Tensor, *parameters: Tensor | None) -> list[Type]:
        if not 2 <= x.rank <= 3:
            raise ShapeError(f"x must have rank 2 or 3, got {x.type}")
        if skip.rank < 2:
            raise ShapeError(f"skip must have rank 2 or 3, got {skip.type}")
        broadcasts(skip, x.shape, "skip")
        for tensor, what in zip((gamma, *parameters), ("gamma", "beta or bias", "bias"), strict=False):
            if tensor is not None:
                fits(tensor, x.shape[-1:], what)
        moments = Type(x.dtype, (*x.shape[:-1], 1))
        return [x.type, moments, moments, x.type]

    def normalized(self, build: Parts, norm: type[ROperator], bias: Tensor | None, *parameters: Tensor | None) -> Sequence[Tensor | None]:
        """The outputs."""
        total = build.add(TABLE["Add"], self.x, self.input(1))
        if bias is not None:
            total = build.add(TABLE["Add"], total, bias)
        wanted = 3 if self.wants(1) or self.wants(2) else 1
        given = [tensor for tensor in parameters if tensor is not None]
        return [*build.many(wanted, norm, total, *given, axis=-1, epsilon=self.epsilon), *[None] * (3 - wanted), total]


@operator("SkipLayerNormalization", domain="com.microsoft")
class SkipLayerNormalization(Skip):
    """By LayerNormalization; inputs x, skip, gamma, beta, bias."""

    def parts(self, build: Parts) -> Sequence[Tensor | None]:
        _, _, gamma, beta, bias = self.arguments(5)
        return self.normalized(build, LayerNormalization, bias, gamma, beta)

    cases = (
        case(x=(2, 5, 16), skip=(2, 5, 16), gamma=weight(16), beta=weight(16), bias=weight(16)),
        case(x=("N", 5, 40), skip=("N", 5, 40), gamma=weight(40), attributes={"epsilon": 0.01}),
        case(x=(2, 5, 16), skip=(2, 5, 16), gamma=weight(16), beta=weight(16), outputs=4),
    )


@operator("SkipSimplifiedLayerNormalization", domain="com.microsoft")
class SkipSimplifiedLayerNormalization(Skip):
    """By RMSNormalization; inputs x, skip, gamma, bias."""

    def parts(self, build: Parts) -> Sequence[Tensor | None]:
        _, _, gamma, bias = self.arguments(4)
        return self.normalized(build, SimplifiedLayerNormalization, bias, gamma)

    cases = (
        case(x=(2, 5, 16), skip=(2, 5, 16), gamma=weight(16), bias=weight(16)),
        case(x=("N", 5, 40), skip=("N", 5, 40), gamma=weight(40), attributes={"epsilon": 0.01}),
    )
