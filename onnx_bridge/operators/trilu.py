"""Trilu."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.operators.cases import Case, case, const, data, given


@operator("Trilu", since=14)
class Trilu(ROperator):
    """y = the upper triangle of each matrix of x from diagonal k on (k > 0: above the main one), or the lower one up to it; 0 elsewhere."""

    kernels = ("order.hxx",)
    in_place = (0,)

    upper: int = attribute(1)

    def types(self, x: Tensor, k: Tensor | None = None) -> Type:
        if x.rank < 2:
            raise ShapeError(f"x must have rank 2 or more, got {x.type}")
        if k is not None and (k.count != 1 or k.rank > 1):
            raise ShapeError(f"k must be one number, got {k.type}")
        return x.type

    def values(self, x: Tensor, k: Tensor | None = None) -> np.ndarray | None:
        if not x.is_constant or (k is not None and not k.is_constant):
            return None
        diagonal = 0 if k is None else int(k.constant().reshape(-1)[0])
        return np.triu(x.constant(), diagonal) if self.upper else np.tril(x.constant(), diagonal)

    def reads(self) -> Sequence[int]:
        k = self.arguments(2)[1]
        return (0,) if k is None or k.value is not None else (0, 1)

    def emit(self, cpp: Writer) -> None:
        x, k = self.x, self.arguments(2)[1]
        diagonal = "0" if k is None else cpp.size(k.sizes()[0]) if k.value is not None else f"*{cpp.pointer(k)}"
        cpp.call("trilu", dims.product(x.shape[:-2]), x.shape[-2], x.shape[-1], diagonal, bool(self.upper), x, self.y)

    cases: ClassVar[Sequence[Case]] = (
        case(x=("N", 5)),
        case(x=("N", 5, 4), attributes={"upper": 0}),
        case(x=("N", "M"), k=const(1)),
        case(x=(3, 5, 5), k=const([-2]), attributes={"upper": 0}),
        case(x=(5, 9), k=given(2, "int64")),
        case(x=(5, 9), k=const(100)),
        case(x=data(5, 9, dtype="int64", high=9), k=const(-100), attributes={"upper": 0}),
        case(x=data(5, 9, dtype="bool", low=0, high=2)),
        case(x=(0, 9)),
    )
