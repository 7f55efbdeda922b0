"""Squeeze and Unsqueeze, each the inverse of the other: axes of size 1 that go or come."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, Type, same
from onnx_bridge.library import open_axes
from onnx_bridge.library.known import axes_in, integers, moved
from onnx_bridge.library.moving import Reshaping
from onnx_bridge.operators.cases import case, const, data, given


@operator("Squeeze", since=1)
class Squeeze(Reshaping):
    """y = x without some axes of size 1, the same memory. `axes` is an attribute in opsets 1-12, an input since.

    Without axes all that are known to be 1 go; a symbolic size is taken for another one.
    """

    vectors = (1,)

    axes: list[int] | None = attribute(None)

    def types(self, x: Tensor, axes: Tensor | None = None) -> Type:
        asked = open_axes.numbers(self.axes, axes)
        if asked is not None and open_axes.are_open(asked):
            return Type(x.dtype, self.without(x, asked))
        given = integers(self.axes, axes)
        gone = [axis for axis, size in enumerate(x.shape) if size == 1] if given is None else axes_in(given, x.rank)
        for axis in gone:
            same(x.shape[axis], 1)
        return Type(x.dtype, tuple(size for axis, size in enumerate(x.shape) if axis not in gone))

    @staticmethod
    def without(x: Tensor, asked: Sequence[Size]) -> Shape:
        """The shape that is left where axes are known only at run time; that those that go are of size 1 is a condition."""
        kept = open_axes.others(asked, x.rank)
        for size, is_kept in zip(x.shape, kept, strict=True):
            if isinstance(size, int) and size != 1:
                dims.assume(is_kept - 1)
            elif not isinstance(size, int):
                same(dims.selected([(1 - is_kept, size), (is_kept, 1)]), 1)
        return open_axes.without(x.shape, kept, len(asked))

    def values(self, x: Tensor, axes: Tensor | None = None) -> np.ndarray | None:
        if open_axes.are_open(open_axes.numbers(self.axes, axes)):
            return None
        given = integers(self.axes, axes)
        return moved(x, lambda value: np.squeeze(value, None if given is None else tuple(axes_in(given, x.rank))))

    def reads(self) -> Sequence[int]:
        return (0,)

    cases = (
        case(x=("N", 1, 4), axes=const([1])),
        case(x=data("N", 1, 4, dtype="str"), axes=const([1])),
        case(x=(1, "N", 1), axes=const([0, -1])),
        case(x=("N", 1, 4), attributes={"axes": [1]}, opset=11),
        case(x=(1, 3, 1, 4)),
        case(x=(1, 3, 1, 4), opset=8),
        case(x=data(1, dtype="int64", high=5), axes=const([0])),
        case(x=(1, 0), axes=const([0])),
        case(x=(1, "N", 5), axes=given([-3], "int64")),
        case(x=(1, 3, 1, 5), axes=given([2, 0], "int64")),
    )


@operator("Unsqueeze", since=1)
class Unsqueeze(Reshaping):
    """y = x with axes of size 1 at the places `axes` of y, the same memory. `axes` is an attribute in opsets 1-12, an input since."""

    axes: list[int] | None = attribute(None)

    def types(self, x: Tensor, axes: Tensor | None = None) -> Type:
        asked = open_axes.numbers(self.axes, axes)
        if asked is not None and open_axes.are_open(asked):
            return Type(x.dtype, open_axes.with_ones(x.shape, open_axes.others(asked, x.rank + len(asked))))
        new = self.places(x, axes)
        rest = iter(x.shape)
        return Type(x.dtype, tuple(1 if axis in new else next(rest) for axis in range(x.rank + len(new))))

    def places(self, x: Tensor, axes: Tensor | None) -> list[int]:
        """The new axes in y."""
        given = integers(self.axes, axes)
        if given is None:
            raise ShapeError("axes are missing")
        if axes is not None and axes.rank > 1:
            raise ShapeError(f"axes must be a list of numbers, got {axes.type}")
        return axes_in(given, x.rank + len(given))

    def values(self, x: Tensor, axes: Tensor | None = None) -> np.ndarray | None:
        if open_axes.are_open(open_axes.numbers(self.axes, axes)):
            return None
        new = tuple(self.places(x, axes))
        return moved(x, lambda value: np.expand_dims(value, new))

    def reads(self) -> Sequence[int]:
        return (0,)

    cases = (
        case(x=("N", 4), axes=const([1])),
        case(x=data("N", 4, dtype="str"), axes=const([1])),
        case(x=("N", 4), axes=const([3, 0])),
        case(x=("N", 4), axes=const([-1, 0])),
        case(x=(3, "N"), attributes={"axes": [0, 2]}, opset=11),
        case(x=data(dtype="int32", high=5), axes=const([0])),
        case(x=(0, 3), axes=const([1])),
        case(x=(3, "N", 5), axes=given([-2], "int64")),
        case(x=(3, 4, "N"), axes=given([4, 0, 2], "int64")),
    )
