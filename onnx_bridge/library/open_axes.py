"""Axes that are known only at run time: values of an input, from which each size of an output follows as an expression."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.tensor import Shape, Tensor, of_either_sign
from onnx_bridge.library.known import axes_in


def numbers(attribute: Sequence[int] | None, tensor: Tensor | None) -> list[Size] | None:
    """Numbers that older opsets give as an attribute and newer ones as an input; None if they are given in neither way.

    Raises:
        NeedsValue: the tensor's values are not known, not even as sizes.
    """
    if tensor is None:
        return None if attribute is None else [int(value) for value in attribute]
    return [] if tensor.count == 0 else [of_either_sign(value) for value in tensor.sizes()]


def are_open(axes: Iterable[Size] | None) -> bool:
    """Whether an axis is known only at run time."""
    return axes is not None and any(not isinstance(axis, int) for axis in axes)


def hold_in_range(axes: Sequence[Size], rank: int) -> None:
    """Holds that axes, which may count from the end, are in range and differ: a condition of the model where they are open.

    Raises:
        ShapeError: one is out of range for certain, or two are equal.
    """
    axes_in([axis for axis in axes if isinstance(axis, int)], rank)
    for axis in axes:
        if not isinstance(axis, int):
            dims.assume(axis + rank)
            dims.assume(rank - 1 - axis)
    for a, b in combinations(axes, 2):
        if not isinstance(a - b, int):
            dims.assume(dims.differs(a - b, (0, rank, -rank)) - 1)


def others(axes: Sequence[Size], rank: int) -> list[Size]:
    """For each axis from 0 to rank - 1: 1 if it is none of `axes`, else 0. Conditions and errors are those of `hold_in_range`."""
    hold_in_range(axes, rank)
    return [dims.differs(axis, [place for one in axes for place in (one, one + rank)]) for axis in range(rank)]


def places(axes: Sequence[Size], rank: int) -> list[list[Size]]:
    """For each axis from 0 to rank - 1 and each of `axes`: 1 if it is that, else 0. Conditions and errors: `hold_in_range`."""
    hold_in_range(axes, rank)
    return [[dims.equal(one, axis) + dims.equal(one, axis - rank) for one in axes] for axis in range(rank)]


def without(shape: Sequence[Size], kept: Sequence[Size], gone: int) -> Shape:
    """The sizes of those axes of a shape that are kept, of which `gone` are not."""
    before = _counted(kept)
    return tuple(
        dims.selected((kept[axis] * dims.equal(before[axis], place), shape[axis]) for axis in range(place, place + gone + 1))
        for place in range(len(shape) - gone)
    )


def with_ones(shape: Sequence[Size], kept: Sequence[Size]) -> Shape:
    """The sizes of a shape that has ones between those of `shape`, where an axis is not kept."""
    before, new = _counted(kept), len(kept) - len(shape)
    sizes: list[Size] = []
    for place, is_kept in enumerate(kept):
        among = range(max(0, place - new), min(place + 1, len(shape)))
        choices = [(is_kept * dims.equal(before[place], axis), shape[axis]) for axis in among]
        sizes.append(dims.selected([(1 - is_kept, 1), *choices]))
    return tuple(sizes)


def reduced(shape: Sequence[Size], kept: Sequence[Size]) -> Shape:
    """The sizes of a shape, 1 where an axis is not kept."""
    return tuple(dims.selected([(1 - is_kept, 1), (is_kept, size)]) for is_kept, size in zip(kept, shape, strict=True))


def _counted(flags: Sequence[Size]) -> list[Size]:
    """How many flags in front of each one are 1."""
    counts: list[Size] = [0]
    for flag in flags:
        counts.append(counts[-1] + flag)
    return counts
