"""MaxRoiPool."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import WIDE_FLOATS
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits
from onnx_bridge.operators.cases import case, given


@operator("MaxRoiPool", since=1)
class MaxRoiPool(ROperator):
    """y[R, C, rows, columns] = the largest pixels in the bins of the regions rois[R, 5] (image, x1, y1, x2, y2) of x[N, C, H, W].

    An index of an image outside is brought to the nearest.
    """

    kernels = ("max_roi_pool.hxx",)
    computes = (WIDE_FLOATS,)

    pooled_shape: list[int] = attribute()
    spatial_scale: float = attribute(1.0)

    def types(self, x: Tensor, rois: Tensor) -> Type:
        if x.rank != 4 or rois.rank != 2 or rois.dtype is not x.dtype:
            raise ShapeError(f"x must be [N, C, H, W] and rois [R, 5] of its type, got {x.type} and {rois.type}")
        if len(self.pooled_shape) != 2 or min(self.pooled_shape) < 1:
            raise ShapeError(f"pooled_shape must be two sizes, got {self.pooled_shape}")
        fits(rois, (rois.shape[0], 5), "rois")
        return Type(x.dtype, (rois.shape[0], x.shape[1], *self.pooled_shape))

    def emit(self, cpp: Writer) -> None:
        rois = self.input(1)
        cpp.call("max_roi_pool", *self.x.shape, rois.shape[0], *self.pooled_shape, float(self.spatial_scale), self.x, rois, self.y)

    _ROIS = given([[0.0, 1.0, 1.0, 9.0, 7.0], [1.0, 0.0, 4.0, 3.0, 8.0], [1.0, -5.0, -3.0, 2.0, 2.0], [0.0, 6.0, 6.0, 6.0, 6.0]])
    cases = (
        case(x=(2, 5, 9, 11), rois=_ROIS, attributes={"pooled_shape": [3, 2]}, opset=21),
        case(x=(2, "C", "H", 11), rois=_ROIS, attributes={"pooled_shape": [2, 2], "spatial_scale": 0.5}, opset=16),
        case(x=(2, 3, 9, 11), rois=_ROIS, attributes={"pooled_shape": [7, 7]}, opset=11),
    )
