"""Unique."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import int64
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.kernels.unique import UNIQUE
from onnx_bridge.library.known import axis_in
from onnx_bridge.operators.cases import Case, case, data, given


@operator("Unique", since=11)
class Unique(ROperator):
    """The different slices of x along `axis` (elements of the flat x without one), in order or as they come first.

    Further outputs: where each comes first, where in y each slice of x is, and how often each is there. How many there are is found as
    the network runs.
    """

    kernels = (UNIQUE.header,)
    computes = (UNIQUE.types,)

    axis: int | None = attribute(None)
    sorted: int = attribute(1)

    def around(self, x: Tensor) -> tuple[Size, Size, Size]:
        """The sizes before, along and behind the axis."""
        if self.axis is None:
            return 1, x.count, 1
        axis = axis_in(self.axis, x.rank)
        return dims.product(x.shape[:axis]), x.shape[axis], dims.product(x.shape[axis + 1 :])

    def types(self, x: Tensor) -> list[Type]:
        n = self.around(x)[1]
        count = self.find("different", n)
        axis = 0 if self.axis is None else axis_in(self.axis, x.rank)
        shape = (count,) if self.axis is None else (*x.shape[:axis], count, *x.shape[axis + 1 :])
        return [Type(x.dtype, shape), Type(int64, (count,)), Type(int64, (n,)), Type(int64, (count,))]

    def scratch_bytes(self) -> Size:
        return UNIQUE.scratch_bytes(self.around(self.x)[1])

    def emit(self, cpp: Writer) -> None:
        outer, n, inner = self.around(self.x)
        made = [self.outputs[index] if self.wants(index) else None for index in (1, 2, 3)]
        (count,) = self.found.values()
        cpp.call(f"{cpp.size(count)} = {UNIQUE.function}", outer, n, inner, bool(self.sorted), self.x, self.y, *made, cpp.scratch())

    cases: ClassVar[Sequence[Case]] = (
        case(x=data("N", 3, dtype="int64", low=0, high=4), outputs=4),
        case(x=given([2.0, 1.0, 1.0, 3.0, 4.0, 3.0]), outputs=4, attributes={"sorted": 0}),
        case(x=data(9, 2, dtype="int64", low=0, high=2), outputs=4, attributes={"axis": 0}),
        case(x=data(2, 9, "N", dtype="int64", low=0, high=2), outputs=4, attributes={"axis": -2, "sorted": 0}),
        case(x=given([0.5, -0.0, 0.0, -1.5, 0.5]), outputs=1),
        case(x=data(40, dtype="int8", low=-3, high=3), outputs=3),
        case(x=data(7, 3, dtype="float64"), outputs=4, attributes={"axis": 1}),
        case(x=given([1.0] * 5), outputs=4),
        case(x=given(["b", "a", "", "b", "\N{GREEK SMALL LETTER ALPHA}", "ab", "a"], "str"), outputs=4),
        case(x=data(9, 2, dtype="str"), outputs=4, attributes={"axis": 0, "sorted": 0}),
        case(x=data(2, 9, dtype="str"), outputs=4, attributes={"axis": 1}),
    )
