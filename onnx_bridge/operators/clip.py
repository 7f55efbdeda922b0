"""Clip: values held between two bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library import functions as f
from onnx_bridge.library.expressions import Constant, Expression
from onnx_bridge.library.folding import by_kind, fold
from onnx_bridge.library.steps import PointwiseOperator
from onnx_bridge.operators.cases import case, const, data, given


@operator("Clip", since=1)
class Clip(PointwiseOperator):
    """y = minimum(maximum(x, min), max); where min > max, max. Absent bounds hold nothing.

    The bounds are attributes in opsets 1-10, scalar inputs since. NaN stays NaN.
    """

    kernels = ("pointwise.hxx",)

    min: float | None = attribute(None)
    max: float | None = attribute(None)
    consumed_inputs: Any = attribute(None)

    def types(self, x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Type:
        for bound in (low, high):
            if bound is not None and (bound.count != 1 or bound.dtype is not x.dtype):
                raise ShapeError(f"bounds must be single numbers of type {x.dtype}, got {bound.type}")
        if x.dtype.is_integer and not (self.min is None and self.max is None):
            raise ShapeError(f"bounds that are attributes are for floats, x is {x.type}: since opset 11 they are inputs")
        return x.type

    def bounds(self) -> tuple[bool, bool]:
        """Which bounds are inputs."""
        _, low, high = self.arguments(3)
        return low is not None, high is not None

    def values(self, x: Tensor, *bounds: Tensor | None) -> np.ndarray | None:
        if not x.dtype.is_integer:
            return None
        smallest, largest = by_kind(dims.minimum, np.minimum), by_kind(dims.maximum, np.maximum)
        has_low, has_high = self.bounds()

        def clip(value: Any, *limits: Any) -> Any:
            value = largest(value, limits[0]) if has_low else value
            return smallest(value, limits[-1]) if has_high else value

        return fold(clip, x.dtype, [t for t in (x, *bounds) if t is not None])

    def expression(self, *operands: Expression) -> Expression:
        x, *limits = operands
        has_low, has_high = self.bounds()
        low = limits[0] if has_low else self._attribute(self.min, x)
        high = limits[-1] if has_high else self._attribute(self.max, x)
        if low is not None and high is not None:
            return f.clip(x, low, high)
        return f.max_of(x, low) if low is not None else f.min_of(x, high) if high is not None else x

    @staticmethod
    def _attribute(bound: float | None, x: Expression) -> Expression | None:
        # Infinite bounds hold nothing.
        if bound is None or math.isinf(bound):
            return None
        return Constant(float(bound), x)

    cases = (
        case(x=("N", 37), min=const(-0.5, "float32"), max=const(1.0, "float32")),
        case(x=("N", 5), min=const(0.0, "float32")),
        case(x=("N", 5), min=None, max=const(0.25, "float32")),
        case(x=(3, 5)),
        case(x=(3, 5), min=data(), max=data()),
        case(x=given([math.nan, math.inf, -math.inf, -0.0, 2.0]), min=const(0.0, "float32"), max=const(6.0, "float32")),
        case(x=("N", 5), attributes={"min": -0.5, "max": 0.5}, opset=6),
        case(x=("N", 5), attributes={"min": 0.0}, opset=6),
        *(
            case(x=data(4, 9, dtype=d, low=0, high=99), min=const(20, d), max=const(60, d))
            for d in ("int64", "int32", "int8", "uint8", "float64")
        ),
    )
