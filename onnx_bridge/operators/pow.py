"""Pow: powers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import Tensor, Type, broadcast
from onnx_bridge.library import functions as f
from onnx_bridge.library.expressions import Expression
from onnx_bridge.library.folding import Undecided, by_kind, fold
from onnx_bridge.library.steps import PointwiseOperator
from onnx_bridge.operators.cases import case, const, data, given
from onnx_bridge.operators.pointwise import aligned_from_axis

#: Expressions for exponents that are one constant number.
_SHORT: dict[float, Callable[[Expression], Expression]] = {
    1.0: lambda x: x,
    2.0: lambda x: x * x,
    3.0: lambda x: x * x * x,
    4.0: lambda x: (x * x) * (x * x),
    -1.0: f.reciprocal,
    -2.0: lambda x: f.reciprocal(x * x),
    0.5: f.pow_half,
    -0.5: lambda x: f.reciprocal(f.pow_half(x)),
}

_INTEGER = (1.0, 2.0, 3.0, 4.0)


@operator("Pow", since=1)
class Pow(PointwiseOperator):
    """y = base ** exponent, in the type of the base; the exponent may have another type (from opset 12 on).

    Integer bases go through double, as in onnxruntime. Constant exponents that have a shorter way take it.
    """

    kernels = ("pointwise.hxx",)

    axis: int | None = attribute(None)
    broadcast: int = attribute(0)
    consumed_inputs: Any = attribute(None)

    def types(self, base: Tensor, exponent: Tensor) -> Type:
        aligned_from_axis(self)
        return Type(base.dtype, broadcast(base.shape, self.input(1).shape))

    def values(self, base: Tensor, exponent: Tensor) -> np.ndarray | None:
        return fold(by_kind(_power_of_size, lambda a, b: np.power(a.astype(np.float64), b)), base.dtype, [base, self.input(1)])

    @property
    def short(self) -> Callable[[Expression], Expression] | None:
        """The expression for a constant exponent, if there is one that does not read it."""
        exponent = self.input(1)
        if not exponent.is_constant or exponent.constant().size != 1 or self.x.shape != self.y.shape:
            return None
        number = float(exponent.constant().reshape(-1)[0])
        return _SHORT.get(number) if self.x.dtype.is_float or number in _INTEGER else None

    def reads(self) -> Sequence[int]:
        return (0,) if self.short else (0, 1)

    def expression(self, *operands: Expression) -> Expression:
        return (self.short or f.pow)(*operands)

    cases = (
        *(case(base=data("N", 19), exponent=const(e, "float32")) for e in (2.0, 3.0, -1.0, 1.0, 0.0, 4.0)),
        *(case(base=data("N", 19, low=0, high=9), exponent=const(e, "float32")) for e in (0.5, -0.5, 1.7, -2.0)),
        *(case(base=given([0.0, -0.0, math.inf, -math.inf, math.nan, 4.0]), exponent=const(e, "float32")) for e in (2.0, -1.0, 0.5, 0.0)),
        case(base=data("N", 1, 7, low=0.1, high=5), exponent=data(5, 1, low=-3, high=3)),
        case(base=(3, 5), exponent=const([[2.0]], "float32")),
        case(base=(5,), exponent=const([[2.0]], "float32")),
        case(base=data(4, 6, low=0.5), exponent=data(6, dtype="int64", low=-2, high=4)),
        case(base=data(4, 6, dtype="int32", low=-5, high=5), exponent=data(6, dtype="int32", low=0, high=4)),
        case(base=data(4, 6, dtype="int64", low=0, high=5), exponent=data(6, low=0, high=4)),
        case(base=data(4, 6, dtype="int64", low=-5, high=5), exponent=const(2)),
        case(base=data(4, 6, dtype="float64", low=0.5), exponent=data(6, dtype="float64")),
        case(base=(2, 3), exponent=data(), opset=7),
    )


def _power_of_size(base: Any, exponent: Any) -> Any:
    if not isinstance(exponent, int) or not 0 <= exponent <= 16:
        raise Undecided
    return dims.product([base] * exponent)
