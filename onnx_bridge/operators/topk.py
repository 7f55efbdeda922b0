"""TopK."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import int64
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.kernels.sort import TOPK
from onnx_bridge.library.known import axis_in
from onnx_bridge.operators.cases import case, const, data, given


@operator("TopK", since=1)
class TopK(ROperator):
    """values, indices = the k largest (smallest) elements along `axis` and where they are, best first; of equal ones the first comes first.

    k is an attribute in opsets 1-9, an input since, which may be anything; since 11 the smallest may be asked
    for. With sorted=0 any order will do, and is this one.
    """

    kernels = (TOPK.header,)
    vectors = (1,)
    may_read_sizes = True
    computes = (TOPK.types, (int64,))

    axis: int = attribute(-1)
    k: int | None = attribute(None)
    largest: int = attribute(1)
    sorted: int = attribute(1)

    def wanted(self, x: Tensor) -> Size:
        """How many elements of x are asked for."""
        if self.opset < 10:
            if self.k is None:
                raise ShapeError("attribute 'k' is missing")
            return self.k
        if self.input(1).count != 1:
            raise ShapeError(f"k must be one number, got {self.input(1).type}")
        return self.size_in(self.input(1), "k", x.shape[axis_in(self.axis, x.rank)])

    def types(self, x: Tensor, *_: Tensor) -> list[Type]:
        axis, k = axis_in(self.axis, x.rank), self.wanted(x)
        rest = x.shape[axis] - k
        if isinstance(rest, int) and rest < 0:
            raise ShapeError(f"k must be at most {x.shape[axis]}, the size of axis {axis}, got {k}")
        if not self.found:
            dims.assume(rest)
        shape = (*x.shape[:axis], k, *x.shape[axis + 1 :])
        return [Type(x.dtype, shape), Type(int64, shape)]

    def reads(self) -> Sequence[int]:
        return (0, 1) if self.found else (0,)

    def scratch_bytes(self) -> Size:
        return TOPK.scratch_bytes(self.x.shape[axis_in(self.axis, self.x.rank)], self.wanted(self.x), self.x.dtype.size)

    def emit(self, cpp: Writer) -> None:
        if self.y.count == 0:
            return
        x, axis = self.x, axis_in(self.axis, self.x.rank)
        for k in self.found.values():
            cpp.read_size(k, self.input(1), x.shape[axis])
        outer, inner = dims.product(x.shape[:axis]), dims.product(x.shape[axis + 1 :])
        cpp.call(TOPK.function, outer, x.shape[axis], inner, self.wanted(x), bool(self.largest), x, self.y, self.output(1), cpp.scratch())

    _VALUES = (3.0, -1.0, 3.0, 0.0, -0.0, 7.5, 7.5, 2.0)
    cases = (
        case(x=("N", 40), k=const([5]), outputs=2),
        case(x=("N", 9, 3), k=const([9]), outputs=2, attributes={"axis": 1, "largest": 0}),
        case(x=(50, "N"), k=const([2]), outputs=2, attributes={"axis": 0}),
        case(x=given(_VALUES), k=const([6]), outputs=2),
        case(x=given(_VALUES), k=const([6]), outputs=2, attributes={"largest": 0}),
        case(x=(5, 9), k=data(1, dtype="int64", low=0, high=9), outputs=2),
        case(x=data(5, 9, dtype="int64", low=-3, high=3), k=const([4]), outputs=2, attributes={"axis": -2}),
        case(x=data(5, 9, dtype="int32", low=-3, high=3), k=const([4]), outputs=2),
        case(x=data(5, 9, dtype="float64"), k=const([4]), outputs=2),
        case(x=(5, 9), opset=9, outputs=2, attributes={"k": 3, "axis": 1}),
        case(x=(5, 9), k=const([3]), opset=10, outputs=2),
        case(x=(0, 3), k=const([2]), outputs=2),
        case(x=(2, 3), k=const([0]), outputs=2),
    )
