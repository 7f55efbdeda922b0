"""Split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.library import strided
from onnx_bridge.library.known import axis_in, settled
from onnx_bridge.library.loops import contiguous_strides
from onnx_bridge.library.moving import Moving
from onnx_bridge.library.strided import Side
from onnx_bridge.library.view import View
from onnx_bridge.operators.cases import case, const, data


@operator("Split", since=1)
class Split(Moving):
    """The outputs are the pieces of x along `axis`.

    Their sizes are the attribute `split` (opsets 1-12) or the input (since 13; opset 1 has both forms); without them the pieces are equal,
    where since 18 the last one may be smaller.
    """

    kernels = ("copy.hxx",)
    vectors = (1,)

    axis: int = attribute(0)
    split: list[int] | None = attribute(None)
    num_outputs: int | None = attribute(None)

    def pieces(self, x: Tensor, split: Tensor | None) -> list[Size]:
        """The sizes of the outputs along the axis."""
        whole, count = x.shape[axis_in(self.axis, x.rank)], len(self.outputs)
        if split is not None or self.split is not None:
            pieces: list[Size] = list(self.split or ()) if split is None else list(split.sizes())
            if len(pieces) != count:
                raise ShapeError(f"{count} outputs need as many sizes, got {pieces}")
            return pieces
        if self.num_outputs is not None and self.num_outputs != count:
            raise ShapeError(f"num_outputs is {self.num_outputs}, but there are {count} outputs")
        if self.opset < 18:
            if isinstance(whole, int) and whole % count != 0:
                raise ShapeError(f"{count} equal pieces of an axis of size {whole} do not exist")
            return [dims.floor_div(whole, count)] * count
        piece = dims.ceil_div(whole, count)
        return [piece] * (count - 1) + [whole - piece * (count - 1)]

    def types(self, x: Tensor, split: Tensor | None = None) -> list[Type]:
        axis = axis_in(self.axis, x.rank)
        pieces = self.pieces(x, split)
        same(sum(pieces, 0), x.shape[axis])
        if isinstance(pieces[-1], int) and pieces[-1] < 0:
            raise ShapeError(f"{len(pieces)} pieces of {pieces[0]} are more than the {x.shape[axis]} of the axis")
        dims.assume(pieces[-1])
        return [Type(x.dtype, (*x.shape[:axis], piece, *x.shape[axis + 1 :])) for piece in pieces]

    def values(self, x: Tensor, split: Tensor | None = None) -> Sequence[np.ndarray | None] | None:
        pieces = [piece for piece in self.pieces(x, split) if isinstance(piece, int)]
        if x.value is None or len(pieces) != len(self.outputs):
            return None
        return [settled(part, x.dtype) for part in np.split(x.value, np.cumsum(pieces)[:-1], axis_in(self.axis, x.rank))]

    def reads(self) -> Sequence[int]:
        return (0,)

    def seen(self, output: Tensor, view: View) -> View | None:
        axis = axis_in(self.axis, self.x.rank)
        start: Size = 0
        for piece, part in zip(self.pieces(*self.arguments(2)), self.outputs, strict=True):  # type: ignore[arg-type]
            if part is output:
                return view.cut(axis, start, piece)
            start = start + piece
        return None

    def emit(self, cpp: Writer) -> None:
        axis, strides = axis_in(self.axis, self.x.rank), contiguous_strides(self.x.shape)
        begin: Size = 0
        for piece, part in zip(self.pieces(*self.arguments(2)), self.outputs, strict=True):  # type: ignore[arg-type]
            if part is not None and not part.is_constant:
                strided.copy(cpp, part.shape, Side(part, contiguous_strides(part.shape)), Side(self.x, strides, begin * strides[axis]))
            begin = begin + piece

    cases = (
        case(x=("N", 9), split=const([2, 3, 4]), outputs=3, attributes={"axis": 1}),
        case(x=("N", 9), split=const([2, 0, 7]), outputs=3, attributes={"axis": -1}, opset=13),
        case(x=data("N", 9, dtype="str"), split=const([2, 3, 4]), outputs=3, attributes={"axis": 1}),
        case(x=("N", 9, 2), outputs=3, attributes={"axis": 1, "num_outputs": 3}),
        case(x=(10, 2), outputs=4, attributes={"num_outputs": 4}),
        case(x=(9, "N"), outputs=3, opset=13),
        case(x=(9, "N"), outputs=2, attributes={"split": [4, 5]}, opset=11),
        case(x=(3, 9), outputs=1, attributes={"axis": 1, "num_outputs": 1}),
        case(x=data("N", 8, dtype="int64", high=99), outputs=2, attributes={"axis": 1, "num_outputs": 2}),
    )
