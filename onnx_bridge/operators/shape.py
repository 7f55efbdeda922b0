"""Shape and Size: what is known of a tensor before the model runs, so that neither is ever emitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir.dtypes import MOVED, int64
from onnx_bridge.ir.roperator import ROperator, attribute, operator
from onnx_bridge.ir.tensor import Shape as Sizes
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.library.known import of_sizes
from onnx_bridge.operators.cases import case, data


@operator("Shape", since=1)
class Shape(ROperator):
    """y = the shape of x, since opset 15 its axes from `start` to before `end` only; both may count from the end and are clamped."""

    computes = (MOVED,)

    start: int = attribute(0)
    end: int | None = attribute(None)

    def types(self, x: Tensor) -> Type:
        return Type(int64, (len(self.chosen(x)),))

    def values(self, x: Tensor) -> np.ndarray:
        return of_sizes(self.chosen(x), int64)

    def chosen(self, x: Tensor) -> Sizes:
        """The sizes that are asked for."""
        return x.shape[self.start : self.end]

    def reads(self) -> Sequence[int]:
        return ()

    cases = (
        case(x=("N", 3, "M")),
        case(x=("N", 3, "M"), opset=13),
        case(x=data("N", 3, dtype="str")),
        case(x=(2, 3)),
        case(x=("N", 3, "M"), attributes={"start": 1}),
        case(x=("N", 3, "M"), attributes={"start": -1}),
        case(x=("N", 3, "M"), attributes={"start": -9, "end": -1}),
        case(x=("N", 3, "M"), attributes={"start": 2, "end": 1}),
        case(x=data(dtype="int64", high=5)),
    )


@operator("Size", since=1)
class Size(ROperator):
    """y = the number of elements of x."""

    computes = (MOVED,)

    def types(self, x: Tensor) -> Type:
        return Type(int64, ())

    def values(self, x: Tensor) -> np.ndarray:
        return of_sizes([x.count], int64).reshape(())

    def reads(self) -> Sequence[int]:
        return ()

    cases = (case(x=("N", 3, "M")), case(x=(2, 3)), case(x=data(dtype="bool", low=0, high=2)))
