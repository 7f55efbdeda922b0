"""Pad."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import MOVED, string
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, Type, of_either_sign
from onnx_bridge.library import open_axes
from onnx_bridge.library.known import stored
from onnx_bridge.library.texts import element
from onnx_bridge.operators.cases import case, const, data, given

_MODES = ("constant", "reflect", "edge", "wrap")


@operator("Pad", since=1)
class Pad(ROperator):
    """y = x with a border of pads[a] before and pads[rank + a] after each axis a; a negative pad takes away.

    The border holds one value, or repeats what is inside (reflect, edge, since opset 19 wrap). In opsets 1-10 pads (in 1 called
    paddings) and value are attributes, since 11 inputs; since 18 `axes` may say which axes the pads are for.
    """

    kernels = ("pad.hxx",)
    vectors = (1, 3)
    computes = (MOVED,)

    mode: str = attribute("constant")
    pads: list[int] | None = attribute(None)
    paddings: list[int] | None = attribute(None)
    value: float = attribute(0.0)

    @property
    def is_view(self) -> bool:  # type: ignore[override]
        """Where no border is asked for, nothing moves."""
        return self.is_whole()

    def borders(self) -> tuple[Shape, Shape]:
        """The pads before and after each axis."""
        x, pads, _, axes = self.arguments(4)
        assert x is not None
        sizes: Sequence[Size] | None = (self.pads or self.paddings) if pads is None else pads.sizes()
        chosen = open_axes.numbers(range(x.rank), axes) or []
        if sizes is None or len(sizes) != 2 * len(chosen):
            raise ShapeError(f"pads must be {2 * len(chosen)} numbers, got {None if sizes is None else len(sizes)}")
        pads_of = [of_either_sign(size) for size in sizes]
        of_axes = [[flag * pad for flag, pad in zip(2 * flags, pads_of, strict=True)] for flags in open_axes.places(chosen, x.rank)]
        zero: Size = 0
        return tuple(sum(own[: len(chosen)], zero) for own in of_axes), tuple(sum(own[len(chosen) :], zero) for own in of_axes)

    def types(self, x: Tensor, pads: Tensor | None = None, value: Tensor | None = None, axes: Tensor | None = None) -> Type:
        if self.mode not in _MODES:
            raise UnsupportedForm(f"mode must be one of {', '.join(_MODES)}, got {self.mode!r}")
        if value is not None and (value.count != 1 or value.dtype is not x.dtype):
            raise ShapeError(f"constant_value must be one number of type {x.dtype}, got {value.type}")
        before, after = self.borders()
        if self.mode == "reflect":
            self.assume_room(x, before, after)
        shape = [size + b + a for size, b, a in zip(x.shape, before, after, strict=True)]
        if open_axes.are_open(open_axes.numbers(None, axes)):
            shape = [dims.maximum(0, size) for size in shape]  # each a short expression of products to come
        return Type(x.dtype, tuple(shape))

    @staticmethod
    def assume_room(x: Tensor, before: Shape, after: Shape) -> None:
        """A border that reflects is shorter than what it reflects: an open size that is not is refused, as onnxruntime and PyTorch do."""
        for size, *pads in zip(x.shape, before, after, strict=True):
            for pad in pads:
                if pad != 0 and not (isinstance(pad, int) and pad < 0):
                    dims.assume(size + sum(dims.minimum(other, 0) for other in pads if not dims.at_least(other, 0)) - 1 - pad)

    def values(self, x: Tensor, *_: Tensor | None) -> np.ndarray | None:
        return x.value if x.value is not None and self.is_whole() else None

    def is_whole(self) -> bool:
        """Whether there is no border."""
        return all(pad == 0 for side in self.borders() for pad in side)

    def reads(self) -> Sequence[int]:
        fill = self.arguments(3)[2]
        return (0,) if fill is None or fill.is_constant else (0, 2)

    def emit(self, cpp: Writer) -> None:
        fill = self.arguments(3)[2]
        if fill is None:
            value = element(cpp, "" if self.x.dtype is string else stored(self.value, self.x.dtype), self.x.dtype)
        else:
            value = element(cpp, fill.constant().reshape(-1)[0], fill.dtype) if fill.is_constant else f"*{cpp.pointer(fill)}"
        sizes: list[Size] = []
        before: list[Size] = []
        after: list[Size] = []
        for size, begin, end in zip(self.x.shape, *self.borders(), strict=True):
            if sizes and begin == end == before[-1] == after[-1] == 0:
                sizes[-1] = sizes[-1] * size
            else:
                sizes.append(size)
                before.append(begin)
                after.append(end)
        cpp.call("pad", f"PadMode::{self.mode}", sizes, before, after, self.x, value, self.y)

    cases = (
        case(x=("N", 5), pads=const([0, 2, 0, 3])),
        case(x=("N", 5), pads=const([1, 2, 0, 3]), value=const(1.5, "float32")),
        case(x=("N", 2, 5, 6), pads=const([0, 0, 1, 2, 0, 0, 3, 4]), value=given(-2.5)),
        case(x=("N", 2, 5, 6), pads=const([0, 0, 1, 2, 0, 0, 3, 4]), value=None, attributes={"mode": "reflect"}),
        case(x=("N", 2, 5, 6), pads=const([0, 0, 1, 2, 0, 0, 3, 4]), attributes={"mode": "edge"}),
        case(x=(3, 5, 6), pads=const([0, 1, 2, 0, 3, 4]), attributes={"mode": "wrap"}),
        case(x=(3, 5, 6), pads=const([1, 2, 3, 4]), value=None, axes=const([-1, 1])),
        case(x=(3, 5, 6), pads=const([0, -1, 2, 0, 3, -4]), value=const(7, "float32")),
        case(x=(3, 5), pads=const([0, 0, 0, 0])),
        case(x=(3, 5), attributes={"pads": [1, 0, 0, 2], "value": 2.5}, opset=9),
        case(x=(3, 5), attributes={"pads": [1, 0, 0, 2], "mode": "reflect"}, opset=7),
        case(x=data(3, 5, dtype="int64", high=9), pads=const([1, 0, 0, 2]), value=const(-3)),
        case(x=data(3, 5, dtype="bool", low=0, high=2), pads=const([1, 0, 0, 2]), value=const(True, "bool")),
        case(x=data(3, 5, dtype="float64"), pads=const([1, 0, 0, 2])),
        case(x=(0, 3), pads=const([1, 0, 1, 2])),
        case(x=("N", 5), pads=given([1, -2, 0, 3], "int64")),
        case(x=("N", 5, 3), pads=given([2, -1], "int64"), value=const(7, "float32"), axes=const([1])),
        case(x=(6, 5), pads=given([-1, 2, 3, -2], "int64"), attributes={"mode": "reflect"}),
        case(x=(6, 5), pads=given([-1, 2, 3, -2], "int64"), attributes={"mode": "edge"}),
        case(x=("N", 5, 3), pads=given([2, -1, 3, 1], "int64"), value=None, axes=given([-1, 1], "int64")),
        case(x=(6, 5), pads=const([1, 2]), value=None, axes=given([1], "int32"), attributes={"mode": "reflect"}),
    )
