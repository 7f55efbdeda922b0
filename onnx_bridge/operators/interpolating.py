"""What Resize and Upsample share: the axes that change, the tables of what makes each output, and how they are emitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import IN_FLOAT32, WIDE_FLOATS, float32, float64, int64
from onnx_bridge.ir.literals import literal
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer
from onnx_bridge.ir.tensor import BLOCK, PARTS, ShapeError, Type, fixed_of

_COORDINATES = (
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize",
)  # fmt: skip
_NEAREST = ("simple", "round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
_TAPS = {"nearest": 1, "linear": 2, "cubic": 4}


@dataclass(frozen=True)
class Stretch:
    """One axis that changes: its place, sizes, the scale as a C++ expression (None: out / in), and the roi, C++ where it is an input.

    Where the scale is known only at run time `made` is the C++ expression of the size that comes of it, which must be `out`; where it is
    the smallest or largest of several that sizes decide, those are `ratios`.
    """

    axis: int
    size: Size
    out: Size
    scale: str | None
    roi: tuple[float | str, float | str]
    made: str = ""
    ratios: Sequence[tuple[Size, Size]] = ()


class Interpolating(ROperator):
    """What Resize and Upsample have in common: one axis after the other, each by a table of positions and weights."""

    kernels = ("resize.hxx",)
    computes = (WIDE_FLOATS, WIDE_FLOATS, (float32,), (int64,))
    widens = IN_FLOAT32
    coordinate_transformation_mode: str
    mode: str
    nearest_mode: str
    cubic_coeff_a: float
    exclude_outside: int
    extrapolation_value: float

    antialias = 0
    keep_aspect_ratio_policy = "stretch"

    def stretches(self) -> list[Stretch]:
        """The axes that change, in order."""
        raise NotImplementedError

    def scaled_at_run_time(self, index: int, axes: Sequence[int]) -> list[Stretch]:
        """The stretches by scales that are an input of the model: sizes of the call, in parts of 1.

        A product in float rounds up where its 25th bit does: what this misses is tested as the network runs.
        """
        scales, made = self.input(index), list[Stretch]()
        factors = fixed_of(scales)
        if len(factors) != len(axes):
            raise ShapeError(f"scales must be {len(axes)} positive numbers, got {scales.type}")
        for place, (axis, factor) in enumerate(zip(axes, factors, strict=True)):
            dims.assume(factor - 1)
            size, whole = self.x.shape[axis], self.x.shape[axis] * dims.maximum(1, factor)
            out = dims.floor_div(whole + dims.floor_div(whole, 2**25), PARTS)
            made.append(Stretch(axis, size, out, f"SCALES[{place}]", (0.0, 1.0), f"SCALES[{place}] * static_cast<float>(SIZE)"))
        return made

    @property
    def open_scales(self) -> int:
        """The input that has scales which are known only at run time, or 0."""
        return 0

    @property
    def wide(self) -> bool:
        """Whether the filter is wider where an axis shrinks."""
        return bool(self.antialias) and self.mode != "nearest"

    def taps(self, stretch: Stretch) -> Size:
        """The most inputs that make an output."""
        taps = _TAPS[self.mode]
        return taps * dims.ceil_div(stretch.size, dims.maximum(stretch.out, 1)) + 2 if self.wide else taps

    def kernel_files(self) -> Sequence[str]:
        if self.x.dtype is float64:
            return ["resize_doubles.hxx"]
        return ["resize_antialias.hxx"] if self.wide else self.kernels

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
        if self.wide and x.dtype is float64:
            raise UnsupportedForm("antialias of float64 is not supported; cast to float32 in front")
        shape = list(x.shape)
        for stretch in stretches:
            shape[stretch.axis] = stretch.out
        return Type(x.dtype, tuple(shape))

    def _tables(self, stretches: Sequence[Stretch]) -> Size:
        """Bytes of the tables: index and weight of each tap, and whether the position lies outside."""
        each = (4, self.x.dtype.size)
        return dims.maximum(0, *(sum((_rounded(s.out * self.taps(s) * size) for size in each), _rounded(s.out)) for s in stretches))

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
            steps.append((stretch, before, dims.product(self._memory(shape)) * self.x.dtype.size))
        return steps

    def scratch_bytes(self) -> Size:
        steps = self._steps()
        return self._tables([s for s, _, _ in steps]) + sum((_rounded(size) for _, _, size in steps[:-1]), 0)

    def emit(self, cpp: Writer) -> None:
        steps = self._steps()
        if not steps:
            cpp.line(f"std::memcpy({cpp.pointer(self.y)}, {cpp.pointer(self.x)}, static_cast<std::size_t>({cpp.size(self.x.bytes)}));")
            return
        crop = self.coordinate_transformation_mode == "tf_crop_and_resize"
        dtype, kind = self.x.dtype, self.x.dtype.storage
        record = "ResizeAxis" if dtype is float32 else "ResizeAxisOf<double>"
        source, at = cpp.pointer(self.x), self._tables([s for s, _, _ in steps])
        with cpp.block(""):
            for number, (stretch, shape, written) in enumerate(steps):
                last = number == len(steps) - 1
                memory = self._memory(shape)
                target = cpp.pointer(self.y) if last else f"reinterpret_cast<{kind}*>({cpp.scratch()} + {cpp.size(at)})"
                axis, index, weight, outside = cpp.local("axis"), cpp.local("index"), cpp.local("weight"), cpp.local("outside")
                taps = self.taps(stretch)
                table = _rounded(stretch.out * taps * 4)
                tables = table + _rounded(stretch.out * taps * dtype.size)
                scales = cpp.pointer(self.input(self.open_scales)) if self.open_scales else ""
                given, made = (stretch.scale or "").replace("SCALES", scales), stretch.made.replace("SCALES", scales)
                if stretch.ratios:
                    given = cpp.local("scale")
                    outs, ins = (", ".join(map(cpp.size, side)) for side in zip(*stretch.ratios, strict=True))
                    least = "true" if self.keep_aspect_ratio_policy == "not_larger" else "false"
                    cpp.line(f"const float {given} = resize_common_scale({least}, {{{outs}}}, {{{ins}}});")
                    made = f"{given} * static_cast<float>(SIZE) + 0.5f"
                if made:
                    asked = made.replace("SIZE", cpp.size(stretch.size))
                    cpp.line(f"if (static_cast<Size>({asked}) != {cpp.size(stretch.out)}) return false;")
                scale = given or f"static_cast<{kind}>({cpp.size(stretch.out)}) / static_cast<{kind}>({cpp.size(stretch.size)})"
                if given and dtype is float64:
                    scale = f"static_cast<double>({given})"
                start, end = (literal(v, dtype) if isinstance(v, float) else v.replace("ROI", self.roi(cpp)) for v in stretch.roi)
                cpp.line(
                    f"const {record} {axis} = {{{cpp.size(stretch.size)}, {cpp.size(stretch.out)}, {scale}, "
                    f"Coordinates::{self.coordinate_transformation_mode}, Interpolation::{self.mode}, Nearest::{self.nearest_mode}, "
                    f"{literal(self.cubic_coeff_a, dtype)}, {'true' if self.exclude_outside else 'false'}, {start}, {end}}};"
                )
                cpp.line(f"std::int32_t* const {index} = reinterpret_cast<std::int32_t*>({cpp.scratch()});")
                cpp.line(f"{kind}* const {weight} = reinterpret_cast<{kind}*>({cpp.scratch()} + {cpp.size(table)});")
                if crop:
                    cpp.line(f"unsigned char* const {outside} = reinterpret_cast<unsigned char*>({cpp.scratch()} + {cpp.size(tables)});")
                rest = [index, weight, outside if crop else "nullptr"]
                if self.wide:
                    cpp.call("resize_wide_table", axis, taps, *rest)
                else:
                    cpp.call("resize_table", axis, *rest)
                outer, inner = dims.product(memory[: stretch.axis]), dims.product(memory[stretch.axis + 1 :])
                along = "resize_wide_axis" if self.wide else "resize_axis"
                cpp.call(along, outer, stretch.size, stretch.out, inner, taps, index, weight, source, target)
                if crop:
                    # Outside the crop everything is the extrapolation value; later axes must not mix it with what they read.
                    cpp.call(
                        "resize_extrapolate", outer, stretch.out, inner, outside, literal(float(self.extrapolation_value), dtype), target
                    )
                source, at = target, at + _rounded(written)

    def roi(self, cpp: Writer) -> str:
        """The pointer to the roi."""
        return ""


def _rounded(size: Size) -> Size:
    return dims.ceil_div(size, 64) * 64
