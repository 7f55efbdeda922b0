"""Operators that only move elements: what becomes of them can be read where they lie, as a view of what is moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from onnx_bridge.ir.dtypes import MOVED
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.library.view import View, whole


class Moving(ROperator):
    """An operator whose outputs have elements of its first input, each in a place that strides can tell."""

    computes = (MOVED,)

    def seen(self, output: Tensor, view: View) -> View | None:
        """An output as a view of what its first input is the view `view` of; None where strides cannot say that."""
        raise NotImplementedError(type(self).__name__)

    def makes_zeros(self, zero: Callable[[Tensor], bool]) -> bool:
        return zero(self.x)


class Reshaping(Moving):
    """An operator whose output is its first input's memory under another shape."""

    is_view = True

    def seen(self, output: Tensor, view: View) -> View | None:
        return view.reshaped(output.shape)


class Permuting(Moving):
    """An operator that puts axes in another order."""

    def order(self, x: Tensor) -> list[int]:
        """The axes of x in the order of y."""
        raise NotImplementedError(type(self).__name__)

    def does_nothing(self) -> bool:
        return self.order(self.x) == list(range(self.x.rank))

    def seen(self, output: Tensor, view: View) -> View | None:
        return view.transposed(self.order(self.x))


def trace(tensor: Tensor, producers: Mapping[Tensor, ROperator]) -> tuple[Tensor, View]:
    """The tensor whose memory holds the elements of `tensor` before they were moved, and how they lie there."""
    maker = producers.get(tensor)
    if isinstance(maker, Moving) and maker.inputs and maker.inputs[0] is not None and tensor.layout == maker.x.layout == "planar":
        root, view = trace(maker.x, producers)
        found = maker.seen(tensor, view)
        if found is not None:
            return root, found
    return tensor, whole(tensor)
