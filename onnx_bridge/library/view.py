"""Views: tensors that are read where they lie, through strides, though transposes, slices and changes of shape stand in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import Writer
from onnx_bridge.ir.tensor import Shape, Tensor
from onnx_bridge.library.loops import contiguous_strides


@dataclass(frozen=True)
class View:
    """A tensor as elements of another one's memory: from the element `offset` on, with a stride for each axis."""

    shape: Shape
    strides: tuple[Size, ...]
    offset: Size = 0

    def along(self, batch: Shape) -> list[Size]:
        """Strides along the axes in front of a matrix, of a product that has those of `batch`: 0 where the view repeats."""
        missing = len(batch) - (len(self.shape) - 2)
        pairs = zip(self.shape[:-2], self.strides[:-2], batch[missing:], strict=True)
        return [0] * missing + [0 if size == 1 and target != 1 else stride for size, stride, target in pairs]

    def pointer(self, cpp: Writer, tensor: Tensor) -> str:
        """The C++ pointer to its first element, in the memory of `tensor`."""
        return cpp.pointer(tensor) + (f" + {cpp.size(self.offset)}" if self.offset != 0 else "")

    def transposed(self, order: Sequence[int]) -> View:
        """The axes in another order."""
        return View(tuple(self.shape[axis] for axis in order), tuple(self.strides[axis] for axis in order), self.offset)

    def cut(self, axis: int, start: Size, count: Size, step: int = 1) -> View:
        """Some of an axis."""
        replaced = [list(self.shape), list(self.strides)]
        replaced[0][axis], replaced[1][axis] = count, self.strides[axis] * step
        return View(tuple(replaced[0]), tuple(replaced[1]), self.offset + start * self.strides[axis])

    def without(self, axis: int) -> View:
        """The first of an axis, which goes."""
        return View(self.shape[:axis] + self.shape[axis + 1 :], self.strides[:axis] + self.strides[axis + 1 :], self.offset)

    def reshaped(self, shape: Shape) -> View | None:
        """Another shape of the same elements, if strides can say that."""
        if 0 in shape or 0 in self.shape:
            return None
        factors = refinement(self.shape, shape)
        mine = None if factors is None else runs_of(factors, self.shape)
        theirs = None if factors is None else runs_of(factors, shape)
        if factors is None or mine is None or theirs is None:
            return None
        fine: list[Size] = [0] * len(factors)
        for run, stride in zip(mine, self.strides, strict=True):
            for place in reversed(run):
                fine[place] = stride
                stride = stride * factors[place]
        strides: list[Size] = []
        for run in theirs:
            if any(fine[a] != fine[b] * factors[b] for a, b in zip(run, run[1:], strict=False)):
                return None
            strides.append(fine[run[-1]] if run else 0)
        return View(shape, tuple(strides), self.offset)


def whole(tensor: Tensor) -> View:
    """A tensor as it lies."""
    return View(tensor.shape, tuple(contiguous_strides(tensor.shape)))


def refinement(a: Sequence[Size], b: Sequence[Size]) -> tuple[Size, ...] | None:
    """The coarsest shape, without sizes of 1, of which two shapes are made by joining neighbours; None if there is none."""
    marks = [size for size in (*_products(a), *_products(b)) if size != 1]
    ordered: list[Size] = []
    for mark in marks:
        if mark == 0:
            return None
        place = 0
        while place < len(ordered) and ordered[place] != mark and _divides(ordered[place], mark):
            place += 1
        if place < len(ordered) and ordered[place] == mark:
            continue
        if place < len(ordered) and not _divides(mark, ordered[place]):
            return None
        ordered.insert(place, mark)
    return tuple(dims.floor_div(mark, before) for before, mark in zip([1, *ordered], ordered, strict=False))


def runs_of(factors: Sequence[Size], shape: Sequence[Size]) -> list[list[int]] | None:
    """For each axis of a shape the factors that it is made of, by their places; none for a size of 1."""
    runs: list[list[int]] = []
    at = 0
    for size in shape:
        run: list[int] = []
        product: Size = 1
        while product != size and at < len(factors):
            product = product * factors[at]
            run.append(at)
            at += 1
        if product != size:
            return None
        runs.append(run)
    return runs if at == len(factors) else None


def _products(shape: Sequence[Size]) -> list[Size]:
    """The numbers of elements of the axes up to each one."""
    found: list[Size] = []
    total: Size = 1
    for size in shape:
        total = total * size
        found.append(total)
    return found


def _divides(a: Size, b: Size) -> bool:
    """Whether b is a multiple of a, whatever their symbols stand for."""
    if isinstance(a, int) and isinstance(b, int):
        return b % a == 0
    return dims.floor_div(b, a) * a == b
