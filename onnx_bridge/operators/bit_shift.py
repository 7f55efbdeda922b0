"""BitShift."""

from __future__ import annotations

from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, broadcast
from onnx_bridge.library import functions as f
from onnx_bridge.library.expressions import Expression
from onnx_bridge.library.steps import PointwiseOperator
from onnx_bridge.operators.cases import case, data


@operator("BitShift", since=11)
class BitShift(PointwiseOperator):
    """y = x shifted by `by` bits in `direction` LEFT or RIGHT; 0 where that is the type's width or more."""

    kernels = ("pointwise.hxx",)
    vectorised = False

    direction: str = attribute()

    def types(self, x: Tensor, by: Tensor) -> Type:
        if x.dtype is not by.dtype or not x.dtype.name.startswith("uint"):
            raise ShapeError(f"operands must have one unsigned integer type, got {x.dtype} and {by.dtype}")
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
