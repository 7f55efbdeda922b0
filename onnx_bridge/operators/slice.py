"""Slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, of_either_sign
from onnx_bridge.library import open_axes, strided
from onnx_bridge.library.known import axes_in, moved
from onnx_bridge.library.loops import contiguous_strides
from onnx_bridge.library.moving import Moving
from onnx_bridge.library.strided import Side
from onnx_bridge.library.view import View
from onnx_bridge.operators.cases import case, const, data, given

#: Exporters write "to the end" as a very large number (the largest of a type, or 10**9), and "to before the beginning" as a very small one.
FAR = 10**9


@dataclass(frozen=True)
class Cut:
    """What is taken of one axis: `count` elements from `start` on, `step` apart."""

    start: Size
    count: Size
    step: Size = 1


def cut(size: Size, start: Size, end: Size, step: Size) -> Cut:
    """What ONNX's start and end, which may count from the end and lie outside, take of an axis of `size`.

    A step that is known only at run time may be of either sign, but not 0: a condition.
    """
    if not isinstance(step, int):
        dims.assume(dims.differs(step, [0]) - 1)
        up, down = _cut_by(size, start, end, dims.maximum(step, 1), True), _cut_by(size, start, end, dims.maximum(-step, 1), False)
        rises = dims.holds(step)
        start, count = (dims.selected([(rises, a), (1 - rises, b)]) for a, b in ((up.start, down.start), (up.count, down.count)))
        return Cut(start, count, step)
    if step == 0:
        raise ShapeError("steps must not be 0")
    taken = _cut_by(size, start, end, abs(step), step > 0)
    return Cut(taken.start, taken.count, step)


def _cut_by(size: Size, start: Size, end: Size, step: Size, rises: bool) -> Cut:
    """The same by a step of that magnitude, upwards or downwards."""
    if rises:
        first, last = _place(size, start, 0), _place(size, end, 0)
        # min(last, size) - max(first, 0), in the form in which symbolic sizes cancel.
        limits = (last - first, last, size - first, size)
        reach = dims.minimum(*limits)
        if isinstance(reach, dims.Dim) and dims.at_least(1, reach) and not dims.at_least(0, reach):
            # One element, if it is there: a size of 1, which may be broadcast, is what is meant.
            for limit in limits:
                dims.assume(limit - 1)
            return Cut(dims.maximum(first, 0), 1)
        return Cut(dims.maximum(first, 0), dims.maximum(dims.ceil_div(reach, step), 0))
    first, last = _place(size, start, 0), _place(size, end, -1)
    if first != size - 1:
        first = dims.maximum(dims.minimum(first, size - 1), 0)
    reach = dims.minimum(first - last, first + 1, size)
    return Cut(first, dims.maximum(dims.ceil_div(reach, step), 0))


def _place(size: Size, given: Size, before: int) -> Size:
    """A start or end as a place from the beginning, not clamped; `before` is what lies before all elements.

    Whether one that is computed from sizes counts from the end must not depend on them: what may have either sign is taken
    not to be negative, and what may be 0 or less to be less. One that an input gives may have either.
    """
    if isinstance(given, int):
        if abs(given) >= FAR:
            return size if given > 0 else before
        return size + given if given < 0 else given
    if dims.at_least(0, given):
        dims.assume(-given - 1)
        return size + given
    given = of_either_sign(given)
    if dims.signed_symbols(given) and not dims.at_least(given, 0):
        return given + (1 - dims.holds(given + 1)) * size
    dims.assume(given)
    return given


def _chosen(size: Size, flags: Sequence[Size], cuts: Sequence[Cut]) -> Cut:
    """Of some cuts of an axis the one whose flag is 1, where one is; else all of it."""
    none = 1 - sum(flags)
    step = sum((flag * (one.step - 1) for flag, one in zip(flags, cuts, strict=True)), 1)
    start = dims.selected((flag, one.start) for flag, one in zip(flags, cuts, strict=True))
    return Cut(start, dims.selected([(none, size), *((flag, one.count) for flag, one in zip(flags, cuts, strict=True))]), step)


@operator("Slice", since=1)
class Slice(Moving):
    """y = x[start : end : step] along some axes.

    starts, ends and axes are attributes in opsets 1-9, inputs since, with steps. All of them may be computed from sizes.
    """

    kernels = ("copy.hxx",)
    vectors = (1, 2, 3, 4)

    starts: list[int] | None = attribute(None)
    ends: list[int] | None = attribute(None)
    axes: list[int] | None = attribute(None)

    @property
    def is_view(self) -> bool:  # type: ignore[override]
        """Where everything is taken, nothing moves."""
        return self.y.shape == self.x.shape and all(isinstance(one.step, int) and one.step > 0 for one in self.cuts())

    def cuts(self) -> list[Cut]:
        """What is taken of each axis."""
        x, starts, ends, axes, steps = self.arguments(5)
        assert x is not None
        begin: Sequence[Size] | None = self.starts if starts is None else starts.sizes()
        end: Sequence[Size] | None = self.ends if ends is None else ends.sizes()
        if begin is None or end is None or len(begin) != len(end):
            raise ShapeError(f"starts and ends must be there and equally many, got {begin} and {end}")
        chosen = open_axes.numbers(self.axes, axes)
        places: Sequence[Size] = range(len(begin)) if chosen is None else chosen
        step = open_axes.numbers([1] * len(begin), steps) or []
        if not len(places) == len(step) == len(begin):
            raise ShapeError(f"starts, ends, axes and steps must be equally many, got {len(begin)}, {len(end)}, {len(places)}, {len(step)}")
        whole = [Cut(0, size) for size in x.shape]
        if open_axes.are_open(places):
            flags, asked = open_axes.places(places, x.rank), list(zip(begin, end, step, strict=True))
            return [_chosen(size, own, [cut(size, *each) for each in asked]) for size, own in zip(x.shape, flags, strict=True)]
        for index, axis in enumerate(axes_in([axis for axis in places if isinstance(axis, int)], x.rank)):
            whole[axis] = cut(x.shape[axis], begin[index], end[index], step[index])
        return whole

    def types(self, x: Tensor, *_: Tensor | None) -> Type:
        return Type(x.dtype, tuple(one.count for one in self.cuts()))

    def values(self, x: Tensor, *_: Tensor | None) -> np.ndarray | None:
        places: list[list[int]] = []
        for one in self.cuts():
            if x.value is None or not (isinstance(one.start, int) and isinstance(one.count, int) and isinstance(one.step, int)):
                return None
            places.append([one.start + i * one.step for i in range(one.count)])
        return moved(x, lambda value: value[np.ix_(*places)] if places else value)

    def reads(self) -> Sequence[int]:
        return (0,)

    def seen(self, output: Tensor, view: View) -> View | None:
        for axis, one in enumerate(self.cuts()):
            if not isinstance(one.step, int) or one.step < 1:
                return None
            view = view.cut(axis, one.start, one.count, one.step)
        return view

    def emit(self, cpp: Writer) -> None:
        strides = contiguous_strides(self.x.shape)
        cuts = self.cuts()
        first: Size = 0
        for one, stride in zip(cuts, strides, strict=True):
            first = first + one.start * stride
        source = Side(self.x, [stride * one.step for one, stride in zip(cuts, strides, strict=True)], first)
        strided.copy(cpp, self.y.shape, Side(self.y, contiguous_strides(self.y.shape)), source)

    cases = (
        case(x=("N", 9, 4), starts=const([1]), ends=const([7]), axes=const([1])),
        case(x=("N", 9, 4), starts=const([-3, 1]), ends=const([2**63 - 1, -1]), axes=const([-2, 2])),
        case(x=("N", 9), starts=const([1]), ends=const([2**31 - 1])),
        case(x=("N", 9), starts=const([-2], "int32"), ends=const([2**31 - 1], "int32")),
        case(x=("N", 9), starts=const([2]), ends=const([-1]), axes=const([0])),
        case(x=("N", 9), starts=const([-5]), ends=const([-2]), axes=const([0])),
        case(x=("N", 9), starts=const([1, 0]), ends=const([2**63 - 1, 9]), axes=const([0, 1]), steps=const([2, 3])),
        case(x=("N", 9), starts=const([-1, -2]), ends=const([-(2**63), 1]), axes=const([0, 1]), steps=const([-1, -2])),
        case(x=("N", 9), starts=const([2**31 - 1]), ends=const([-9]), axes=const([0]), steps=const([-3])),
        case(x=(6, 9), starts=const([-20]), ends=const([-40]), axes=const([1]), steps=const([-1])),
        case(x=(6, 9), starts=const([20, 2]), ends=const([40, 2])),
        case(x=(6, 9), starts=const([0]), ends=const([9]), axes=const([1])),
        case(x=(6, "N"), starts=data(1, dtype="int64", low=0, high=5), ends=data(1, dtype="int64", low=5, high=9), axes=const([1])),
        case(x=("N", 9, 4), opset=9, attributes={"starts": [2, -3], "ends": [100, -1], "axes": [1, 2]}),
        case(x=(5, 9), opset=9, attributes={"starts": [2, 3], "ends": [4, 8]}),
        case(x=data(5, 9, dtype="int64", high=99), starts=const([1, 1]), ends=const([4, 8]), axes=const([0, 1])),
        case(x=data(5, 9, dtype="bool", low=0, high=2), starts=const([1]), ends=const([4]), axes=const([1])),
        case(x=(0, 3), starts=const([0]), ends=const([1])),
        case(x=(6, "N"), starts=given([-3, 1], "int64"), ends=given([-1, 40], "int64")),
        case(x=(6, "N"), starts=given([4, -9], "int64"), ends=given([-30, -1], "int64"), axes=None, steps=const([-1, 2])),
        case(x=(6, 9), starts=given([2], "int32"), ends=given([-2], "int32")),
        case(x=(6, "N", 5), starts=given([-3, 1], "int64"), ends=given([40, -1], "int64"), axes=given([-1, 1], "int64")),
        case(x=(6, 9), starts=given([-1, 1], "int64"), ends=given([-40, 8], "int64"), axes=None, steps=given([-2, 3], "int64")),
        case(x=(6, 9), starts=const([7, 1]), ends=const([1, 5]), axes=given([1, 0], "int64"), steps=given([-2, 2], "int64")),
    )
