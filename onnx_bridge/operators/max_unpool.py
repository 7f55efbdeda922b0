"""MaxUnpool."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits, same
from onnx_bridge.operators.cases import case, const, data, given


@operator("MaxUnpool", since=9)
class MaxUnpool(ROperator):
    """y = zeros, but at indices[i] what x[i] is: MaxPool undone, of which x and the indices are the outputs.

    An index counts the elements of all of y, as MaxPool's does; one outside of it is dropped, and of equal ones the last counts. y has
    `output_shape`, or the smallest shape that MaxPool with these strides, pads and kernel_shape makes x from. (onnx.reference counts
    indices in that smallest shape even where output_shape is another one. What MaxPool has found is then put elsewhere, or nowhere; ONNX
    says that pooling the result gives x again. onnxruntime and PyTorch do as said here.)
    """

    kernels = ("max_unpool.hxx",)
    vectors = (2,)

    kernel_shape: list[int] = attribute()
    pads: list[int] | None = attribute(None)
    strides: list[int] | None = attribute(None)

    def types(self, x: Tensor, indices: Tensor, output_shape: Tensor | None = None) -> Type:
        if x.rank < 3:
            raise ShapeError(f"x must be [N, C, ...], got {x.type}")
        fits(indices, x.shape, "indices")
        rank = x.rank - 2
        strides, pads = self.strides or [1] * rank, self.pads or [0] * 2 * rank
        if not len(self.kernel_shape) == len(strides) == rank == len(pads) // 2 or min([*self.kernel_shape, *strides]) < 1 or min(pads) < 0:
            raise ShapeError(f"kernel_shape, strides and pads must be for {rank} axes, got {self.kernel_shape}, {strides}, {pads}")
        if output_shape is None:
            sizes: list[Size] = [
                (x.shape[2 + axis] - 1) * strides[axis] + self.kernel_shape[axis] - pads[axis] - pads[rank + axis] for axis in range(rank)
            ]
            return Type(x.dtype, (*x.shape[:2], *sizes))
        wanted = output_shape.sizes()
        if len(wanted) != x.rank or any(isinstance(size, int) and size < 0 for size in wanted):
            raise ShapeError(f"output_shape must be {x.rank} sizes, got {[str(size) for size in wanted]}")
        for size, given_size in zip(x.shape[:2], wanted[:2], strict=True):
            same(size, given_size)
        return Type(x.dtype, wanted)

    def reads(self) -> Sequence[int]:
        return (0, 1)

    def emit(self, cpp: Writer) -> None:
        cpp.call("max_unpool", self.x.count, self.y.count, self.x, self.input(1), self.y)

    _PLACES = data("N", 2, 3, 4, dtype="int64", low=0, high=40)
    cases = (
        case(x=("N", 2, 3, 4), indices=_PLACES, attributes={"kernel_shape": [2, 2], "strides": [2, 2]}),
        case(x=("N", 2, 3, 4), indices=_PLACES, attributes={"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 0, 0, 1]}, opset=11),
        case(x=(1, 1, 4), indices=given([[[0, 3, 4, 7]]], "int64"), attributes={"kernel_shape": [2], "strides": [2]}, opset=9),
        case(x=(1, 1, 2, 2), indices=given([[[[5, 7], [13, 24]]]], "int64"), output_shape=const([1, 1, 5, 5]),
             attributes={"kernel_shape": [2, 2], "strides": [2, 2]}),
        case(x=(1, 2, 2, 2, 2), indices=data(1, 2, 2, 2, 2, dtype="int64", low=0, high=54), attributes={"kernel_shape": [2, 2, 2]}),
    )  # fmt: skip
