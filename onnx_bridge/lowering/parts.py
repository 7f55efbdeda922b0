"""Sequences and optionals while a model is lowered: taken apart into tensors, so that no operator computes with them."""

from __future__ import annotations

from dataclasses import dataclass, field

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import DType
from onnx_bridge.ir.tensor import Tensor


@dataclass(frozen=True)
class Part:
    """Neighbours of a sequence."""

    @property
    def length(self) -> Size:
        """How many they are."""
        return 1


@dataclass(frozen=True)
class One(Part):
    """One element."""

    tensor: Tensor


@dataclass(frozen=True)
class Stack(Part):
    """Elements of one shape, stacked: the first axis of a tensor numbers them."""

    tensor: Tensor

    @property
    def length(self) -> Size:
        return self.tensor.shape[0]


@dataclass(frozen=True)
class Chunks(Part):
    """The pieces of a tensor along an axis, of `size` each, the last one of what is left."""

    tensor: Tensor
    axis: int
    size: Size

    @property
    def length(self) -> Size:
        return dims.ceil_div(self.tensor.shape[self.axis], self.size)


@dataclass(frozen=True)
class Ragged(Part):
    """Elements of any shape: all their numbers one behind the other, and a row of a table for each.

    Attributes:
        data: [numbers], those of all elements.
        table: [elements, rank], their shapes; where the rank is not known [elements, 9], the rank and up to eight sizes.
        rank: that of all elements, if it is known.
    """

    data: Tensor
    table: Tensor
    rank: int | None

    @property
    def length(self) -> Size:
        return self.table.shape[0]


@dataclass(eq=False)
class SequenceValue(Tensor):
    """A sequence, as what stands in it; its `dtype` is known, even if nothing does."""

    parts: list[Part] = field(default_factory=list)
    element: DType | None = None

    @property
    def length(self) -> Size:
        """How many elements it has."""
        return sum((part.length for part in self.parts), start=0)


@dataclass(eq=False)
class OptionalValue(Tensor):
    """An optional: whether it is there, if that is known, and what it is then.

    Attributes:
        there: a bool tensor.
        inside: a tensor or a sequence; None where it is never there.
    """

    there: Tensor | None = None
    inside: Tensor | None = None
