"""Flatten."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.known import reshaped
from onnx_bridge.library.moving import Reshaping
from onnx_bridge.operators.cases import case, data


@operator("Flatten", since=1)
class Flatten(Reshaping):
    """y = x as a matrix, the same memory: the axes before `axis` become its rows, the others its columns.

    Since opset 11 `axis` may be negative.
    """

    axis: int = attribute(1)

    def types(self, x: Tensor) -> Type:
        if not -x.rank <= self.axis <= x.rank:
            raise ShapeError(f"axis must be from {-x.rank} to {x.rank}, got {self.axis}")
        axis = self.axis + x.rank if self.axis < 0 else self.axis
        return Type(x.dtype, (dims.product(x.shape[:axis]), dims.product(x.shape[axis:])))

    def values(self, x: Tensor) -> np.ndarray | None:
        return reshaped(x, self.types(x).shape)

    cases = (
        case(x=("N", 3, 4)),
        case(x=data("N", 3, dtype="str")),
        case(x=(2, "N", 4), attributes={"axis": 2}),
        case(x=(2, 3, 4), attributes={"axis": 0}, opset=9),
        case(x=(2, 3, 4), attributes={"axis": -1}),
        case(x=(2, 3, 4), attributes={"axis": 3}),
        case(x=data(dtype="int64", high=5), attributes={"axis": 0}),
        case(x=("N", 0)),
    )
