"""Gather."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.roperator import Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library import strided
from onnx_bridge.library.known import MOST, axis_in, settled
from onnx_bridge.library.loops import contiguous_strides
from onnx_bridge.library.moving import Moving
from onnx_bridge.library.strided import Side
from onnx_bridge.library.view import View
from onnx_bridge.operators.cases import case, const, data, given, weight


@operator("Gather", since=1)
class Gather(Moving):
    """y[i.., j.., k..] = x[i.., indices[j..], k..], `axis` being that of the index; an index may count from the end (since 11)."""

    kernels = ("gather.hxx", "copy.hxx")

    axis: int = attribute(0)

    def types(self, x: Tensor, indices: Tensor) -> Type:
        axis = axis_in(self.axis, x.rank)
        if indices.dtype.name not in ("int32", "int64"):
            raise ShapeError(f"indices must be int32 or int64, got {indices.type}")
        size = x.shape[axis]
        if indices.is_constant and isinstance(size, int) and np.any((indices.constant() < -size) | (indices.constant() >= size)):
            raise ShapeError(f"indices must be from {-size} to {size - 1} on axis {axis} of {x.type}")
        return Type(x.dtype, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))

    def values(self, x: Tensor, indices: Tensor) -> np.ndarray | None:
        if x.value is None or not indices.is_constant:
            return None
        value = np.asarray(np.take(x.value, indices.constant(), axis_in(self.axis, x.rank)))
        return settled(value, x.dtype) if value.size <= max(MOST, x.value.size) else None

    def one(self) -> int | None:
        """The place along the axis where there is only one, known, and inside for certain."""
        indices, size = self.input(1), self.x.shape[axis_in(self.axis, self.x.rank)]
        if not indices.is_constant or indices.count != 1:
            return None
        index = int(indices.constant().reshape(-1)[0])
        if isinstance(size, int):
            return index % size
        return index if index >= 0 and dims.at_least(size, index + 1) else None

    def seen(self, output: Tensor, view: View) -> View | None:
        axis, place = axis_in(self.axis, self.x.rank), self.one()
        if place is None:
            return None
        view = view.cut(axis, place, 1)
        return view.without(axis) if self.input(1).rank == 0 else view.reshaped(output.shape)

    def emit(self, cpp: Writer) -> None:
        x, indices, axis, one = self.x, self.input(1), axis_in(self.axis, self.x.rank), self.one()
        if one is not None:
            strides = contiguous_strides(x.shape)
            shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
            strided.copy(cpp, shape, Side(self.y, contiguous_strides(shape)), Side(x, strides, one * strides[axis]))
            return
        outer, inner = dims.product(x.shape[:axis]), dims.product(x.shape[axis + 1 :])
        cpp.call("gather", outer, x.shape[axis], inner, indices.count, x, indices, self.y)

    cases = (
        case(x=weight(50, 8), indices=data("N", 3, dtype="int64", low=-50, high=50)),
        case(x=("N", 7, 4), indices=const([0, -1, 3]), attributes={"axis": 1}),
        case(x=data("N", 7, dtype="str"), indices=const([0, -1, 3]), attributes={"axis": 1}),
        case(x=("N", 7, 4), indices=const(2), attributes={"axis": 1}),
        case(x=("N", 7, 4), indices=const([[-1]]), attributes={"axis": -1}),
        case(x=data(4, 7, dtype="int64", high=99), indices=data(2, 2, dtype="int32", low=0, high=7), attributes={"axis": 1}, opset=10),
        case(x=data(9, dtype="bool", low=0, high=2), indices=data("N", dtype="int64", low=0, high=9)),
        case(x=data(9, dtype="float16"), indices=given(3, "int64")),
        case(x=(3, 5), indices=const(np.zeros((0, 2), np.int64))),
    )
