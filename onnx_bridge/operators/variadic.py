"""Max, Min, Sum and Mean: any number of operands that broadcast, taken one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, broadcast
from onnx_bridge.library import functions as f
from onnx_bridge.library.expressions import Constant, Expression
from onnx_bridge.library.folding import by_kind, fold
from onnx_bridge.library.steps import PointwiseOperator
from onnx_bridge.operators.cases import case, data, given


@dataclass(eq=False, kw_only=True)
class Variadic(PointwiseOperator):
    """y = function(function(a, b), c) ..., of operands of one type."""

    kernels = ("pointwise.hxx",)
    function: ClassVar[str] = ""
    evaluate: ClassVar[Callable[..., Any] | None] = None

    consumed_inputs: Any = attribute(None)

    def types(self, *inputs: Tensor) -> Type:
        if not inputs:
            raise ShapeError("at least one operand is needed")
        for tensor in inputs:
            if tensor.dtype is not inputs[0].dtype:
                raise ShapeError(f"operands must have one type, got {inputs[0].dtype} and {tensor.dtype}")
        return Type(inputs[0].dtype, broadcast(*(tensor.shape for tensor in inputs)))

    def values(self, *inputs: Tensor) -> np.ndarray | None:
        evaluate = self.evaluate
        return None if evaluate is None else fold(lambda *values: reduce(evaluate, values), inputs[0].dtype, inputs)

    def expression(self, *operands: Expression) -> Expression:
        return reduce(f.FUNCTIONS[self.function], operands)


_CASES = (
    case(a=("N", 5), b=(5,), c=("N", 1)),
    case(a=("N", 5)),
    case(a=("N", 1, 9), b=(4, 1)),
    case(a=given([1.0, np.nan, -0.0, np.inf]), b=given([np.nan, 1.0, 0.0, -np.inf])),
)
_TYPES = tuple(
    case(a=data(3, 9, dtype=dtype, low=0, high=50), b=data(9, dtype=dtype, low=0, high=50))
    for dtype in ("int32", "int64", "uint32", "uint64", "float16", "float64")
)


@operator("Max", since=1)
class Max(Variadic):
    """The largest of the operands; NaN where one is NaN."""

    function = "max_of"
    evaluate = staticmethod(by_kind(dims.maximum, np.maximum))
    cases = (*_CASES, *_TYPES)


@operator("Min", since=1)
class Min(Variadic):
    """The smallest of the operands; NaN where one is NaN."""

    function = "min_of"
    evaluate = staticmethod(by_kind(dims.minimum, np.minimum))
    cases = (*_CASES, *_TYPES)


@operator("Sum", since=1)
class Sum(Variadic):
    """The sum of the operands, from the first to the last."""

    function = "add"
    cases = _CASES


@operator("Mean", since=1)
class Mean(Variadic):
    """The sum of the operands divided by their number."""

    function = "add"

    def expression(self, *operands: Expression) -> Expression:
        return super().expression(*operands) / Constant(len(operands), operands[0])

    cases = _CASES
