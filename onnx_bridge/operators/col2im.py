"""Col2Im."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import IN_FLOAT32, WIDE_FLOATS, int64
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.operators.cases import case, const, given


@operator("Col2Im", since=18)
class Col2Im(ROperator):
    """y[N, C, image...] = the columns x[N, C * block, L], each the elements of a block at one place, added where they overlap."""

    kernels = ("col2im.hxx",)
    vectors = (1, 2)
    computes = (WIDE_FLOATS, (int64,))
    widens = IN_FLOAT32

    dilations: list[int] | None = attribute(None)
    pads: list[int] | None = attribute(None)
    strides: list[int] | None = attribute(None)

    def axes(self) -> list[tuple[Size, Size, Size, int, int, int]]:
        """For each spatial axis: pixels, elements of the block, places, stride, dilation, what is cut off in front."""
        image = self.input(1).sizes()
        block = self.input(2).sizes()
        rank = len(image)
        ones, pads = [1] * rank, self.pads or [0] * 2 * rank
        strides, dilations = self.strides or ones, self.dilations or ones
        if not len(block) == len(strides) == len(dilations) == rank == len(pads) // 2:
            raise ShapeError(f"block, strides, dilations and pads must be for {rank} axes, got {block}, {strides}, {dilations}, {pads}")
        found = []
        for axis, size in enumerate(image):
            reach = size + (pads[axis] + pads[rank + axis] - (dilations[axis] * (block[axis] - 1) + 1))
            count = dims.floor_div(reach, strides[axis]) + 1
            found.append((size, block[axis], count, strides[axis], dilations[axis], pads[axis]))
        return found

    def types(self, x: Tensor, image: Tensor, block: Tensor) -> Type:
        if x.rank != 3:
            raise ShapeError(f"x must be [N, C * block, L], got {x.type}")
        axes = self.axes()
        if not 0 < len(axes) <= 3:
            raise UnsupportedForm(f"images have one to three axes, got {len(axes)}")
        elements = dims.product(axis[1] for axis in axes)
        if isinstance(x.shape[1], int) and isinstance(elements, int) and (elements == 0 or x.shape[1] % elements):
            raise ShapeError(f"{x.shape[1]} rows cannot be parted into blocks of {elements} elements")
        same(x.shape[2], dims.product(axis[2] for axis in axes))
        same(elements * dims.floor_div(x.shape[1], elements), x.shape[1])
        return Type(x.dtype, (x.shape[0], dims.floor_div(x.shape[1], elements), *(axis[0] for axis in axes)))

    def reads(self) -> Sequence[int]:
        return (0,)

    def emit(self, cpp: Writer) -> None:
        axes = [(1, 1, 1, 1, 1, 0)] * (3 - len(self.axes())) + self.axes()
        described = [f"Col2ImAxis{{{', '.join(cpp.size(size) for size in axis)}}}" for axis in axes]
        cpp.call("col2im", dims.product(self.y.shape[:2]), *described, self.x, self.y)

    cases = (
        case(x=("N", 12, 20), image=const([5, 6]), block=const([2, 2])),
        case(x=(2, 27, 12), image=const([6, 7]), block=const([3, 3]), attributes={"strides": [2, 2], "pads": [1, 1, 1, 1]}),
        case(x=(2, 8, 9), image=const([5, 6]), block=const([2, 2]),
             attributes={"dilations": [2, 3], "strides": [1, 2], "pads": [0, 0, 0, 2]}),
        case(x=(2, 6, 9), image=const([10]), block=const([2])),
        case(x=(1, 8, 8), image=const([3, 3, 3]), block=const([2, 2, 2])),
        case(x=(0, 4, 9), image=const([4, 4]), block=const([2, 2])),
        case(x=("N", 12, 20), image=given([5, 6], "int64"), block=given([2, 2], "int64")),
    )  # fmt: skip
