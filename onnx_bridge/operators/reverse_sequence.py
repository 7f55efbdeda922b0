"""ReverseSequence."""

from __future__ import annotations

from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import MOVED, int64
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.operators.cases import case, data


@operator("ReverseSequence", since=10)
class ReverseSequence(ROperator):
    """y = x with the first sequence_lens[b] steps of each sequence b in reverse order; time and batch are the first two axes."""

    kernels = ("order.hxx",)
    computes = (MOVED,)

    time_axis: int = attribute(0)
    batch_axis: int = attribute(1)

    def types(self, x: Tensor, sequence_lens: Tensor) -> Type:
        if sorted((self.time_axis, self.batch_axis)) != [0, 1] or x.rank < 2:
            raise ShapeError(f"time_axis and batch_axis must be the first two axes, got {self.time_axis} and {self.batch_axis} of {x.type}")
        if sequence_lens.rank != 1 or sequence_lens.dtype is not int64:
            raise ShapeError(f"sequence_lens must be a vector of int64, got {sequence_lens.type}")
        same(sequence_lens.shape[0], x.shape[self.batch_axis])
        return x.type

    def emit(self, cpp: Writer) -> None:
        x = self.x
        time, batch = x.shape[self.time_axis], x.shape[self.batch_axis]
        cpp.call("reverse_sequence", time, batch, dims.product(x.shape[2:]), self.batch_axis == 0, self.input(1), x, self.y)

    _BATCH_FIRST = {"time_axis": 1, "batch_axis": 0}
    cases = (
        case(x=(7, "N", 3), sequence_lens=data("N", dtype="int64", low=0, high=8)),
        case(x=("N", 7, 3), sequence_lens=data("N", dtype="int64", low=0, high=8), attributes=_BATCH_FIRST),
        case(x=data("N", 7, dtype="str"), sequence_lens=data("N", dtype="int64", low=0, high=8), attributes=_BATCH_FIRST),
        case(x=("N", 7), sequence_lens=data("N", dtype="int64", low=0, high=8), attributes=_BATCH_FIRST),
        case(x=data(7, 2, dtype="int64", high=99), sequence_lens=data(2, dtype="int64", low=0, high=8)),
    )
