"""Expand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import MOVED
from onnx_bridge.ir.roperator import ROperator, Writer, operator
from onnx_bridge.ir.tensor import GIVEN, Tensor, Type, same_or_one
from onnx_bridge.library import strided
from onnx_bridge.library.known import moved
from onnx_bridge.library.loops import broadcast_strides, contiguous_strides
from onnx_bridge.library.strided import Side
from onnx_bridge.operators.cases import case, const, data


def _size(own: Size, wanted: Size, given: Collection[str]) -> Size:
    """What an axis of a size becomes where another one is wanted; a value of an input may be 1 at one call and not at the next."""
    if own in (1, wanted) or wanted == 1 or dims.symbols(wanted).isdisjoint(given):
        return same_or_one(own, wanted)
    dims.assume(-dims.differs(wanted, [1, own]) if isinstance(own, int) else -dims.differs(wanted, [1, own]) * dims.differs(own, [1]))
    stays = dims.equal(wanted, 1)
    return own if isinstance(own, int) else dims.selected([(stays, own), (1 - stays, wanted)])


@operator("Expand", since=8)
class Expand(ROperator):
    """y = x broadcast with a tensor of `shape`: where that has a 1, x keeps its own size."""

    kernels = ("copy.hxx",)
    computes = (MOVED,)
    vectors = (1,)

    #: Those sizes of `shape` that are values of inputs, as the lowering finds them; types are inferred again after it.
    given: frozenset[str] = frozenset()

    @property
    def is_view(self) -> bool:  # type: ignore[override]
        """Where only axes of size 1 come, nothing moves."""
        return tuple(size for size in self.y.shape if size != 1) == tuple(size for size in self.x.shape if size != 1)

    def types(self, x: Tensor, shape: Tensor) -> Type:
        sizes = shape.sizes()
        own = (1,) * (len(sizes) - x.rank) + tuple(x.shape)
        wanted = (1,) * (x.rank - len(sizes)) + sizes
        self.given |= set(GIVEN.get()) & {name for size in wanted for name in dims.symbols(size)}
        return Type(x.dtype, tuple(_size(*pair, self.given) for pair in zip(own, wanted, strict=True)))

    def values(self, x: Tensor, shape: Tensor) -> np.ndarray | None:
        sizes = self.types(x, shape).shape
        numbers = [size for size in sizes if isinstance(size, int)]
        return moved(x, lambda value: np.broadcast_to(value, numbers)) if len(numbers) == len(sizes) else None

    def reads(self) -> Sequence[int]:
        return (0,)

    def makes_zeros(self, zero: Callable[[Tensor], bool]) -> bool:
        return zero(self.x)

    def emit(self, cpp: Writer) -> None:
        strides = broadcast_strides(self.x.shape, self.y.shape)
        offset = len(strides) - self.x.rank
        for axis, (own, size) in enumerate(zip(self.x.shape, self.y.shape[offset:], strict=True), offset):
            if own not in (1, size):  # it stays, or is 1: whether it is, is seen as the network runs
                strides[axis] = strides[axis] * dims.differs(own, [1])
        source = Side(self.x, strides)
        strided.copy(cpp, self.y.shape, Side(self.y, contiguous_strides(self.y.shape)), source)

    cases = (
        case(x=("N", 1, 4), shape=const([1, 5, 1])),
        case(x=("N", 1), shape=const([1, 33])),
        case(x=(1, 4), shape=const([2, 3, 1])),
        case(x=(3, 4), shape=const([3, 4])),
        case(x=data(), shape=const([2, 3])),
        case(x=data(1, dtype="int64", high=9), shape=const([7])),
        case(x=data(1, 3, dtype="bool", low=0, high=2), shape=const([2, 1, 3])),
        case(x=data("N", 1, dtype="str"), shape=const([1, 33])),
        case(x=(3, 1), shape=data(1, dtype="int64", low=2, high=9)),
        case(x=(1, 3), shape=const([0, 1])),
    )
