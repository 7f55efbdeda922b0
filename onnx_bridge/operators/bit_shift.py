"""BitShift."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import INTEGERS
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, broadcast
from onnx_bridge.library import functions as f
from onnx_bridge.library.expressions import Expression
from onnx_bridge.library.steps import PointwiseOperator
from onnx_bridge.operators.cases import case, data


@operator("BitShift", since=11)
class BitShift(PointwiseOperator):
    """y = x shifted by `by` bits in `direction` LEFT or RIGHT.

    Signed integers, since opset 28, keep their sign to the right. By the type's width or more, or a negative number, what is left is 0, or
    -1 of a negative number to the right.
    """

    kernels = ("pointwise.hxx",)
    vectorised = False

    computes = (INTEGERS,)

    direction: str = attribute()

    def types(self, x: Tensor, by: Tensor) -> Type:
        if x.dtype is not by.dtype:
            raise ShapeError(f"operands must have one integer type, got {x.dtype} and {by.dtype}")
        if self.direction not in ("LEFT", "RIGHT"):
            raise ShapeError(f"direction must be LEFT or RIGHT, got {self.direction!r}")
        return Type(x.dtype, broadcast(x.shape, by.shape))

    def expression(self, *operands: Expression) -> Expression:
        return (f.bit_shift_left if self.direction == "LEFT" else f.bit_shift_right)(*operands)

    cases = tuple(
        case(x=data(5, 9, dtype=dtype, low=0, high=200), by=data(9, dtype=dtype, low=0, high=7), attributes={"direction": direction})
        for dtype in ("uint8", "uint32", "uint64")
        for direction in ("LEFT", "RIGHT")
    )
