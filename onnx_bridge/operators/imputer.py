"""Imputer."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.dtypes import WIDE_FLOATS, int32, int64
from onnx_bridge.ir.literals import literal
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.operators.cases import case, data, given


@operator("Imputer", domain="ai.onnx.ml", since=1)
class Imputer(ROperator):
    """y = x where it is not `replaced_value`, which may be NaN, else the imputed value, one for all or one for each feature."""

    kernels = ("features.hxx",)
    computes = ((*WIDE_FLOATS, int32, int64),)

    imputed_value_floats: list[float] | None = attribute(None)
    imputed_value_int64s: list[int] | None = attribute(None)
    replaced_value_float: float = attribute(0.0)
    replaced_value_int64: int = attribute(0)

    def imputed(self, x: Tensor) -> np.ndarray:
        """The values, of the type of x.

        Raises:
            ShapeError: there are none of its kind, or of both.
        """
        of_kind = self.imputed_value_floats if x.dtype.is_float else self.imputed_value_int64s
        other = self.imputed_value_int64s if x.dtype.is_float else self.imputed_value_floats
        if not of_kind or other:
            raise ShapeError(f"there must be imputed_value_{'floats' if x.dtype.is_float else 'int64s'} alone for {x.type}")
        return np.asarray(of_kind).astype(x.dtype.numpy)

    def types(self, x: Tensor) -> Type:
        values = self.imputed(x)
        if x.rank == 0:
            raise ShapeError(f"x must have features, got {x.type}")
        if len(values) > 1:
            same(x.shape[-1], len(values))
        return x.type

    def emit(self, cpp: Writer) -> None:
        x, values = self.x, self.imputed(self.x)
        replaced = literal(self.replaced_value_float if x.dtype.is_float else self.replaced_value_int64, x.dtype)
        cpp.call("impute", x.count, len(values), x, replaced, cpp.weight(f"{self.y.name}_values", values), self.y)

    _X = [[1.0, np.nan, 3.0], [0.0, -0.0, 2.0], [np.nan, np.nan, np.nan]]
    cases = (
        case(x=given(_X), attributes={"imputed_value_floats": [7.0, 8.0, 9.0], "replaced_value_float": float("nan")}, exact=True),
        case(x=given(_X), attributes={"imputed_value_floats": [7.0]}, exact=True),
        case(x=data("N", 3), attributes={"imputed_value_floats": [7.0], "replaced_value_float": 1.0}, exact=True),
        case(x=data("N", 3, dtype="int64", low=0, high=3), attributes={"imputed_value_int64s": [7, 8, 9], "replaced_value_int64": 1}),
    )
