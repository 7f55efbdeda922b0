"""ArgMax and ArgMin: where the largest or smallest element stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from onnx_bridge.ir.dtypes import INTEGERS, WIDE_FLOATS, int64
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.known import axis_in
from onnx_bridge.library.loops import around
from onnx_bridge.operators.cases import case, data, given


@dataclass(eq=False, kw_only=True)
class Extreme(ROperator):
    """y (int64) = the index along `axis`; of equals the first, or the last (`select_last_index`, since opset 12)."""

    kernels = ("arg_max.hxx",)
    computes = ((*WIDE_FLOATS, *INTEGERS),)
    function: ClassVar[str] = ""

    axis: int = attribute(0)
    keepdims: int = attribute(1)
    select_last_index: int = attribute(0)

    def types(self, x: Tensor) -> Type:
        axis = axis_in(self.axis, x.rank)
        if x.shape[axis] == 0:
            raise ShapeError(f"axis {axis} of {x.type} has no element")
        return Type(int64, (*x.shape[:axis], *([1] if self.keepdims else []), *x.shape[axis + 1 :]))

    def emit(self, cpp: Writer) -> None:
        axis = axis_in(self.axis, self.x.rank)
        cpp.call(self.function, *around(self.x.shape, axis, axis + 1), self.x, self.y, bool(self.select_last_index))


_TIES = np.random.default_rng(0).integers(0, 4, (5, 19, 40)).astype(np.float32)


def _cases() -> tuple[Any, ...]:
    return (
        case(x=("N", 5, 7), attributes={"axis": 1}),
        case(x=(3, 37), attributes={"axis": -1, "keepdims": 0}),
        case(x=(4, "N", 33), attributes={"axis": 0}),
        *(case(x=given(_TIES), attributes={"axis": axis, "select_last_index": last}) for axis in (1, 2) for last in (0, 1)),
        case(x=given([[1.0, np.nan, 2.0], [np.nan, 5.0, np.nan], [-np.inf, np.inf, np.inf]]), attributes={"axis": 1}),
        *(case(x=data(4, 9, dtype=d, low=0, high=5), attributes={"axis": 1}) for d in ("int32", "uint8", "int8", "float64")),
        case(x=(5,)),
        case(x=(3, 4), opset=11),
    )


@operator("ArgMax", since=1)
class ArgMax(Extreme):
    """The place of the largest element."""

    function = "arg_max"
    cases = _cases()


@operator("ArgMin", since=1)
class ArgMin(Extreme):
    """The place of the smallest element."""

    function = "arg_min"
    cases = _cases()
