"""Mod: remainders."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, broadcast
from onnx_bridge.library import functions as f
from onnx_bridge.library.expressions import Expression
from onnx_bridge.library.folding import by_kind, fold
from onnx_bridge.library.steps import PointwiseOperator
from onnx_bridge.operators.cases import case, data


@operator("Mod", since=10)
class Mod(PointwiseOperator):
    """The remainder of a / b, with the sign of b, or of a with `fmod` = 1, which floats need before opset 28. Integers: 0 where b is 0."""

    kernels = ("pointwise.hxx",)

    fmod: int = attribute(0)

    def types(self, a: Tensor, b: Tensor) -> Type:
        if a.dtype is not b.dtype:
            raise ShapeError(f"operands must have one type, got {a.dtype} and {b.dtype}")
        if a.dtype.is_float and not self.fmod and self.opset < 28:
            raise ShapeError("floats need fmod = 1 before opset 28")
        return Type(a.dtype, broadcast(a.shape, b.shape))

    def values(self, a: Tensor, b: Tensor) -> np.ndarray | None:
        # Sizes are not negative: both remainders are the same.
        return fold(by_kind(lambda x, y: x % y, np.fmod if self.fmod else np.mod), a.dtype, [a, b])

    def expression(self, *operands: Expression) -> Expression:
        return (f.fmod if self.fmod else f.float_mod if self.y.dtype.is_float else f.mod)(*operands)

    cases = (
        *(case(a=data(3, 17, dtype=d, low=-9, high=9), b=data(17, dtype=d, low=1, high=5)) for d in ("int64", "int32", "int8", "int16")),
        *(case(a=data(3, 17, dtype=d, low=-9, high=9), b=data(17, dtype=d, low=-5, high=-1)) for d in ("int64", "int32")),
        case(a=data(3, 17, dtype="uint8", low=0, high=99), b=data(17, dtype="uint8", low=1, high=9)),
        case(a=data(3, 17, dtype="int32", low=-9, high=9), b=data(17, dtype="int32", low=1, high=5), attributes={"fmod": 1}),
        case(a=data("N", 17, low=-9, high=9), b=data(17, low=0.5, high=5), attributes={"fmod": 1}),
        case(a=data(3, 17, dtype="float64", low=-9, high=9), b=data(1, dtype="float64", low=0.5, high=5), attributes={"fmod": 1}),
    )
