"""Slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import int64
from onnx_bridge.ir.literals import literal
from onnx_bridge.ir.roperator import Writer, attribute, operator
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, Type, of_either_sign
from onnx_bridge.library import strided
from onnx_bridge.library.known import axes_in, axis_in, moved
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
    step: int = 1


def cut(size: Size, start: Size, end: Size, step: int) -> Cut:
    """What ONNX's start and end, which may count from the end and lie outside, take of an axis of `size`."""
    if step == 0:
        raise ShapeError("steps must not be 0")
    if step > 0:
        first, last = _place(size, start, 0), _place(size, end, 0)
        # min(last, size) - max(first, 0), in the form in which symbolic sizes cancel.
        limits = (last - first, last, size - first, size)
        reach = dims.minimum(*limits)
        if isinstance(reach, dims.Dim) and dims.at_least(1, reach) and not dims.at_least(0, reach):
            # One element, if it is there: a size of 1, which may be broadcast, is what is meant.
            for limit in limits:
                dims.assume(limit - 1)
            return Cut(dims.maximum(first, 0), 1, step)
        return Cut(dims.maximum(first, 0), dims.maximum(dims.ceil_div(reach, step), 0), step)
    first, last = _place(size, start, 0), _place(size, end, -1)
    if first != size - 1:
        first = dims.maximum(dims.minimum(first, size - 1), 0)
    reach = dims.minimum(first - last, first + 1, size)
    return Cut(first, dims.maximum(dims.ceil_div(reach, -step), 0), step)


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


