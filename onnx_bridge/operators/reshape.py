"""Reshape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, Type, of_either_sign, same
from onnx_bridge.library.known import reshaped
from onnx_bridge.library.moving import Reshaping
from onnx_bridge.operators.cases import case, const, data, given


@operator("Reshape", since=1)
class Reshape(Reshaping):
    """y = x under another shape, the same memory.

    The shape is an attribute in opsets 1-4, and where a pass makes the operator (then its sizes may be open), an input since. In it 0
    takes over the size that x has on that axis (unless `allowzero`), and one -1 stands for what the other sizes leave.
    """

    vectors = (1,)

    shape: list[Size] | None = attribute(None)
    allowzero: int = attribute(0)
    consumed_inputs: list[int] | None = attribute(None)

    def types(self, x: Tensor, shape: Tensor | None = None) -> Type:
        asked = self.asked(shape)
        if asked and all(isinstance(size, dims.Dim) and self.is_given(size) for size in asked):
            return Type(x.dtype, self.told(x, asked))
        if sum(size == -1 for size in asked) > 1:
            raise ShapeError(f"at most one size may be -1, got {list(asked)}")
        if any(isinstance(size, int) and size < -1 for size in asked):
            raise ShapeError(f"sizes must be -1 or more, got {list(asked)}")
        copied = [axis for axis, size in enumerate(asked) if size == 0 and not self.allowzero]
        if copied and copied[-1] >= x.rank:
            raise ShapeError(f"shape {list(asked)} takes over axis {copied[-1]} of a tensor of rank {x.rank}")
        sizes = [x.shape[axis] if axis in copied else size for axis, size in enumerate(asked)]
        # What was taken over is on both sides, and may be 0: it says nothing about the others.
        have = [size for axis, size in enumerate(x.shape) if axis not in copied]
        want = [size for axis, size in enumerate(sizes) if axis not in copied and size != -1]
        if -1 in asked:
            sizes[asked.index(-1)] = self.left(x, have, want)
        else:
            self.agree(x, have, want)
        return Type(x.dtype, tuple(sizes))

    def asked(self, shape: Tensor | None) -> Shape:
        """The shape as it is given."""
        if shape is not None:
            return shape.sizes()
        if self.shape is None:
            raise ShapeError("shape is missing")
        return tuple(self.shape)

    @staticmethod
    def is_given(size: Size) -> bool:
        """Whether a size is one that an input gives, so that it may be -1 or 0."""
        return bool(dims.signed_symbols(of_either_sign(size))) and not dims.at_least(size, 1)

    def told(self, x: Tensor, asked: Shape) -> Shape:
        """The shape that sizes ask for of which each may be 0, and one -1."""
        negative = [1 - dims.holds(size + 1) for size in asked]
        for size in (*(size + 1 for size in asked), 1 - sum(negative, start=0)):
            dims.assume(size)
        copied = [
            (dims.holds(size + 1) - dims.holds(size)) * (x.shape[axis] if axis < x.rank and not self.allowzero else 0)
            for axis, size in enumerate(asked)
        ]
        largest = partial(dims.function_of, "maximum")  # as it is: looking for a plainer form of these would take seconds
        known = [largest(size, 0, copy + less) for size, copy, less in zip(asked, copied, negative, strict=True)]  # 1 for -1
        left = dims.floor_div(x.count, largest(dims.product(known), 1))
        sizes: list[Size] = [largest(size, 0, copy + less * left) for size, copy, less in zip(asked, copied, negative, strict=True)]
        if len(sizes) == 1:
            return (same(sizes[0], x.count),)
        same(dims.product(sizes), x.count)
        return tuple(sizes)

    @staticmethod
    def left(x: Tensor, have: Sequence[Size], want: Sequence[Size]) -> Size:
        """What -1 stands for."""
        have, want = _without_common(have, want)
        count, known = dims.product(have), dims.product(want)
        if known == 0:
            if count != 0:
                raise ShapeError(f"{x.type} has no such shape: one of its sizes is 0")
            return 0
        left = dims.floor_div(count, known)
        if isinstance(count, int) and isinstance(known, int) and count % known != 0:
            raise ShapeError(f"{x.type} cannot be cut into pieces of {dims.product(want)} elements")
        same(left * known, count)
        return left

    @staticmethod
    def agree(x: Tensor, have: Sequence[Size], want: Sequence[Size]) -> None:
        """Both shapes have as many elements."""
        have, want = _without_common(have, want)
        count, known = dims.product(have), dims.product(want)
        try:
            same(count, known)
        except ShapeError:
            raise ShapeError(f"{x.type} has {x.count} elements, of which a shape takes {known} where {count} are left") from None

    def values(self, x: Tensor, shape: Tensor | None = None) -> np.ndarray | None:
        return reshaped(x, self.types(x, shape).shape)

    def reads(self) -> Sequence[int]:
        return (0,)

    cases = (
        case(x=("N", 3, 4), shape=const([0, 12])),
        case(x=data("N", 3, 4, dtype="str"), shape=const([-1, 2, 6])),
        case(x=("N", 3, 4), shape=const([-1, 2, 6])),
        case(x=(2, 3, 4), shape=const([4, 6]), opset=5),
        case(x=(2, 3, 4), shape=const([0, -1])),
        case(x=(2, 3, 4), shape=const([-1])),
        case(x=(1,), shape=const(np.zeros(0, np.int64))),
        case(x=data(), shape=const([1, 1])),
        case(x=(0, 3), shape=const([3, 0]), attributes={"allowzero": 1}, opset=14),
        case(x=data("N", 6, dtype="int64", high=9), shape=const([0, 3, 2])),
        case(x=data(2, 6, dtype="bool", low=0, high=2), shape=const([3, -1])),
        case(x=(6, 4), shape=given([8, 3], "int64")),
        case(x=("N", 3, 4), shape=given([-1, 6], "int64")),
        case(x=("N", 3, 4), shape=given([0, 2, -1], "int64")),
        case(x=("N", 4), shape=given([-1], "int64")),
        case(x=(0, 3), shape=given([3, 0], "int64"), attributes={"allowzero": 1}, opset=14),
    )


def reshape_to(name: str, x: Tensor, y: Tensor) -> Reshape:
    """The operator, of no model yet, that has `x` as `y`, which has as many elements. Its shape is the attribute, sizes included."""
    return Reshape.make(name, shape=list(y.shape), allowzero=1).between([x], [y])


def _without_common(a: Sequence[Size], b: Sequence[Size]) -> tuple[list[Size], list[Size]]:
    """Two lists of factors without those that are in both, and without what the numbers among them have in common."""
    left, right = list(a), list(b)
    for size in a:
        if size in right and size != 0:
            left.remove(size)
            right.remove(size)
    numbers = [math.prod(size for size in side if isinstance(size, int)) for side in (left, right)]
    common = math.gcd(*numbers) or 1
    symbolic = [[size for size in side if not isinstance(size, int)] for side in (left, right)]
    return [numbers[0] // common, *symbolic[0]], [numbers[1] // common, *symbolic[1]]
