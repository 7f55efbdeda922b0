"""What the attentions of com.microsoft have in common: heads parted and joined, masks as they write them, and rotary positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS, bool_, int32, int64
from onnx_bridge.ir.roperator import UnsupportedForm
from onnx_bridge.ir.tensor import ShapeError, Tensor, broadcasts, same
from onnx_bridge.library.composite import Parts
from onnx_bridge.operators.attention import Attention, numbers, sizes
from onnx_bridge.operators.cases import Case
from onnx_bridge.operators.cast import Cast
from onnx_bridge.operators.concat import Concat
from onnx_bridge.operators.gather import Gather
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.slice import Slice


class MaskedAttention(Attention):
    """Attention with any number of further masks behind its seven inputs, bool or added, each of which broadcasts to [N, heads, S, T]."""

    cases: ClassVar[Sequence[Case]] = ()
    computes = (*Attention.computes, (bool_, *WIDE_FLOATS))

    def masks(self, build: Parts, mask: Tensor | None, lengths: Tensor | None, qs: Sequence[Size], keys: Size) -> list[Tensor]:
        further = [tensor for tensor in self.inputs[7:] if tensor is not None]
        return [*super().masks(build, mask, lengths, tuple(qs), keys), *further]


def width_of(x: Tensor, heads: int, what: str) -> int:
    """The size of a head of [N, S, heads * D].

    Raises:
        ShapeError, UnsupportedForm: it cannot be parted, or it is not known.
    """
    width = x.shape[-1] if x.rank == 3 else -1
    if not isinstance(width, int):
        raise UnsupportedForm(f"the width of {what} must be known, got {x.type}")
    if heads < 1 or x.rank != 3 or width % heads:
        raise ShapeError(f"{what} must be [batch, length, {heads} heads times a size], got {x.type}")
    return width // heads


def parted(build: Parts, x: Tensor, heads: int) -> Tensor:
    """[N, S, heads * D] as [N, heads, S, D]."""
    apart = build.reshape(x, [*x.shape[:2], heads, dims.floor_div(x.shape[2], heads)])
    return build.transpose(apart, [0, 2, 1, 3])


def joined(build: Parts, y: Tensor) -> Tensor:
    """[N, heads, S, D] as [N, S, heads * D]."""
    batch, heads, length, width = y.shape
    return build.reshape(build.transpose(y, [0, 2, 1, 3]), [batch, length, heads * width])


def cut(build: Parts, x: Tensor, begin: Size, end: Size, axis: int) -> Tensor:
    """A piece of an axis; `x` itself if it is all of it."""
    if begin == 0 and end == x.shape[axis]:
        return x
    places = (build.model.new_constant("axis", [axis % x.rank], int64),)
    return build.add(Slice, x, sizes(build, begin), sizes(build, end), *places)


def check_mask(mask: Tensor, batch: Size, queries: Size, keys: Size) -> None:
    """Refuses a mask of integers that is none of the forms that `written_mask` reads."""
    if mask.dtype is not int32:
        raise ShapeError(f"the mask must be int32, got {mask.type}")
    if mask.rank == 1:
        if mask.shape[0] not in (batch, 2 * batch, 3 * batch + 2):
            same(mask.shape[0], batch)
    elif mask.rank in (2, 3):
        for size, wanted in zip(mask.shape, (batch, keys) if mask.rank == 2 else (batch, queries, keys), strict=True):
            same(size, wanted)
    else:
        raise UnsupportedForm(f"a mask may be [batch], [batch, keys] or [batch, queries, keys], got {mask.type}; write it as one of them")


def written_mask(build: Parts, mask: Tensor, like: Tensor, batch: Size, keys: Size, hidden: float) -> Tensor:
    """What is added to the scores: 0 where a mask of integers lets a key be seen, `hidden` elsewhere; it broadcasts to [N, heads, S, T].

    [N] are the ends of the keys, [2 N] ends and beginnings, of [3 N + 2] the first N are ends; else numbers above 0 say which are seen.
    """
    if mask.rank == 1:
        place = build.add(Cast, numbers(build, keys, [1, 1, 1, keys]), to=int32.onnx)
        ends = build.reshape(cut(build, mask, 0, batch, 0), [batch, 1, 1, 1])
        seen = build.add(TABLE["Less"], place, ends)
        if mask.shape[0] == 2 * batch and mask.shape[0] != batch:
            begins = build.reshape(cut(build, mask, batch, 2 * batch, 0), [batch, 1, 1, 1])
            seen = build.add(TABLE["And"], seen, build.add(TABLE["GreaterOrEqual"], place, begins))
    else:
        seen = build.add(TABLE["Greater"], mask, build.constant("nothing", 0, mask))
        front = mask.shape[:1] if mask.rank == 2 else mask.shape[:2]
        seen = build.reshape(seen, [front[0], 1, *(front[1:] or [1]), mask.shape[-1]])
    return build.add(TABLE["Where"], seen, build.constant("seen", 0.0, like), build.constant("hidden", hidden, like))


def check_bias(bias: Tensor, batch: Size, heads: Size, queries: Size, keys: Size) -> None:
    """Refuses what is added to the scores where it does not broadcast to them."""
    if bias.rank != 4:
        raise ShapeError(f"attention_bias must have rank 4, got {bias.type}")
    broadcasts(bias, (batch, heads, queries, keys), "attention_bias")
    for size, wanted in zip(bias.shape[2:], (queries, keys), strict=True):
        same(size, wanted)


def at_most(size: Size, most: Size, why: str) -> None:
    """Refuses a size that is larger, at run time where that is not known yet."""
    room = most - size
    if isinstance(room, int) and room < 0:
        raise ShapeError(why)
    if not isinstance(room, int):
        dims.assume(room)


def check_rotary(cos: Tensor, sin: Tensor, length: Size) -> int:
    """How many numbers are turned by tables [positions, half of them], which have at least `length` positions.

    Raises:
        ShapeError, UnsupportedForm: they differ or are too short, or their width is not known.
    """
    if cos.rank != 2 or sin.rank != 2:
        raise ShapeError(f"cos_cache and sin_cache must have rank 2, got {cos.type} and {sin.type}")
    for a, b in zip(cos.shape, sin.shape, strict=True):
        same(a, b)
    if not isinstance(cos.shape[1], int):
        raise UnsupportedForm(f"the width of cos_cache must be known, got {cos.type}")
    at_most(length, cos.shape[0], f"cos_cache, {cos.type}, has fewer positions than there are, {length}")
    return 2 * cos.shape[1]


def positions(build: Parts, places: Tensor, *tables: Tensor) -> list[Tensor]:
    """Rows of tables, [..., 1, half], at places [...]."""
    found = [build.add(Gather, table, places, axis=0) for table in tables]
    return [build.reshape(t, [*t.shape[:-1], 1, t.shape[-1]]) for t in found]


def turned(build: Parts, x: Tensor, cos: Tensor, sin: Tensor, interleaved: bool) -> Tensor:
    """x [..., D] with its first numbers turned, pair by pair: the first half with the second one, or neighbours."""
    half = cos.shape[-1]
    width = x.shape[-1]
    front = cut(build, x, 0, 2 * half, -1)
    if interleaved:
        pairs = build.reshape(front, [*x.shape[:-1], half, 2])
        a, b = (build.reshape(cut(build, pairs, i, i + 1, -1), [*x.shape[:-1], half]) for i in (0, 1))
    else:
        a, b = cut(build, front, 0, half, -1), cut(build, front, half, 2 * half, -1)
    mul, add, sub = TABLE["Mul"], TABLE["Add"], TABLE["Sub"]
    first = build.add(sub, build.add(mul, a, cos), build.add(mul, b, sin))
    second = build.add(add, build.add(mul, a, sin), build.add(mul, b, cos))
    if interleaved:
        columns = [build.reshape(t, [*x.shape[:-1], half, 1]) for t in (first, second)]
        y = build.reshape(build.add(Concat, *columns, axis=-1), [*x.shape[:-1], 2 * half])
        return y if width == 2 * half else build.add(Concat, y, cut(build, x, 2 * half, width, -1), axis=-1)
    rest = [] if width == 2 * half else [cut(build, x, 2 * half, width, -1)]
    return build.add(Concat, first, second, *rest, axis=-1)
