"""Transpose."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.roperator import Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library import strided
from onnx_bridge.library.known import moved
from onnx_bridge.library.loops import contiguous_strides
from onnx_bridge.library.moving import Permuting
from onnx_bridge.library.strided import Side
from onnx_bridge.operators.cases import case, data


@operator("Transpose", since=1)
class Transpose(Permuting):
    """y[i[perm[0]], i[perm[1]], ...] = x[i[0], i[1], ...]; without `perm` the axes are reversed."""

    kernels = ("copy.hxx",)

    perm: list[int] | None = attribute(None)

    @property
    def is_view(self) -> bool:  # type: ignore[override]
        """Where only axes of size 1 change their places, no element does."""
        order = [axis for axis in self.order(self.x) if self.x.shape[axis] != 1]
        return order == sorted(order)

    def order(self, x: Tensor) -> list[int]:
        return list(range(x.rank))[::-1] if self.perm is None else list(self.perm)

    def types(self, x: Tensor) -> Type:
        order = self.order(x)
        if sorted(order) != list(range(x.rank)):
            raise ShapeError(f"perm must name each of {x.rank} axes once, got {order}")
        return Type(x.dtype, tuple(x.shape[axis] for axis in order))

    def values(self, x: Tensor) -> np.ndarray | None:
        return moved(x, lambda value: np.transpose(value, self.order(x)))

    def emit(self, cpp: Writer) -> None:
        strides = contiguous_strides(self.x.shape)
        source = Side(self.x, [strides[axis] for axis in self.order(self.x)])
        strided.copy(cpp, self.y.shape, Side(self.y, contiguous_strides(self.y.shape)), source)

    cases = (
        case(x=data("N", 3, dtype="str")),
        case(x=("N", 37)),
        case(x=(33, "N", 5), attributes={"perm": [0, 2, 1]}, exact=True),
        case(x=("N", 7, 3, 16), attributes={"perm": [0, 2, 1, 3]}, exact=True),
        case(x=("N", 1, 9), attributes={"perm": [1, 0, 2]}),
        case(x=(2, 3, 4, 5, 6), attributes={"perm": [4, 1, 3, 0, 2]}),
        case(x=data(4, 9, dtype="int64", high=99)),
        case(x=data(4, 9, dtype="bool", low=0, high=2)),
        case(x=data(4, 9, dtype="float16")),
        case(x=data(4, 9, dtype="float64")),
        case(x=data(4, 9, dtype="uint8", low=0, high=200)),
        case(x=data()),
        case(x=(3, 0, 2)),
    )