@operator("Slice", since=1)
class Slice(Moving):
    """y = x[start : end : step] along some axes.

    starts, ends and axes are attributes in opsets 1-9, inputs since, with steps. All of them may be known only at run time.
    """

    kernels = ("copy.hxx",)
    vectors = (1, 2, 3, 4)
    may_read_sizes = True

    starts: list[int] | None = attribute(None)
    ends: list[int] | None = attribute(None)
    axes: list[int] | None = attribute(None)

    @property
    def is_view(self) -> bool:  # type: ignore[override]
        """Where everything is taken, nothing moves."""
        return not self.is_open and self.y.shape == self.x.shape and all(one.step > 0 for one in self.cuts())

    def cuts(self) -> list[Cut]:
        """What is taken of each axis."""
        x, starts, ends, axes, steps = self.arguments(5)
        assert x is not None
        begin: Sequence[Size] | None = self.starts if starts is None else starts.sizes()
        end: Sequence[Size] | None = self.ends if ends is None else ends.sizes()
        if begin is None or end is None or len(begin) != len(end):
            raise ShapeError(f"starts and ends must be there and equally many, got {begin} and {end}")
        chosen: Sequence[int] | None = self.axes if axes is None else [int(axis) for axis in axes.constant().reshape(-1)]
        places = axes_in(range(len(begin)) if chosen is None else chosen, x.rank)
        step = [1] * len(begin) if steps is None else [int(value) for value in steps.constant().reshape(-1)]
        if not len(places) == len(step) == len(begin):
            raise ShapeError(f"starts, ends, axes and steps must be equally many, got {len(begin)}, {len(end)}, {len(places)}, {len(step)}")
        whole = [Cut(0, size) for size in x.shape]
        for index, axis in enumerate(places):
            whole[axis] = cut(x.shape[axis], begin[index], end[index], step[index])
        return whole

    @property
    def is_open(self) -> bool:
        """Whether what is taken is found as the network runs: axes or steps are no constants, or data decides starts or ends."""
        _, starts, ends, axes, steps = self.arguments(5)
        unknown = self.reads_sizes and any(t is not None and t.value is None and t.count != 0 for t in (starts, ends))
        return unknown or any(t is not None and not t.is_constant and t.count != 0 for t in (axes, steps))

    def found_shape(self, x: Tensor) -> Shape:
        """The sizes that are found, of each axis that may be cut."""
        asked = self.asked()
        self.cut_count()
        for axis in asked["axes"]:
            if isinstance(axis, int):
                axis_in(axis, x.rank, "axes")
            elif isinstance(axis, dims.Dim):
                dims.assume(axis + x.rank)
                dims.assume(x.rank - 1 - axis)
        for step in asked["steps"]:
            if step == 0:
                raise ShapeError("steps must not be 0")
            if isinstance(step, dims.Dim):
                dims.assume(dims.differs(step, [0]) - 1)
        known = [axis for axis in asked["axes"] if isinstance(axis, int)]
        cut_axes = axes_in(known, x.rank) if len(known) == len(asked["axes"]) else range(x.rank)
        return tuple(self.find(f"size {axis}", size) if axis in cut_axes else size for axis, size in enumerate(x.shape))

    def cut_count(self) -> int:
        """How many axes are cut."""
        counts = {len(numbers) for numbers in self.asked().values()}
        if len(counts) != 1:
            raise ShapeError(f"starts, ends, axes and steps must be equally many, got {[len(n) for n in self.asked().values()]}")
        return counts.pop()

    def asked(self) -> dict[str, Sequence[Size | str]]:
        """starts, ends, axes and steps: sizes where they are known, else C++ that reads them. Any starts and ends will do.

        Raises:
            NeedsValue: one is not known, and may be the value of an input.
            ShapeError: there are more than axes.
        """
        _, *tensors = self.arguments(5)
        found: dict[str, Sequence[Size | str]] = {}
        for index, (name, tensor) in enumerate(zip(("starts", "ends", "axes", "steps"), tensors, strict=True)):
            if tensor is None:
                found[name] = [range(len(found["starts"])), [1] * len(found["starts"])][index - 2] if index >= 2 else []
            elif isinstance(tensor.count, int) and tensor.count > self.x.rank:
                raise ShapeError(f"{name} are {tensor.count} numbers, x has {self.x.rank} axes")
            elif tensor.value is None and (self.reads_sizes or index < 2) and isinstance(tensor.count, int):
                found[name] = [f"INPUT{index + 1}[{place}]" for place in range(tensor.count)]
            else:
                found[name] = [of_either_sign(size) for size in tensor.sizes()]
        return found

    def types(self, x: Tensor, *_: Tensor | None) -> Type:
        if self.is_open:
            return Type(x.dtype, self.found_shape(x))
        return Type(x.dtype, tuple(one.count for one in self.cuts()))

    def values(self, x: Tensor, *_: Tensor | None) -> np.ndarray | None:
        places: list[list[int]] = []
        if self.is_open:
            return None
        for one in self.cuts():
            if x.value is None or not isinstance(one.start, int) or not isinstance(one.count, int):
                return None
            places.append([one.start + i * one.step for i in range(one.count)])
        return moved(x, lambda value: value[np.ix_(*places)] if places else value)

    def reads(self) -> Sequence[int]:
        read = [index for index, tensor in enumerate(self.inputs) if index and tensor is not None and tensor.value is None]
        return (0, *read) if self.is_open else (0,)

    def kernel_files(self) -> Sequence[str]:
        return ["slice_axes.hxx"] if self.is_open else self.kernels

    def seen(self, output: Tensor, view: View) -> View | None:
        if self.is_open:
            return None
        for axis, one in enumerate(self.cuts()):
            if one.step < 1:
                return None
            view = view.cut(axis, one.start, one.count, one.step)
        return view

    def emit_open(self, cpp: Writer) -> None:
        """Finds out what is taken, and takes it."""
        columns = []
        for numbers in self.asked().values():
            pointers = {f"INPUT{index}": tensor for index, tensor in enumerate(self.inputs) if tensor is not None}
            texts = []
            for number in numbers:
                if isinstance(number, str):
                    name, bracket, place = number.partition("[")
                    texts.append(cpp.pointer(pointers[name]) + bracket + place)
                else:
                    texts.append(literal(number, int64) if isinstance(number, int) else cpp.size(number))
            columns.append(texts)
        cuts, axes = cpp.local("cuts"), cpp.local("axes")
        rows = ", ".join(f"{{{', '.join(row)}}}" for row in zip(*columns, strict=True))
        with cpp.block(""):
            cpp.line(f"const SliceCut {cuts}[] = {{{rows}}};")
            cpp.line(f"SlicedAxis {axes}[{self.x.rank}];")
            sizes = ", ".join(cpp.size(size) for size in self.x.shape)
            cpp.line(f"if (!plan_slice({{{sizes}}}, {cuts}, {axes})) return false;")
            for axis in range(self.x.rank):
                if f"size {axis}" in self.found:
                    cpp.line(f"{cpp.size(self.found[f'size {axis}'])} = {axes}[{axis}].count;")
            cpp.call("copy_slice", axes, self.x, self.y)

    def emit(self, cpp: Writer) -> None:
        if self.is_open:
            return self.emit_open(cpp)
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
        case(x=data("N", 9, dtype="str"), starts=const([-3]), ends=const([1]), axes=const([1]), steps=const([-2])),
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
        case(x=(6, 9), starts=given([-1, 1], "int64"), ends=given([-(2**63), 2**63 - 1], "int64"), axes=None,
             steps=given([-2, 3], "int64")),
        case(x=(6, 9), starts=const([7, 1]), ends=const([1, 5]), axes=given([1, 0], "int64"), steps=given([-2, 2], "int64")),
    )  # fmt: skip
