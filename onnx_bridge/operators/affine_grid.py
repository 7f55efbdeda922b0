"""AffineGrid."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir.dtypes import WIDE_FLOATS, int64
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits, same
from onnx_bridge.operators.cases import case, const, data


@operator("AffineGrid", since=20)
class AffineGrid(ROperator):
    """y[N, (D,) H, W, 2 or 3] = the places of an image's pixels, from -1 to 1, moved by theta[N, 2, 3] or [N, 3, 4].

    `size` is the image's shape, N, C, (D,) H, W: a constant, or computed from dims.
    """

    kernels = ("affine_grid.hxx",)
    computes = (WIDE_FLOATS, (int64,))
    vectors = (1,)

    align_corners: int = attribute(0)

    def types(self, theta: Tensor, size: Tensor) -> Type:
        sizes = size.sizes()
        rank = len(sizes) - 2
        if rank not in (2, 3):
            raise ShapeError(f"size must be [N, C, H, W] or [N, C, D, H, W], got {[str(one) for one in sizes]}")
        if any(isinstance(one, int) and one < 1 for one in sizes):
            raise ShapeError(f"sizes must be at least 1, got {[str(one) for one in sizes]}")
        fits(theta, (theta.shape[0] if theta.rank else 1, rank, rank + 1), "theta")
        same(theta.shape[0], sizes[0])
        return Type(theta.dtype, (theta.shape[0], *sizes[2:], rank))

    def reads(self) -> Sequence[int]:
        return (0,)

    def emit(self, cpp: Writer) -> None:
        rank = self.y.rank - 2
        cpp.call(f"affine_grid<{rank}>", self.y.shape[0], self.y.shape[1:-1], bool(self.align_corners), self.x, self.y)

    cases = (
        case(theta=(2, 2, 3), size=const([2, 3, 5, 6]), opset=20),
        case(theta=(2, 2, 3), size=const([2, 3, 5, 6]), attributes={"align_corners": 1}),
        case(theta=(2, 3, 4), size=const([2, 3, 4, 5, 6])),
        case(theta=(2, 3, 4), size=const([2, 3, 4, 5, 6]), attributes={"align_corners": 1}),
        case(theta=(2, 2, 3), size=data(4, dtype="int64", low=2, high=3)),
        case(theta=(2, 2, 3), size=const([2, 1, 1, 7])),
        case(theta=(2, 2, 3), size=const([2, 1, 1, 7]), attributes={"align_corners": 1}),
        case(theta=data(2, 2, 3, dtype="float64"), size=const([2, 1, 4, 7])),
    )
