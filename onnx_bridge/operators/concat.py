"""Concat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from onnx_bridge.ir.dtypes import MOVED
from onnx_bridge.ir.roperator import ROperator, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.library.known import axis_in, settled
from onnx_bridge.operators.cases import case, data, weight


@operator("Concat", since=1)
class Concat(ROperator):
    """y = the inputs one after the other along `axis`; their other sizes agree.

    `axis` is 1 unless given in opsets 1-3, and required since.
    """

    computes = (MOVED,)

    axis: int | None = attribute({1: 1, 4: None})

    def place(self) -> int:
        """The axis, from 0 on."""
        if self.axis is None:
            raise ShapeError("attribute 'axis' is missing")
        return axis_in(self.axis, self.x.rank)

    def types(self, *parts: Tensor) -> Type:
        axis = self.place()
        shape = list(parts[0].shape)
        for part in parts[1:]:
            if part.rank != len(shape) or part.dtype is not parts[0].dtype:
                raise ShapeError(f"inputs must have one type and rank, got {parts[0].type} and {part.type}")
            pairs = enumerate(zip(shape, part.shape, strict=True))
            shape = [size + other if at == axis else same(size, other) for at, (size, other) in pairs]
        return Type(parts[0].dtype, tuple(shape))

    def values(self, *parts: Tensor) -> np.ndarray | None:
        known = [part.value for part in parts if part.value is not None]
        return settled(np.concatenate(known, self.place()), parts[0].dtype) if len(known) == len(parts) else None

    def makes_zeros(self, zero: Callable[[Tensor], bool]) -> bool:
        return all(part is not None and zero(part) for part in self.inputs)

    cases = (
        case(a=("N", 3), b=("N", 5), attributes={"axis": 1}),
        case(a=("N", 3), b=("M", 3), c=(2, 3), attributes={"axis": 0}),
        case(a=("N", 3, 2), b=("N", 1, 2), c=("N", 40, 2), attributes={"axis": -2}),
        case(a=(3, 4), b=weight(3, 2), attributes={"axis": 1}, opset=9),
        case(a=(3, 4), attributes={"axis": 0}),
        case(a=(3, 0), b=(3, 4), attributes={"axis": 1}),
        case(a=data("N", 2, dtype="str"), b=data("N", 1, dtype="str"), attributes={"axis": 1}),
        case(a=data(3, "N", dtype="int64", high=9), b=data(3, 2, dtype="int64", high=9), attributes={"axis": 1}),
        case(a=data(3, 1, dtype="bool", low=0, high=2), b=data(3, 2, dtype="bool", low=0, high=2), attributes={"axis": 1}),
    )
