"""UnfoldTensor of com.microsoft."""

from __future__ import annotations

from onnx_bridge.ir import dims
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library import strided
from onnx_bridge.library.known import axis_in
from onnx_bridge.library.loops import contiguous_strides
from onnx_bridge.library.strided import Side
from onnx_bridge.operators.cases import case, data


@operator("UnfoldTensor", domain="com.microsoft")
class UnfoldTensor(ROperator):
    """y[..., i, ..., j] = x[..., i * step + j, ...]: the slices of `size` places along `dim`, each `step` behind the one before."""

    kernels = ("copy.hxx",)

    dim: int = attribute(-1)
    size: int = attribute()
    step: int = attribute(1)

    def types(self, x: Tensor) -> Type:
        axis = axis_in(self.dim, x.rank)
        length = x.shape[axis]
        if self.size < 1 or self.step < 1 or (isinstance(length, int) and length < self.size):
            raise ShapeError(f"slices of {self.size} places, {self.step} apart, do not fit axis {axis} of {x.type}")
        if not isinstance(length, int):
            dims.assume(length - self.size)
        count = dims.floor_div(length - self.size, self.step) + 1
        return Type(x.dtype, (*x.shape[:axis], count, *x.shape[axis + 1 :], self.size))

    def emit(self, cpp: Writer) -> None:
        axis, strides = axis_in(self.dim, self.x.rank), list(contiguous_strides(self.x.shape))
        apart = strides[axis]
        strides[axis] = apart * self.step
        strided.copy(cpp, self.y.shape, Side(self.y, contiguous_strides(self.y.shape)), Side(self.x, [*strides, apart]))

    cases = (
        case(x=("N", 7), attributes={"size": 3}),
        case(x=(4, "N", 10, 3), attributes={"dim": 2, "size": 4, "step": 2}),
        case(x=data(5, 4, dtype="int64", high=99), attributes={"dim": 0, "size": 5, "step": 3}),
    )
