"""ArrayFeatureExtractor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import WIDE_FLOATS, int32, int64, string
from onnx_bridge.ir.roperator import ROperator, Writer, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.known import MOST, settled
from onnx_bridge.operators.cases import case, const, data, given, weight


@operator("ArrayFeatureExtractor", domain="ai.onnx.ml", since=1)
class ArrayFeatureExtractor(ROperator):
    """z [..., places] = x along its last axis at the places that y names; of a vector x, one row."""

    computes = ((*WIDE_FLOATS, int32, int64, string), (int64,))

    def types(self, x: Tensor, y: Tensor) -> Type:
        if x.rank == 0:
            raise ShapeError(f"x must have features, got {x.type}")
        size = x.shape[-1]
        if y.is_constant and isinstance(size, int) and np.any((y.constant() < 0) | (y.constant() >= size)):
            raise ShapeError(f"y must be from 0 to {size - 1} for x of {x.type}")
        return Type(x.dtype, (*(x.shape[:-1] or (1,)), y.count))

    def values(self, x: Tensor, y: Tensor) -> np.ndarray | None:
        if x.value is None or not y.is_constant:
            return None
        value = np.take(x.value.reshape(-1, x.value.shape[-1]), y.constant().reshape(-1), -1)
        value = value.reshape(*(x.value.shape[:-1] or (1,)), -1)
        return settled(value, x.dtype) if value.size <= max(MOST, x.value.size) else None

    def kernel_files(self) -> Sequence[str]:
        return ["text_features.hxx" if self.x.dtype is string else "gather.hxx"]

    def emit(self, cpp: Writer) -> None:
        x, places = self.x, self.input(1)
        if x.dtype is string:
            cpp.call("gather_texts", dims.product(x.shape[:-1]), x.shape[-1], places.count, x, places, self.y)
            return
        cpp.call("gather", dims.product(x.shape[:-1]), x.shape[-1], 1, places.count, x, places, self.y)

    cases = (
        case(x=("N", 5), y=const([0, 4, 2])),
        case(x=(2, 3, 5), y=const([[1, 1]])),
        case(x=(5,), y=data("N", dtype="int64", low=0, high=5)),
        case(x=weight(1, 9), y=data("N", dtype="int64", low=0, high=9)),
        *(case(x=data(3, 5, dtype=kind, high=9), y=data(2, dtype="int64", low=0, high=5)) for kind in ("float64", "int32", "int64")),
        case(x=given([["a", "b", "cd"]], "str"), y=const([2, 0])),
    )
