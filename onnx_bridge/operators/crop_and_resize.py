"""CropAndResize of com.microsoft."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import float32, int32
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits
from onnx_bridge.operators.cases import case, const, data, given


@operator("CropAndResize", domain="com.microsoft")
class CropAndResize(ROperator):
    """y[R, C, rows, columns] = the boxes rois[R, 4] of the images batch_indices[R] of x[N, C, H, W], each brought to one size.

    A box is y1, x1, y2, x2, 0 and 1 being the middles of the first and the last pixel. What lies outside is `extrapolation_value`. mode
    bilinear or nearest. An index of an image outside is brought to the nearest.
    """

    kernels = ("crop_and_resize.hxx",)
    computes = ((float32,), (float32,), (int32,), (int32,))
    vectors = (3,)

    extrapolation_value: float = attribute(0.0)
    mode: str = attribute("bilinear")

    def types(self, x: Tensor, rois: Tensor, batch_indices: Tensor, crop_size: Tensor) -> Type:
        if self.mode not in ("bilinear", "nearest"):
            raise UnsupportedForm(f"mode must be bilinear or nearest, got {self.mode!r}")
        if x.rank != 4 or rois.rank != 2:
            raise ShapeError(f"x must be [N, C, H, W] and rois [R, 4], got {x.type} and {rois.type}")
        fits(rois, (rois.shape[0], 4), "rois")
        fits(batch_indices, rois.shape[:1], "batch_indices")
        fits(crop_size, (2,), "crop_size")
        size = crop_size.sizes()
        if any(isinstance(number, int) and number < 1 for number in size):
            raise ShapeError(f"crop_size must be positive, got {list(size)}")
        return Type(x.dtype, (rois.shape[0], x.shape[1], *size))

    def reads(self) -> tuple[int, ...]:
        return (0, 1, 2)

    def emit(self, cpp: Writer) -> None:
        sizes = [*self.x.shape, *(self.y.shape[axis] for axis in (0, 2, 3))]
        nearest = self.mode == "nearest"
        cpp.call("crop_and_resize", *sizes, float(self.extrapolation_value), nearest, self.x, self.input(1), self.input(2), self.y)

    _ROIS = given([[0.0, 0.0, 1.0, 1.0], [0.1, 0.3, 0.8, 0.5], [-0.2, 0.2, 0.7, 1.3], [0.9, 0.8, 0.2, 0.1]])
    _BATCH = const([0, 1, 1, 0], "int32")
    cases = (
        case(x=(2, 5, 9, 11), rois=_ROIS, batch_indices=_BATCH, crop_size=const([4, 3], "int32")),
        case(x=(2, 5, 9, 11), rois=_ROIS, batch_indices=_BATCH, crop_size=const([5, 2], "int32"),
             attributes={"mode": "nearest", "extrapolation_value": 0.5}),
        case(x=(3, "C", "H", 11), rois=data("R", 4, low=-0.1, high=1.1), batch_indices=data("R", dtype="int32", low=0, high=3),
             crop_size=const([1, 1], "int32"), attributes={"extrapolation_value": -1.0}),
    )  # fmt: skip
