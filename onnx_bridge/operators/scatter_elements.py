"""ScatterElements, Scatter (its old name) and ScatterND: x with some elements or blocks put in by index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import COMPUTED, HALVES, INDICES, MOVED, DType
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.operators.cases import Case, case, const, data, given
from onnx_bridge.operators.gather_elements import along

_REDUCTIONS = {"none": "ScatterReplace", "add": "ScatterAdd", "mul": "ScatterMul", "max": "ScatterMax", "min": "ScatterMin"}


def _reduction(name: str) -> str:
    """The functor of scatter.hxx."""
    if name not in _REDUCTIONS:
        raise UnsupportedForm(f"reduction must be one of {', '.join(_REDUCTIONS)}, got {name!r}")
    return _REDUCTIONS[name]


def _computed(reduction: str, index: int) -> Sequence[DType]:
    """The types of data, indices and updates: whatever moves as bits, unless it is reduced."""
    if index == 1:
        return INDICES
    return MOVED if reduction == "none" else tuple(dtype for dtype in COMPUTED if dtype not in HALVES)


def _copy(cpp: Writer, x: Tensor, y: Tensor) -> None:
    """Emits that y begins as x."""
    cpp.call("copy_run", y, x, x.count)


@operator("ScatterElements", since=11)
class ScatterElements(ROperator):
    """y = x, but y[i.., indices[i.., j, k..], k..] = updates[i.., j, k..], `axis` being that of j.

    `reduction` (add and mul since 16, max and min since 18) says what becomes of the element that stands there. Updates take
    place in their order; those with an index outside are dropped.
    """

    kernels = ("scatter.hxx",)

    axis: int = attribute(0)
    reduction: str = attribute("none")

    def computed(self, index: int) -> Sequence[DType]:
        return _computed(self.reduction, index)

    def types(self, x: Tensor, indices: Tensor, updates: Tensor) -> Type:
        along(x, indices, self.axis)
        _reduction(self.reduction)
        if updates.rank != indices.rank or updates.dtype is not x.dtype:
            raise ShapeError(f"updates must be {x.dtype} {list(indices.shape)}, got {updates.type}")
        for size, other in zip(indices.shape, updates.shape, strict=True):
            same(size, other)
        return x.type

    def emit(self, cpp: Writer) -> None:
        x, indices, updates = self.x, self.input(1), self.input(2)
        _copy(cpp, x, self.y)
        axis = along(x, indices, self.axis)
        cpp.call(f"scatter_elements<{_reduction(self.reduction)}>", x.shape, indices.shape, axis, indices, updates, self.y)

    _INTEGERS = data(4, 5, dtype="int64", high=9)
    _CHOSEN = const([[0, 2, -1], [1, 0, 0]])
    cases: ClassVar[Sequence[Case]] = (
        case(x=(4, 5), indices=_CHOSEN, updates=(2, 3)),
        case(x=(4, 5), indices=const([[1, 3], [-1, 0]], "int32"), updates=(2, 2), attributes={"axis": 1}),
        case(x=(2, 3), indices=const([[0, 0, 0]]), updates=(1, 3), attributes={"axis": -1, "reduction": "add"}, opset=18),
        case(x=(4, 5), indices=_CHOSEN, updates=(2, 3), attributes={"reduction": "mul"}, opset=16),
        case(x=(4, 5), indices=_CHOSEN, updates=(2, 3), attributes={"reduction": "max"}),
        case(x=(4, 5), indices=_CHOSEN, updates=(2, 3), attributes={"reduction": "min"}),
        case(x=_INTEGERS, indices=_CHOSEN, updates=data(2, 3, dtype="int64", high=9), attributes={"reduction": "add"}),
        case(x=data(4, 5, dtype="bool", low=0, high=2), indices=_CHOSEN, updates=data(2, 3, dtype="bool", low=0, high=2)),
        case(x=data(4, 5, dtype="str"), indices=_CHOSEN, updates=data(2, 3, dtype="str")),
        case(x=(4, "N"), indices=data(6, "N", dtype="int64", low=0, high=4), updates=(6, "N"), attributes={"reduction": "add"}),
    )


@operator("Scatter", since=9)
class Scatter(ScatterElements):
    """What ScatterElements was called in opsets 9 and 10; it had no reduction."""

    cases = (case(x=(4, 5), indices=const([[0, 2, -1], [1, 0, 0]]), updates=(2, 3), opset=10),)


@operator("ScatterND", since=11)
class ScatterND(ROperator):
    """y = x, but y[indices[i.., 0], indices[i.., 1], ..., k..] = updates[i.., k..]; `reduction` as in ScatterElements."""

    kernels = ("scatter.hxx",)

    reduction: str = attribute("none")

    def computed(self, index: int) -> Sequence[DType]:
        return _computed(self.reduction, index)

    def types(self, x: Tensor, indices: Tensor, updates: Tensor) -> Type:
        _reduction(self.reduction)
        depth = self.depth(x, indices)
        expected = (*indices.shape[:-1], *x.shape[depth:])
        if updates.rank != len(expected) or updates.dtype is not x.dtype:
            raise ShapeError(f"updates must be {x.dtype} {list(expected)}, got {updates.type}")
        for size, other in zip(expected, updates.shape, strict=True):
            same(size, other)
        return x.type

    @staticmethod
    def depth(x: Tensor, indices: Tensor) -> int:
        """How many axes the indices are for."""
        depth = indices.shape[-1] if indices.rank else 0
        if not isinstance(depth, int) or not 1 <= depth <= x.rank:
            raise UnsupportedForm(f"the last size of indices must be known and from 1 to {x.rank}, got {indices.type}")
        return depth

    def emit(self, cpp: Writer) -> None:
        x, indices, updates = self.x, self.input(1), self.input(2)
        depth = self.depth(x, indices)
        _copy(cpp, x, self.y)
        inner, count = dims.product(x.shape[depth:]), dims.product(indices.shape[:-1])
        cpp.call(f"scatter_nd<{_reduction(self.reduction)}>", x.shape[:depth], inner, count, indices, updates, self.y)

    cases = (
        case(x=(6, 5), indices=const([[1], [4], [-1]]), updates=(3, 5)),
        case(x=(3, 5, "N"), indices=const([[0, 1], [2, -1]]), updates=(2, "N"), attributes={"reduction": "add"}, opset=16),
        case(x=(6, 5), indices=data(4, 2, dtype="int64", low=-5, high=5), updates=(4,), attributes={"reduction": "mul"}),
        case(x=(6, 5), indices=const([[[1], [1]], [[2], [3]]]), updates=(2, 2, 5), attributes={"reduction": "max"}),
        case(x=(6, 5), indices=const([[1], [1]]), updates=(2, 5), attributes={"reduction": "min"}),
        case(x=data(6, 5, dtype="int64", high=9), indices=const([[1], [1]]), updates=data(2, 5, dtype="int64", high=9)),
        case(x=(6,), indices=given([[1], [5]], "int64"), updates=(2,), opset=11),
        case(x=data(6, "N", dtype="str"), indices=const([[1], [4], [-1]]), updates=data(3, "N", dtype="str")),
    )
