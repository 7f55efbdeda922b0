"""GridSample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import WIDE_FLOATS
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.operators.cases import Case, case, data, given

#: As opset 16 calls them, and since 20.
_MODES = {"bilinear": "linear", "bicubic": "cubic", "linear": "linear", "cubic": "cubic", "nearest": "nearest"}
_PADDINGS = ("zeros", "border", "reflection")


@operator("GridSample", since=16)
class GridSample(ROperator):
    """y[N, C, pixels...] = x[N, C, (D,) H, W] at the places grid[N, pixels..., 2 or 3], written from -1 to 1 in the order x, y, z.

    mode linear, nearest, cubic; padding_mode zeros, border, reflection.
    """

    kernels = ("grid_sample.hxx",)
    computes = (WIDE_FLOATS, WIDE_FLOATS)

    align_corners: int = attribute(0)
    mode: str = attribute({16: "bilinear", 20: "linear"})
    padding_mode: str = attribute("zeros")

    def types(self, x: Tensor, grid: Tensor) -> Type:
        if self.mode not in _MODES:
            raise UnsupportedForm(f"mode must be one of {', '.join(_MODES)}, got {self.mode!r}")
        if self.padding_mode not in _PADDINGS:
            raise UnsupportedForm(f"padding_mode must be one of {', '.join(_PADDINGS)}, got {self.padding_mode!r}")
        if x.rank < 3 or grid.rank != x.rank:
            raise ShapeError(f"x must be [N, C, ...] and grid of its rank, got {x.type} and {grid.type}")
        if x.rank not in (4, 5):
            raise UnsupportedForm(f"images have two or three axes, got {x.type}")
        same(grid.shape[0], x.shape[0])
        same(grid.shape[-1], x.rank - 2)
        return Type(x.dtype, (*x.shape[:2], *grid.shape[1:-1]))

    def emit(self, cpp: Writer) -> None:
        x, grid, y = self.x, self.input(1), self.y
        sizes = [1] * (5 - x.rank) + list(x.shape[2:])
        ways = f"GridMode::{_MODES[self.mode]}, GridPadding::{self.padding_mode}, {x.rank - 2}"
        pixels = dims.product(y.shape[2:])
        cpp.call(f"grid_sample<{ways}>", bool(self.align_corners), x.shape[0], x.shape[1], sizes, pixels, x, grid, y)

    _FLAT = data("N", 5, 4, 2, low=-1.6, high=1.6)
    _DEEP = data(2, 3, 4, 5, 3, low=-1.6, high=1.6)
    cases: ClassVar[Sequence[Case]] = (
        case(x=("N", 3, 6, 7), grid=_FLAT, opset=16),
        case(x=("N", 3, 6, 7), grid=_FLAT, attributes={"mode": "nearest"}),
        case(x=("N", 3, 6, 7), grid=_FLAT, attributes={"mode": "cubic"}),
        case(x=("N", 3, 6, 7), grid=_FLAT, attributes={"mode": "bicubic", "padding_mode": "border"}, opset=16),
        case(x=("N", 3, 6, 7), grid=_FLAT, attributes={"mode": "cubic", "padding_mode": "reflection", "align_corners": 1}),
        case(x=("N", 3, "H", "W"), grid=data("N", "P", 4, 2, low=-3, high=3), attributes={"padding_mode": "border"}),
        case(x=("N", 3, 6, 7), grid=_FLAT, attributes={"padding_mode": "reflection"}, opset=20),
        case(x=(2, 3, 6, 7), grid=data(2, 5, 4, 2, low=-9, high=9), attributes={"padding_mode": "reflection", "align_corners": 1}),
        case(x=(2, 3, 6, 7), grid=data(2, 5, 4, 2, low=-9, high=9), attributes={"padding_mode": "reflection", "mode": "nearest"}),
        case(x=(2, 3, 6, 7), grid=data(2, 5, 4, 2), attributes={"padding_mode": "border", "mode": "nearest", "align_corners": 1}),
        case(x=(2, 2, 3, 5, 4), grid=_DEEP),
        case(x=(2, 2, 3, 5, 4), grid=_DEEP, attributes={"mode": "nearest", "padding_mode": "border"}),
        case(x=(2, 2, 3, 5, 4), grid=_DEEP, attributes={"padding_mode": "reflection", "align_corners": 1}),
        case(x=(1, 2, 3, 3), grid=given([[[[-1.0, -1.0], [1.0, 1.0], [0.0, 0.0], [-0.5, 1e9]]]]), attributes={"align_corners": 1}),
        case(x=data(2, 3, 6, 7, dtype="float64"), grid=data(2, 5, 4, 2, dtype="float64"), attributes={"mode": "cubic"}),
        case(x=(0, 3, 6, 7), grid=(0, 5, 4, 2)),
    )


@operator("GridSample", domain="com.microsoft")
class MicrosoftGridSample(GridSample):
    """GridSample of opset 16, for images of two axes."""

    mode: str = attribute("bilinear")

    cases: ClassVar[Sequence[Case]] = (
        case(x=("N", 3, 6, 7), grid=data("N", 5, 4, 2, low=-1.6, high=1.6)),
        case(x=(2, 3, 6, 7), grid=data(2, 5, 4, 2, low=-1.6, high=1.6), attributes={"mode": "bicubic", "align_corners": 1}),
        case(x=(2, 3, 6, 7), grid=data(2, 5, 4, 2, low=-3, high=3), attributes={"padding_mode": "reflection", "mode": "nearest"}),
    )
