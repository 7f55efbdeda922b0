"""Functions of PyTorch that put in order, and some others, for which its exporter has no translation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from onnx_bridge.frontends.exported import require


def ordering_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """For `torch.onnx.export(..., custom_translation_table=)`: functions of onnxscript by operator."""
    aten, prims = torch.ops.aten, torch.ops.prims
    return {
        aten.sort.stable: _sort,
        aten.kthvalue.default: _kthvalue,
        aten.median.default: _median,
        aten.median.dim: _median_of,
        aten.searchsorted.Tensor: _searchsorted,
        aten.hypot.default: _hypot,
        aten.cummax.default: _cummax,
        aten.cummin.default: _cummin,
        prims.signbit.default: _signbit,  # of copysign
        prims.prod.default: _prod,  # what cumprod is decomposed into
    }


def _onnx() -> Any:
    return require("onnxscript", "PyTorch", "torch").opset20


def _length(x: Any, dim: int) -> Any:
    """The size of an axis, [1]."""
    op = _onnx()
    return op.Gather(op.Shape(x), op.Constant(value_ints=[dim]))


def _sort(x: Any, *, stable: bool | None = None, dim: int = -1, descending: bool = False) -> Any:
    """TopK of all: of equal elements the first comes first, either way."""
    return _onnx().TopK(x, _length(x, dim), axis=dim, largest=int(descending), sorted=1)


def _kthvalue(x: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    return _last_of_least(x, _onnx().Constant(value_ints=[k]), dim, keepdim)


def _median(x: Any) -> Any:
    return _median_of(_onnx().Reshape(x, _onnx().Constant(value_ints=[-1])), 0)[0]


def _median_of(x: Any, dim: int, keepdim: bool = False) -> Any:
    """The lower one of the two in the middle, where there are two."""
    op = _onnx()
    half = op.Div(op.Add(_length(x, dim), op.Constant(value_ints=[1])), op.Constant(value_ints=[2]))
    return _last_of_least(x, half, dim, keepdim)


def _last_of_least(x: Any, count: Any, dim: int, keepdim: bool) -> Any:
    """The largest of the `count` least elements along an axis, and where it is."""
    op = _onnx()
    last = op.Constant(value_ints=[-1]) if keepdim else op.Constant(value_int=-1)
    return tuple(op.Gather(part, last, axis=dim) for part in op.TopK(x, count, axis=dim, largest=0, sorted=1))


def _searchsorted(
    sorted_sequence: Any, values: Any, *, out_int32: bool = False, right: bool = False, side: str | None = None, sorter: Any = None
) -> Any:
    """How many elements of a sequence are less than a value, or not greater."""
    op = _onnx()
    if sorter is not None:
        sorted_sequence = op.GatherElements(sorted_sequence, sorter, axis=-1)
    one_for_all = len(sorted_sequence.shape) == 1
    rows = sorted_sequence if one_for_all else op.Unsqueeze(sorted_sequence, op.Constant(value_ints=[-2]))
    columns = op.CastLike(op.Unsqueeze(values, op.Constant(value_ints=[-1])), sorted_sequence)
    below = op.LessOrEqual(rows, columns) if right or side == "right" else op.Less(rows, columns)
    return op.ReduceSum(op.Cast(below, to=6 if out_int32 else 7), op.Constant(value_ints=[-1]), keepdims=0)


def _cummax(x: Any, dim: int) -> Any:
    return _extremes(x, dim, "ReduceMax")


def _cummin(x: Any, dim: int) -> Any:
    return _extremes(x, dim, "ReduceMin")


def _extremes(x: Any, dim: int, reduce: str) -> Any:
    """The largest or least element so far along an axis, and the last place where it stands, by a square of all pairs of places."""
    op = _onnx()
    if not x.shape:
        return op.Identity(x), op.Constant(value_int=0)
    rank = len(x.shape)
    order = [axis for axis in range(rank) if axis != dim % rank] + [dim % rank]
    back, end = [order.index(axis) for axis in range(rank)], op.Constant(value_ints=[-1])
    y = op.Transpose(x, perm=order)
    rows, columns = op.Unsqueeze(y, op.Constant(value_ints=[-2])), op.Unsqueeze(y, end)
    places = op.Range(op.Constant(value_int=0), op.Squeeze(_length(y, -1)), op.Constant(value_int=1))
    so_far = op.LessOrEqual(places, op.Unsqueeze(places, end))
    best = getattr(op, reduce)(op.Where(so_far, rows, columns), end, keepdims=1)
    there = op.And(so_far, op.Equal(rows, best))
    place = op.ReduceMax(op.Where(there, places, op.Constant(value_int=-1)), end, keepdims=0)
    return op.Transpose(op.Squeeze(best, end), perm=back), op.Transpose(place, perm=back)


def _signbit(x: Any) -> Any:
    """Whether a number is below zero, or -0, whose reciprocal is."""
    op = _onnx()
    zero = op.CastLike(op.Constant(value_int=0), x)
    return op.Or(op.Less(x, zero), op.Less(op.Reciprocal(x), zero))


def _hypot(x: Any, y: Any) -> Any:
    op = _onnx()
    return op.Sqrt(op.Add(op.Mul(x, x), op.Mul(y, y)))


def _prod(x: Any, dims: Sequence[int] | None = None, output_dtype: int | None = None) -> Any:
    op = _onnx()
    return op.ReduceProd(x, keepdims=0) if dims is None else op.ReduceProd(x, op.Constant(value_ints=list(dims)), keepdims=0)
