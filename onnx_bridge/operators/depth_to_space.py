"""DepthToSpace and SpaceToDepth, each the inverse of the other: blocks of channels as blocks of pixels."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import MOVED
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.library import strided
from onnx_bridge.library.loops import contiguous_strides
from onnx_bridge.library.strided import Side
from onnx_bridge.operators.cases import case, data


def _copy_ordered(cpp: Writer, x: Tensor, y: Tensor, shape: Sequence[Size], order: Sequence[int]) -> None:
    """Emits y = x, taken as a tensor of `shape`, with its axes in another order."""
    strides = contiguous_strides(shape)
    sizes = [shape[axis] for axis in order]
    strided.copy(cpp, sizes, Side(y, contiguous_strides(sizes)), Side(x, [strides[axis] for axis in order]))


def _part(size: Size, parts: int, what: str) -> Size:
    """One of `parts` equal parts of a size."""
    if isinstance(size, int) and size % parts != 0:
        raise ShapeError(f"{what} must be a multiple of {parts}, got {size}")
    part = dims.floor_div(size, parts)
    same(part * parts, size)
    return part


def _check_mode(mode: str) -> None:
    if mode not in ("DCR", "CRD"):
        raise UnsupportedForm(f"mode must be DCR or CRD, got {mode!r}")


@operator("DepthToSpace", since=1)
class DepthToSpace(ROperator):
    """y[n, c, h * B + i, w * B + j] = x[n, (i * B + j) * C + c, h, w], or x[n, (c * B + i) * B + j, h, w] in mode CRD (since 11)."""

    kernels = ("copy.hxx",)
    computes = (MOVED,)

    blocksize: int = attribute()
    mode: str = attribute("DCR")

    def types(self, x: Tensor) -> Type:
        if x.rank != 4 or self.blocksize < 1:
            raise ShapeError(f"x must have rank 4 and blocksize be positive, got {x.type} and {self.blocksize}")
        _check_mode(self.mode)
        n, c, h, w = x.shape
        block = self.blocksize
        return Type(x.dtype, (n, _part(c, block * block, "the number of channels"), h * block, w * block))

    def emit(self, cpp: Writer) -> None:
        n, _, h, w = self.x.shape
        block, channels = self.blocksize, self.y.shape[1]
        if self.mode == "DCR":
            _copy_ordered(cpp, self.x, self.y, [n, block, block, channels, h, w], [0, 3, 4, 1, 5, 2])
        else:
            _copy_ordered(cpp, self.x, self.y, [n, channels, block, block, h, w], [0, 1, 4, 2, 5, 3])

    cases = (
        case(x=("N", 12, 3, "W"), attributes={"blocksize": 2}),
        case(x=("N", 12, 3, 5), attributes={"blocksize": 2, "mode": "CRD"}),
        case(x=(1, 9, 2, 2), attributes={"blocksize": 3}, opset=9),
        case(x=data(1, 8, 2, 2, dtype="float64"), attributes={"blocksize": 2}),
        case(x=(2, 3, 2, 2), attributes={"blocksize": 1}),
    )


@operator("SpaceToDepth", since=1)
class SpaceToDepth(ROperator):
    """y[n, (i * B + j) * C + c, h, w] = x[n, c, h * B + i, w * B + j], or y[n, (c * B + i) * B + j, h, w] in mode CRD (since 28)."""

    kernels = ("copy.hxx",)
    computes = (MOVED,)

    blocksize: int = attribute()
    mode: str = attribute("DCR")

    def types(self, x: Tensor) -> Type:
        if x.rank != 4 or self.blocksize < 1:
            raise ShapeError(f"x must have rank 4 and blocksize be positive, got {x.type} and {self.blocksize}")
        _check_mode(self.mode)
        n, c, h, w = x.shape
        block = self.blocksize
        return Type(x.dtype, (n, c * block * block, _part(h, block, "the height"), _part(w, block, "the width")))

    def emit(self, cpp: Writer) -> None:
        n, c, _, _ = self.x.shape
        _, _, h, w = self.y.shape
        order = [0, 3, 5, 1, 2, 4] if self.mode == "DCR" else [0, 1, 3, 5, 2, 4]
        _copy_ordered(cpp, self.x, self.y, [n, c, h, self.blocksize, w, self.blocksize], order)

    cases = (
        case(x=("N", 3, 4, 6), attributes={"blocksize": 2}),
        case(x=(1, 2, 9, 3), attributes={"blocksize": 3}),
        case(x=data(1, 2, 4, 2, dtype="float64"), attributes={"blocksize": 2}, opset=9),
    )
