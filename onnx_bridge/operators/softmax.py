"""Softmax, LogSoftmax and Hardmax."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.kernels.rows import LOG_SOFTMAX
from onnx_bridge.library.kernel import for_type
from onnx_bridge.library.known import axis_in
from onnx_bridge.library.loops import around, short
from onnx_bridge.operators.cases import case, data, given


@dataclass(eq=False, kw_only=True)
class AlongAxis(ROperator):
    """A function of rows: along `axis`; before opset 13 along all axes from `axis` on, taken as one."""

    computes = (WIDE_FLOATS,)

    axis: int = attribute({1: 1, 13: -1})

    def types(self, x: Tensor) -> Type:
        axis_in(self.axis, max(x.rank, 1))
        return x.type

    def rows(self) -> tuple[Size, Size, Size]:
        """X as [outer][n][inner], n being what a row is."""
        x = self.x
        if x.rank == 0:
            return 1, 1, 1
        axis = axis_in(self.axis, x.rank)
        return around(x.shape, axis, axis + 1 if self.opset >= 13 else x.rank)


def _cases() -> tuple[Any, ...]:
    return (
        *(case(x=("N", n)) for n in (1, 2, 5, 16, 33, 64, 100)),
        case(x=("N", 10, 7), attributes={"axis": 1}),
        case(x=(3, "N"), attributes={"axis": -1}),
        case(x=("N", 4, 40), attributes={"axis": 0}),
        case(x=(2, 3, "N", 5), opset=11),
        case(x=(2, 3, 4), opset=12, attributes={"axis": 2}),
        case(x=(2, 3, 4), opset=12, attributes={"axis": 0}),
        case(x=(2, 3, 4), opset=11, attributes={"axis": -2}),
        case(x=(3, 1000)),
        case(x=(3, 5000)),
        case(x=data(3, 21, low=-200, high=200)),
        case(x=(0, 3)),
        case(x=data(7)),
        case(x=data(3, 21, dtype="float64")),
        case(x=data(3, 21, 2, dtype="float64"), attributes={"axis": 1}),
    )


@operator("Softmax", since=1)
class Softmax(AlongAxis):
    """y = exp(x) / sum of exp(x), along a row. It becomes SoftmaxRows (select/softmax.py)."""

    cases = _cases()


@dataclass(eq=False, kw_only=True)
class MaskedSoftmax(Softmax):
    """Softmax whose rows of nothing but -inf give zeros; no file names it, Attention is made of it."""

    op_type = "MaskedSoftmax"
    cases = ()


@operator("LogSoftmax", since=1)
class LogSoftmax(AlongAxis):
    """y = x - log(sum of exp(x)), along a row."""

    in_place = (0,)
    cases = _cases()

    def kernel_files(self) -> Sequence[str]:
        return [for_type(self.x.dtype, LOG_SOFTMAX).header]

    def emit(self, cpp: Writer) -> None:
        outer, n, inner = self.rows()
        cpp.call(for_type(self.x.dtype, LOG_SOFTMAX).function, outer, short(cpp, n), "Const<1>()" if inner == 1 else inner, self.x, self.y)


@operator("Hardmax", since=1)
class Hardmax(AlongAxis):
    """y = 1 at the first of a row's largest elements, 0 elsewhere."""

    kernels = ("softmax.hxx",)

    def emit(self, cpp: Writer) -> None:
        cpp.call("hardmax", *self.rows(), self.x, self.y)

    cases = (
        case(x=("N", 5)),
        case(x=("N", 5, 3), attributes={"axis": 1}),
        case(x=given([[1.0, 3.0, 3.0, 2.0], [-1.0, -1.0, -1.0, -1.0]])),
        case(x=(2, 3, 4), opset=11),
    )
