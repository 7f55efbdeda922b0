"""RoiAlign."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import WIDE_FLOATS, int64
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits
from onnx_bridge.operators.cases import case, const, data, given


@operator("RoiAlign", since=10)
class RoiAlign(ROperator):
    """y[R, C, rows, columns] = the regions rois[R, 4] of the images batch_indices[R] of x[N, C, H, W], each brought to one size.

    mode avg or max, of `sampling_ratio` interpolated samples along each axis of a bin (0: as many as it has pixels). Before opset 16 there
    was no coordinate_transformation_mode: regions were not moved by half a pixel. An index of an image outside is brought to the nearest.
    """

    kernels = ("roi_align.hxx",)
    computes = (WIDE_FLOATS, WIDE_FLOATS, (int64,))

    coordinate_transformation_mode: str = attribute({10: "output_half_pixel", 16: "half_pixel"})
    mode: str = attribute("avg")
    output_height: int = attribute(1)
    output_width: int = attribute(1)
    sampling_ratio: int = attribute(0)
    spatial_scale: float = attribute(1.0)

    def types(self, x: Tensor, rois: Tensor, batch_indices: Tensor) -> Type:
        if self.mode not in ("avg", "max"):
            raise UnsupportedForm(f"mode must be avg or max, got {self.mode!r}")
        if self.coordinate_transformation_mode not in ("half_pixel", "output_half_pixel"):
            raise UnsupportedForm(f"coordinate_transformation_mode {self.coordinate_transformation_mode!r} is not known")
        if x.rank != 4 or rois.rank != 2 or rois.dtype is not x.dtype:
            raise ShapeError(f"x must be [N, C, H, W] and rois [R, 4] of its type, got {x.type} and {rois.type}")
        if min(self.output_height, self.output_width) < 1 or self.sampling_ratio < 0:
            raise ShapeError(
                f"the output must have a size and sampling_ratio not be negative, got {self.output_height}, {self.output_width} "
                f"and {self.sampling_ratio}"
            )
        fits(rois, (rois.shape[0], 4), "rois")
        fits(batch_indices, rois.shape[:1], "batch_indices")
        return Type(x.dtype, (rois.shape[0], x.shape[1], self.output_height, self.output_width))

    def emit(self, cpp: Writer) -> None:
        sizes = [*self.x.shape, *(self.y.shape[axis] for axis in (0, 2, 3)), self.sampling_ratio]
        half_pixel = self.coordinate_transformation_mode == "half_pixel"
        cpp.call(
            f"roi_align<{str(self.mode == 'max').lower()}>", *sizes, float(self.spatial_scale), half_pixel, self.x, self.input(1),
            self.input(2), self.y,
        )  # fmt: skip

    _ROIS = given([[1.0, 1.0, 9.0, 7.0], [0.0, 4.5, 3.0, 20.0], [-5.0, -3.0, 2.0, 2.0], [6.0, 6.0, 6.5, 6.25]])
    _BATCH = const([0, 1, 1, 0])
    _SIZE = {"output_height": 3, "output_width": 2}
    cases = (
        case(x=(2, 5, 9, 11), rois=_ROIS, batch_indices=_BATCH, attributes={**_SIZE, "sampling_ratio": 2}, opset=16),
        case(x=(2, 5, 9, 11), rois=_ROIS, batch_indices=_BATCH, attributes=_SIZE, opset=10),
        case(x=(2, 5, 9, 11), rois=_ROIS, batch_indices=_BATCH, attributes={**_SIZE, "mode": "max", "spatial_scale": 0.5}, opset=21),
        case(x=(2, 5, 9, 11), rois=_ROIS, batch_indices=_BATCH, opset=16,
             attributes={**_SIZE, "coordinate_transformation_mode": "output_half_pixel", "sampling_ratio": 3, "mode": "max"}),
        case(x=(3, "C", "H", 11), rois=data("R", 4, low=0, high=12), batch_indices=data("R", dtype="int64", low=0, high=3),
             attributes={**_SIZE, "spatial_scale": 0.7, "sampling_ratio": 1}, opset=16),
        case(x=(2, 3, 9, 200), rois=given([[-400.0, 0.0, 900.0, 8.0]]), batch_indices=const([1]), opset=16),
        case(x=(2, 3, 9, 200), rois=given([[-400.0, 0.0, 900.0, 8.0]]), batch_indices=const([1]), attributes={"mode": "max"}, opset=16),
        case(x=data(2, 5, 9, 11, dtype="float64"), rois=data(4, 4, dtype="float64", low=0, high=9), batch_indices=_BATCH, opset=16,
             attributes={"sampling_ratio": 2}),
    )  # fmt: skip
