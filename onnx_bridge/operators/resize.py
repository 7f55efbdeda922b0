"""Resize and Upsample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import IN_FLOAT32, WIDE_FLOATS, float32, int64
from onnx_bridge.ir.literals import literal
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import BLOCK, ShapeError, Tensor, Type
from onnx_bridge.library.known import axes_in
from onnx_bridge.operators.cases import case, const

_COORDINATES = (
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize",
)  # fmt: skip
_NEAREST = ("simple", "round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
_POLICIES = ("stretch", "not_larger", "not_smaller")
_TAPS = {"nearest": 1, "linear": 2, "cubic": 4}


@dataclass(frozen=True)
class Stretch:
    """One axis that changes: its place, sizes, the scale as a C++ expression (None: out / in), and the roi."""

    axis: int
    size: Size
    out: Size
    scale: str | None
    roi: tuple[float, float]


class Interpolating(ROperator):
    """What Resize and Upsample have in common: one axis after the other, each by a table of positions and weights."""

    kernels = ("resize.hxx",)
    computes = ((float32,), WIDE_FLOATS, (float32,), (int64,))
    widens = IN_FLOAT32
    coordinate_transformation_mode: str
    mode: str
    nearest_mode: str
    cubic_coeff_a: float
    exclude_outside: int
    extrapolation_value: float

    def stretches(self) -> list[Stretch]:
        """The axes that change, in order."""
        raise NotImplementedError

    @property
    def follows_layout(self) -> bool:  # type: ignore[override]
        """Where only pixels are made, each channel by itself."""
        return all(stretch.axis >= 2 for stretch in self.stretches())

    def result(self, stretches: Sequence[Stretch]) -> Type:
        x = self.x
        if self.mode not in _TAPS:
            raise UnsupportedForm(f"mode {self.mode!r} is not known")
        if self.coordinate_transformation_mode not in _COORDINATES:
            raise UnsupportedForm(f"coordinate_transformation_mode {self.coordinate_transformation_mode!r} is not known")
        if self.nearest_mode not in _NEAREST:
            raise UnsupportedForm(f"nearest_mode {self.nearest_mode!r} is not known")
        shape = list(x.shape)
        for stretch in stretches:
            shape[stretch.axis] = stretch.out
        return Type(x.dtype, tuple(shape))

    def _tables(self, stretches: Sequence[Stretch]) -> Size:
        """Bytes of the tables: index and weight of each tap, and whether the position lies outside."""
        taps = _TAPS[self.mode]
        return dims.maximum(0, *(_rounded(s.out * taps * 4) * 2 + _rounded(s.out) for s in stretches))

    def _memory(self, shape: Sequence[Size]) -> list[Size]:
        """The axes of a tensor as they lie in memory."""
        if self.x.layout == "planar":
            return list(shape)
        return [shape[0] * dims.ceil_div(shape[1], BLOCK), 1, *shape[2:-1], shape[-1], BLOCK]

    def _steps(self) -> list[tuple[Stretch, list[Size], Size]]:
        """Each stretch with the shape that it reads and the bytes that it writes."""
        shape = list(self.x.shape)
        steps = []
        for stretch in self.stretches():
            before = list(shape)
            shape[stretch.axis] = stretch.out
            steps.append((stretch, before, dims.product(self._memory(shape)) * 4))
        return steps

    def scratch_bytes(self) -> Size:
        steps = self._steps()
        return self._tables([s for s, _, _ in steps]) + sum((_rounded(size) for _, _, size in steps[:-1]), 0)

    def emit(self, cpp: Writer) -> None:
        steps = self._steps()
        if not steps:
            cpp.line(f"std::memcpy({cpp.pointer(self.y)}, {cpp.pointer(self.x)}, static_cast<std::size_t>({cpp.size(self.x.bytes)}));")
            return
        taps = _TAPS[self.mode]
        crop = self.coordinate_transformation_mode == "tf_crop_and_resize"
        source, at = cpp.pointer(self.x), self._tables([s for s, _, _ in steps])
        with cpp.block(""):
            for number, (stretch, shape, written) in enumerate(steps):
                last = number == len(steps) - 1
                memory = self._memory(shape)
                target = cpp.pointer(self.y) if last else f"reinterpret_cast<float*>({cpp.scratch()} + {cpp.size(at)})"
                axis, index, weight, outside = cpp.local("axis"), cpp.local("index"), cpp.local("weight"), cpp.local("outside")
                table = _rounded(stretch.out * taps * 4)
                scale = stretch.scale or f"static_cast<float>({cpp.size(stretch.out)}) / static_cast<float>({cpp.size(stretch.size)})"
                start, end = (literal(v, float32) for v in stretch.roi)
                cpp.line(
                    f"const ResizeAxis {axis} = {{{cpp.size(stretch.size)}, {cpp.size(stretch.out)}, {scale}, "
                    f"Coordinates::{self.coordinate_transformation_mode}, Interpolation::{self.mode}, Nearest::{self.nearest_mode}, "
                    f"{literal(self.cubic_coeff_a, float32)}, {'true' if self.exclude_outside else 'false'}, {start}, {end}}};"
                )
                cpp.line(f"std::int32_t* const {index} = reinterpret_cast<std::int32_t*>({cpp.scratch()});")
                cpp.line(f"float* const {weight} = reinterpret_cast<float*>({cpp.scratch()} + {cpp.size(table)});")
                if crop:
                    cpp.line(f"unsigned char* const {outside} = reinterpret_cast<unsigned char*>({cpp.scratch()} + {cpp.size(table * 2)});")
                cpp.call("resize_table", axis, index, weight, outside if crop else "nullptr")
                outer, inner = dims.product(memory[: stretch.axis]), dims.product(memory[stretch.axis + 1 :])
                cpp.call("resize_axis", outer, stretch.size, stretch.out, inner, taps, index, weight, source, target)
                if crop:
                    # Outside the crop everything is the extrapolation value; later axes must not mix it with what they read.
                    cpp.call("resize_extrapolate", outer, stretch.out, inner, outside, float(self.extrapolation_value), target)
                source, at = target, at + _rounded(written)


def _rounded(size: Size) -> Size:
    return dims.ceil_div(size, 64) * 64


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
    and linear only; antialias (opset 18) is not supported.
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
        if self.antialias:
            raise UnsupportedForm("antialias is not supported")
        if self.keep_aspect_ratio_policy not in _POLICIES:
            raise UnsupportedForm(f"keep_aspect_ratio_policy {self.keep_aspect_ratio_policy!r} is not known")
        return self.result(self.stretches())

    def reads(self) -> Sequence[int]:
        return [0]

    def stretches(self) -> list[Stretch]:
        x, (_, roi, scales, sizes) = self.x, self.arguments(4)
        if self.opset < 11:
            roi, scales, sizes = None, roi, None
        axes = axes_in(self.axes, x.rank) if self.axes else list(range(x.rank))
        crop = self.coordinate_transformation_mode == "tf_crop_and_resize"
        if crop and (roi is None or roi.count != 2 * len(axes)):
            raise ShapeError(f"roi must be {2 * len(axes)} numbers, got {None if roi is None else roi.type}")
        bounds = roi.constant().reshape(2, -1) if crop and roi is not None else np.array([[0.0] * len(axes), [1.0] * len(axes)])
        made = []
        if scales is not None and scales.count != 0:
            factors = _factors(scales.constant().reshape(-1), len(axes))
            for i, (axis, factor) in enumerate(zip(axes, factors, strict=True)):
                span = float(bounds[1][i] - bounds[0][i]) if crop else 1.0
                out = scaled(x.shape[axis], factor * span)
                if factor != 1 or crop:
                    made.append(Stretch(axis, x.shape[axis], out, literal(factor, float32), _pair(bounds, i)))
        elif sizes is not None:
            if len(sizes.sizes()) != len(axes):
                raise ShapeError(f"sizes must be {len(axes)} numbers, got {list(sizes.sizes())}")
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

    def common_factor(self, shape: Sequence[Size], asked: Sequence[Size]) -> np.float32 | None:
        """The one scale of all axes that keeps what they are to each other; None where each has its own."""
        if self.keep_aspect_ratio_policy == "stretch":
            return None
        pairs = zip(shape, asked, strict=True)
        numbers = [(size, out) for size, out in pairs if isinstance(size, int) and isinstance(out, int) and size > 0]
        if len(numbers) < len(shape):
            raise UnsupportedForm(f"{self.keep_aspect_ratio_policy} needs sizes of x that are numbers, got [{', '.join(map(str, shape))}]")
        factors = [np.float32(out) / np.float32(size) for size, out in numbers]
        return min(factors) if self.keep_aspect_ratio_policy == "not_larger" else max(factors)

    cases = (
        case(x=("N", 3, 4, 5), roi=None, scales=const([1, 1, 2, 2], "float32"), opset=13),
        case(x=("N", 17, "H", 5), roi=None, scales=const([1, 1, 2, 3], "float32"), opset=13, attributes={"mode": "linear"}),
        case(x=(1, 2, 6, 7), roi=None, scales=None, sizes=const([1, 2, 9, 4]), opset=13, attributes={"mode": "cubic"}),
        case(x=(1, 2, 6, 7), roi=None, scales=None, sizes=const([1, 2, 9, 4]), opset=13,
             attributes={"mode": "linear", "coordinate_transformation_mode": "align_corners"}),
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
    )  # fmt: skip


def _factors(given: Iterable[float], count: int) -> list[float]:
    """Scales, a positive number for each axis."""
    factors = [float(factor) for factor in given]
    if len(factors) != count or not all(0 < factor < np.inf for factor in factors):
        raise ShapeError(f"scales must be {count} positive numbers, got {factors}")
    return factors


def _pair(bounds: np.ndarray, i: int) -> tuple[float, float]:
    return float(bounds[0][i]), float(bounds[1][i])


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

    def reads(self) -> Sequence[int]:
        return [0]

    def stretches(self) -> list[Stretch]:
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
        case(x=(2, 3, 4, 5), opset=7, attributes={"scales": [1.0, 1.0, 2.0, 2.0]}),
    )
