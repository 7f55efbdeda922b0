"""Resize and Upsample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.literals import literal
from onnx_bridge.ir.roperator import UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.known import axes_in
from onnx_bridge.operators.cases import case, const, given
from onnx_bridge.operators.interpolating import Interpolating, Stretch

_POLICIES = ("stretch", "not_larger", "not_smaller")


def scaled(size: Size, scale: float) -> Size:
    """floor(size * scale).

    Raises:
        UnsupportedForm: the size is symbolic and the scale no plain fraction.
    """
    if isinstance(size, int):
        return int(np.floor(np.float32(size) * np.float32(scale)))
    fraction = Fraction(float(np.float32(scale))).limit_denominator(1000)
    if np.float32(fraction.numerator / fraction.denominator) != np.float32(scale):
        raise UnsupportedForm(f"a symbolic size cannot be scaled by {scale}")
    return dims.floor_div(size * fraction.numerator, fraction.denominator)


@operator("Resize", since=10)
class Resize(Interpolating):
    """y = x resampled to other sizes along some axes, by `scales` or `sizes` (constant, or computed from dims).

    mode nearest, linear, cubic; all coordinate_transformation_modes and nearest_modes. Opset 10 knows asymmetric nearest
    and linear only. Scales and the roi may be inputs of the model, too. align_corners aligns to the elements that there are, as ONNX's
    text has it ("the length of the resized tensor"), onnxruntime and PyTorch, also where size * scale is not whole; not onnx.reference.
    """

    antialias: int = attribute(0)
    axes: list[int] | None = attribute(None)
    coordinate_transformation_mode: str = attribute({10: "asymmetric", 11: "half_pixel"})
    cubic_coeff_a: float = attribute(-0.75)
    exclude_outside: int = attribute(0)
    extrapolation_value: float = attribute(0.0)
    keep_aspect_ratio_policy: str = attribute("stretch")
    mode: str = attribute("nearest")
    nearest_mode: str = attribute({10: "simple", 11: "round_prefer_floor"})

    def types(self, x: Tensor, *rest: Tensor | None) -> Type:
        if self.keep_aspect_ratio_policy not in _POLICIES:
            raise UnsupportedForm(f"keep_aspect_ratio_policy {self.keep_aspect_ratio_policy!r} is not known")
        return self.result(self.stretches())

    def reads(self) -> Sequence[int]:
        _, roi, *_ = self.arguments(4)
        asked = roi is not None and not roi.is_constant and self.coordinate_transformation_mode == "tf_crop_and_resize" and self.opset > 10
        return [0, *([1] if asked else []), *([self.open_scales] if self.open_scales else [])]

    @property
    def open_scales(self) -> int:
        index = 1 if self.opset < 11 else 2
        scales = self.arguments(index + 1)[index]
        return 0 if scales is None or scales.is_constant or scales.count == 0 else index

    def roi(self, cpp: Writer) -> str:
        return cpp.pointer(self.input(1))

    def stretches(self) -> list[Stretch]:
        x, (_, roi, scales, sizes) = self.x, self.arguments(4)
        if self.opset < 11:
            roi, scales, sizes = None, roi, None
        axes = axes_in(self.axes, x.rank) if self.axes else list(range(x.rank))
        crop = self.coordinate_transformation_mode == "tf_crop_and_resize"
        if crop and (roi is None or roi.count != 2 * len(axes)):
            raise ShapeError(f"roi must be {2 * len(axes)} numbers, got {None if roi is None else roi.type}")
        bounds: Any = [[0.0] * len(axes), [1.0] * len(axes)]
        if crop and roi is not None:
            places = [[f"ROI[{side * len(axes) + i}]" for i in range(len(axes))] for side in (0, 1)]
            bounds = roi.constant().reshape(2, -1).tolist() if roi.is_constant else places
        if self.open_scales:
            if crop:
                raise UnsupportedForm("tf_crop_and_resize by scales that are known only at run time is not supported")
            return self.scaled_at_run_time(self.open_scales, axes)
        made = []
        if scales is not None and scales.count != 0:
            factors = _factors(scales.constant().reshape(-1), len(axes))
            for i, (axis, factor) in enumerate(zip(axes, factors, strict=True)):
                if crop and isinstance(bounds[0][i], str):
                    raise UnsupportedForm("tf_crop_and_resize by scales needs a constant roi")
                span = float(bounds[1][i] - bounds[0][i]) if crop else 1.0
                out = scaled(x.shape[axis], factor * span)
                if factor != 1 or crop:
                    made.append(Stretch(axis, x.shape[axis], out, literal(factor, float32), _pair(bounds, i)))
        elif sizes is not None:
            if len(sizes.sizes()) != len(axes):
                raise ShapeError(f"sizes must be {len(axes)} numbers, got {list(sizes.sizes())}")
            known = all(isinstance(size, int) for size in (*sizes.sizes(), *(x.shape[axis] for axis in axes)))
            if self.keep_aspect_ratio_policy != "stretch" and not known:
                return self.in_proportion(axes, sizes.sizes())
            common = self.common_factor([x.shape[axis] for axis in axes], sizes.sizes())
            for i, (axis, asked) in enumerate(zip(axes, sizes.sizes(), strict=True)):
                size, out, scale = x.shape[axis], asked, None
                if common is not None and isinstance(size, int):
                    out, scale = int(np.floor(common * np.float32(size) + np.float32(0.5))), literal(float(common), float32)
                if out != size or crop or common not in (None, 1):
                    made.append(Stretch(axis, size, out, scale, _pair(bounds, i)))
        else:
            raise ShapeError("neither scales nor sizes are given")
        return [s for s in made if not (crop and s.size == s.out and s.roi == (0.0, 1.0))]

    def in_proportion(self, axes: Sequence[int], asked: Sequence[Size]) -> list[Stretch]:
        """The stretches by one scale of all axes, which sizes of the call decide: the smallest or the largest that is asked for.

        The size is rounded exactly; that float rounds to the same is tested as the network runs.
        """
        least = self.keep_aspect_ratio_policy == "not_larger"
        sizes = [dims.maximum(self.x.shape[axis], 1) for axis in axes]
        made = []
        for axis, size in zip(axes, sizes, strict=True):
            outs = [dims.floor_div(2 * out * size + of, 2 * of) for out, of in zip(asked, sizes, strict=True)]
            out = dims.minimum(*outs) if least else dims.maximum(*outs)
            made.append(Stretch(axis, self.x.shape[axis], out, None, (0.0, 1.0), ratios=tuple(zip(asked, sizes, strict=True))))
        return made

    def common_factor(self, shape: Sequence[Size], asked: Sequence[Size]) -> np.float32 | None:
        """The one scale of all axes that keeps what they are to each other; None where each has its own."""
        if self.keep_aspect_ratio_policy == "stretch":
            return None
        pairs = zip(shape, asked, strict=True)
        numbers = [(size, out) for size, out in pairs if isinstance(size, int) and isinstance(out, int) and size > 0]
        if len(numbers) < len(shape):
            raise UnsupportedForm(f"{self.keep_aspect_ratio_policy} of axes without elements, got [{', '.join(map(str, shape))}]")
        factors = [np.float32(out) / np.float32(size) for size, out in numbers]
        return min(factors) if self.keep_aspect_ratio_policy == "not_larger" else max(factors)

    cases = (
        case(x=("N", 3, 4, 5), roi=None, scales=const([1, 1, 2, 2], "float32"), opset=13),
        case(x=("N", 17, "H", 5), roi=None, scales=const([1, 1, 2, 3], "float32"), opset=13, attributes={"mode": "linear"}),
        case(x=(1, 2, 6, 7), roi=None, scales=None, sizes=const([1, 2, 9, 4]), opset=13, attributes={"mode": "cubic"}),
        case(x=(1, 2, 6, 7), roi=None, scales=None, sizes=const([1, 2, 9, 4]), opset=13,
             attributes={"mode": "linear", "coordinate_transformation_mode": "align_corners"}),
        case(x=(1, 2, 4, 8), roi=None, scales=const([1, 1, 0.6, 0.7], "float32"), opset=13,
             attributes={"mode": "cubic", "coordinate_transformation_mode": "align_corners"}),
        case(x=(1, 2, 6, 7), roi=None, scales=None, sizes=const([1, 2, 13, 4]), opset=13,
             attributes={"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}),
        case(x=(1, 2, 6, 8), scales=const([1, 1, 0.5, 2.0], "float32"), opset=10),
        case(x=(1, 2, 6, 7), roi=const([0, 0, 0.2, 0.3, 1, 1, 0.8, 1.2], "float32"), scales=None, sizes=const([1, 2, 9, 4]), opset=13,
             attributes={"mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 7.0}),
        case(x=("N", 2, 5, 6), roi=None, scales=None, sizes=const([7, 8]), opset=19,
             attributes={"axes": [2, 3], "mode": "linear", "keep_aspect_ratio_policy": "not_larger"}),
        case(x=("N", 2, 5, 6), roi=None, scales=None, sizes=const([8, 7]), opset=19,
             attributes={"axes": [3, 2], "keep_aspect_ratio_policy": "not_smaller", "nearest_mode": "floor"}),
        case(x=(1, 2, 6, 8), roi=None, scales=const([0.5, 2.0], "float32"), opset=18,
             attributes={"axes": [2, 3], "mode": "linear", "coordinate_transformation_mode": "pytorch_half_pixel"}),
        case(x=(1, 2, 6, "W"), roi=None, scales=given([1, 1, 0.7, 2.5]), opset=13, attributes={"mode": "linear"}),
        case(x=(1, 2, 6, 8), scales=given([1, 1, 0.5, 2.0]), opset=10),
        case(x=(1, 2, 6, 7), roi=given([0.2, 0.3, 0.8, 1.2]), scales=None, sizes=const([9, 4]), opset=18,
             attributes={"axes": [2, 3], "mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize"}),
        case(x=(1, 2, 5, 6), roi=None, scales=None, sizes=given([7, 8], "int64"), opset=19,
             attributes={"axes": [2, 3], "mode": "linear", "keep_aspect_ratio_policy": "not_larger"}),
        case(x=(1, 2, 9, 11), roi=None, scales=None, sizes=const([1, 2, 5, 15]), opset=18, attributes={"mode": "linear", "antialias": 1}),
        case(x=(1, 1, 4, 4), roi=None, scales=None, sizes=given([1, 1, 3, 3], "int64"), opset=18,
             attributes={"mode": "linear", "antialias": 1}),
        case(x=(1, 2, 9, "W"), roi=None, scales=const([1, 1, 0.4, 0.3], "float32"), opset=18, attributes={"mode": "cubic", "antialias": 1}),
        case(x=(1, 2, 9, 11), roi=None, scales=const([1, 1, 0.4, 0.7], "float32"), opset=18,
             attributes={"mode": "cubic", "antialias": 1, "exclude_outside": 1}),
    )  # fmt: skip


def _factors(given: Iterable[float], count: int) -> list[float]:
    """Scales, a positive number for each axis."""
    factors = [float(factor) for factor in given]
    if len(factors) != count or not all(0 < factor < np.inf for factor in factors):
        raise ShapeError(f"scales must be {count} positive numbers, got {factors}")
    return factors


def _pair(bounds: Any, i: int) -> tuple[float | str, float | str]:
    return bounds[0][i], bounds[1][i]


@operator("Upsample", since=1)
class Upsample(Interpolating):
    """Resize's forerunner: asymmetric, mode nearest or linear, scales >= 1.

    Opset 1 has one scale for the height and one for the width, opset 7 an attribute with one for each axis, opset 9 an input.
    """

    mode: str = attribute("nearest")
    scales: list[float] | None = attribute(None)
    height_scale: float | None = attribute(None)
    width_scale: float | None = attribute(None)

    coordinate_transformation_mode = "asymmetric"
    nearest_mode = "simple"
    cubic_coeff_a, exclude_outside, extrapolation_value = -0.75, 0, 0.0

    def types(self, x: Tensor, scales: Tensor | None = None) -> Type:
        self.mode = "linear" if self.mode == "bilinear" else self.mode
        return self.result(self.stretches())

    @property
    def open_scales(self) -> int:
        return 1 if len(self.inputs) > 1 and not self.input(1).is_constant else 0

    def reads(self) -> Sequence[int]:
        return [0, 1] if self.open_scales else [0]

    def stretches(self) -> list[Stretch]:
        if self.open_scales:
            return self.scaled_at_run_time(self.open_scales, range(self.x.rank))
        given: Any = self.scales
        if self.height_scale is not None and self.width_scale is not None:
            given = [1.0] * (self.x.rank - 2) + [self.height_scale, self.width_scale]
        elif given is None:
            given = self.input(1).constant().reshape(-1)
        pairs = enumerate(zip(self.x.shape, _factors(given, self.x.rank), strict=True))
        return [Stretch(i, size, scaled(size, f), literal(f, float32), (0.0, 1.0)) for i, (size, f) in pairs if f != 1]

    cases = (
        case(x=("N", 3, 4, 5), scales=const([1, 1, 2, 2], "float32"), opset=9),
        case(x=(2, 3, 4, 5), scales=const([1, 1, 2, 3], "float32"), opset=9, attributes={"mode": "linear"}),
        case(x=(2, 3, 4, 5), scales=given([1, 1, 2, 3]), opset=9, attributes={"mode": "linear"}),
        case(x=(2, 3, 4, 5), opset=7, attributes={"scales": [1.0, 1.0, 2.0, 2.0]}),
    )
