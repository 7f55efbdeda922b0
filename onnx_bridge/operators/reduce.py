"""The reductions: ReduceSum, Mean, Max, Min, Prod, SumSquare, L1, L2, LogSum and LogSumExp, one class and a row of operations for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import INTEGERS, WIDE_FLOATS, bool_, float32, int64
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import Shape, Tensor, Type
from onnx_bridge.library import open_axes
from onnx_bridge.library.known import MOST, axes_in, settled
from onnx_bridge.library.loops import around, short
from onnx_bridge.operators.cases import case, const, data, given


@dataclass(eq=False, kw_only=True)
class Reduction(ROperator):
    """y = all elements along `axes` made one; those axes stay with size 1 (`keepdims`) or go. Without axes: all of them.

    Axes are an attribute, since opset 18 (ReduceSum: 13) an input, whose values may be sizes of the call; with `noop_with_empty_axes` no
    axes means that every element is reduced alone. Nothing to reduce gives 0 for sums, 1 for products, the type's lowest for a maximum, its
    highest for a minimum.
    """

    kernels = ("reduce.hxx",)
    #: The kernels where axes are known only at run time.
    open_kernels: ClassVar[Sequence[str]] = ("reduce_axes.hxx",)
    vectors = (1,)
    computes = ((*WIDE_FLOATS, *INTEGERS, bool_), (int64,))
    #: The operation of kernels/reduce.hxx for one call; where it takes several: for the first, for those between, for the last.
    operations: ClassVar[tuple[str, str, str, str]] = ("", "", "", "")
    #: What it does to sizes that are known at conversion: a function of two.
    joined: ClassVar[staticmethod[[Any, Any], Any] | None] = None
    empty: ClassVar[int | None] = None

    axes: list[int] | None = attribute(None)
    keepdims: int = attribute(1)
    noop_with_empty_axes: int = attribute(0)

    def types(self, x: Tensor, axes: Tensor | None = None) -> Type:
        if self.open_axes:
            kept = self.kept()
            asked = len(self.asked() or ())
            return Type(x.dtype, open_axes.reduced(x.shape, kept) if self.keepdims else open_axes.without(x.shape, kept, asked))
        reduced = self.reduced()
        return Type(
            x.dtype, tuple(1 if axis in reduced else size for axis, size in enumerate(x.shape) if axis not in reduced or self.keepdims)
        )

    def asked(self) -> list[Size] | None:
        """The axes as they are given."""
        return open_axes.numbers(self.axes, self.arguments(2)[1])

    @property
    def open_axes(self) -> bool:
        """Whether the axes are known only at run time."""
        return open_axes.are_open(self.asked())

    def kept(self) -> list[Size]:
        """For each axis: 1 if it is not reduced, 0 if it is."""
        return open_axes.others(self.asked() or (), self.x.rank)

    def reduced(self) -> list[int]:
        """The axes that are reduced, in order, where they are known."""
        asked = [axis for axis in self.asked() or () if isinstance(axis, int)]
        if not asked:
            return [] if self.noop_with_empty_axes else list(range(self.x.rank))
        return sorted(axes_in(asked, self.x.rank))

    def kernel_files(self) -> Sequence[str]:
        kernels = self.open_kernels if self.open_axes else self.kernels
        return kernels if self.x.dtype is float32 else [*kernels, "double_functions.hxx"]

    def values(self, x: Tensor, axes: Tensor | None = None) -> np.ndarray | None:
        if x.value is None or self.joined is None or not x.dtype.is_integer or x.value.size > MOST or self.open_axes:
            return None
        value: Any = x.value.astype(object)
        for axis in reversed(self.reduced()):
            if value.shape[axis] == 0 and self.empty is None:
                return None
            rows = np.moveaxis(value, axis, 0)
            total = rows[0] if len(rows) else np.full(rows.shape[1:], self.empty, dtype=object)
            for row in rows[1:]:
                total = np.frompyfunc(self.joined, 2, 1)(total, row)
            value = np.expand_dims(np.asarray(total, dtype=object), axis)
        shape = tuple(value.shape[axis] for axis in range(x.rank) if self.keepdims or axis not in self.reduced())
        return settled(value.reshape(shape), x.dtype)

    def reads(self) -> Sequence[int]:
        return (0,)

    def runs(self) -> list[tuple[int, int]]:
        """The reduced axes as runs of neighbours (first, behind the last), from the innermost; axes of size 1 belong to any run."""
        reduced = [axis for axis in self.reduced() if self.x.shape[axis] != 1]
        found: list[list[int]] = []
        for axis in reduced:
            if found and all(self.x.shape[between] == 1 for between in range(found[-1][1], axis)):
                found[-1][1] = axis + 1
            else:
                found.append([axis, axis + 1])
        return [(first, last) for first, last in reversed(found)] or [(self.x.rank, self.x.rank)]

    def shapes(self) -> list[Shape]:
        """The shape before each run is reduced, and at the end; every axis is kept."""
        shapes = [self.x.shape]
        for first, last in self.runs():
            shapes.append(tuple(1 if first <= axis < last else size for axis, size in enumerate(shapes[-1])))
        return shapes

    def scratch_bytes(self) -> Size:
        if self.open_axes:
            return self.x.bytes
        between = self.shapes()[1:-1]
        return sum((dims.product(shape) for shape in between), 0) * self.x.dtype.size

    def emit(self, cpp: Writer) -> None:
        if self.open_axes:
            return self.emit_open(cpp)
        runs, shapes = self.runs(), self.shapes()
        one, first, middle, last = self.operations
        count = cpp.size(dims.product(self.x.shape[axis] for axis in self.reduced()))
        source = cpp.pointer(self.x)
        # Without elements between two runs there is no memory for them, and none is touched.
        offset = cpp.scratch() if self.scratch_bytes() != 0 else cpp.pointer(self.y)
        used: Size = 0
        for index, run in enumerate(runs):
            operation = one if len(runs) == 1 else first if index == 0 else last if index == len(runs) - 1 else middle
            operation = operation.replace("COUNT", count)
            outer, n, inner = around(shapes[index], *run)
            target = cpp.pointer(self.y)
            if index < len(runs) - 1:
                target = f"reinterpret_cast<{self.x.dtype.storage}*>({offset}" + (f" + {cpp.size(used)})" if used != 0 else ")")
                used = used + dims.product(shapes[index + 1]) * self.x.dtype.size
            if self.x.dtype.storage != "float":
                cpp.call("reduce_any", outer, short(cpp, n), "Const<1>()" if inner == 1 else inner, source, target, operation)
            elif inner == 1:
                cpp.call("reduce_last", outer, short(cpp, n), source, target, operation)
            else:
                cpp.call("reduce", outer, short(cpp, n), inner, source, target, operation)
            source = target

    def emit_open(self, cpp: Writer) -> None:
        """One call, which finds out which axes are reduced."""
        axes = cpp.local("axes")
        pairs = ", ".join(f"{{{cpp.size(size)}, {cpp.size(kept)}}}" for size, kept in zip(self.x.shape, self.kept(), strict=True))
        kind = f"{self.x.dtype.storage}*"
        row = f"static_cast<{kind}>(nullptr)" if self.scratch_bytes() == 0 else f"reinterpret_cast<{kind}>({cpp.scratch()})"
        with cpp.block(""):
            cpp.line(f"const ReduceAxis {axes}[] = {{{pairs}}};")
            cpp.call("reduce_axes", axes, self.x, self.y, row, self.operations[0].replace("COUNT", f"reduced_count({axes})"))


def _cases(low: float = -2.0, dtypes: Sequence[str] = ("float64", "int32"), empty: bool = True) -> tuple[Any, ...]:
    cases = [
        case(x=data("N", 5, 7, low=low), axes=const([2])),
        case(x=data("N", 5, 33, low=low), axes=const([1]), attributes={"keepdims": 0}),
        case(x=data(4, 3, "N", low=low), axes=const([0, 2])),
        case(x=data(4, 3, 5, low=low), axes=const([0, -1])),
        case(x=data(2, "N", 3, 4, 5, low=low), axes=const([1, 4, 2]), attributes={"keepdims": 0}),
        case(x=data(2, 3, 4, 5, 6, low=low), axes=const([0, 2, 4])),
        case(x=data("N", 3, 4, low=low)),
        case(x=data("N", 3, 4, low=low), axes=const(np.zeros(0, np.int64)), attributes={"noop_with_empty_axes": 1}),
        case(x=data(3, 600, low=low), attributes={"axes": [-1]}, opset=11),
        case(x=data(600, 3, low=low), attributes={"axes": [0], "keepdims": 0}, opset=11),
        case(x=data(low=low), attributes={"keepdims": 0}),
        case(x=data(4, 1, 3, low=low), axes=const([1])),
    ]
    cases += [
        case(x=data("N", 5, 7, low=low), axes=given([1], "int64")),
        # Static: of nothing, with axes that count from the end, onnxruntime's output has another rank.
        case(x=data(3, 5, 3, 4, low=low), axes=given([-1, 1], "int64"), attributes={"keepdims": 0}),
        case(x=data(3, 2, 40, low=low), axes=given([-1], "int64"), attributes={"keepdims": 0}),
    ]
    cases += [case(x=data(3, 4, 5, dtype=dtype, low=max(low, -3), high=4), axes=const([0, 2])) for dtype in dtypes]
    if empty:
        cases.append(case(x=data(3, 0, 4), axes=const([1])))
        cases.append(case(x=data(0, 3, "N"), axes=const([0, 2])))
    return tuple(cases)


@operator("ReduceSum", since=1)
class ReduceSum(Reduction):
    """The sum."""

    operations = ("Sum()", "Sum()", "Sum()", "Sum()")
    joined = staticmethod(lambda a, b: a + b)
    empty = 0
    cases = _cases(dtypes=("float64", "int32", "int64"))


@operator("ReduceMean", since=1)
class ReduceMean(Reduction):
    """The sum divided by the number of elements."""

    operations = ("Mean(COUNT)", "Sum()", "Sum()", "Mean(COUNT)")
    cases = _cases(empty=False)


@operator("ReduceMax", since=1)
class ReduceMax(Reduction):
    """The largest; NaN where one is NaN (onnxruntime leaves NaNs out)."""

    operations = ("Max()", "Max()", "Max()", "Max()")
    joined = staticmethod(dims.maximum)
    cases = (
        *_cases(dtypes=("float64", "int32", "int64", "int8", "uint8"), empty=False),
        case(x=given([[-np.inf, -np.inf, -np.inf], [-np.inf, -3.0, np.inf]]), axes=const([1])),
    )


@operator("ReduceMin", since=1)
class ReduceMin(Reduction):
    """The smallest; NaN where one is NaN (onnxruntime leaves NaNs out)."""

    operations = ("Min()", "Min()", "Min()", "Min()")
    joined = staticmethod(dims.minimum)
    cases = (
        *_cases(dtypes=("float64", "int32", "int64", "int8", "uint8"), empty=False),
        case(x=given([[-np.inf, -np.inf, -np.inf], [-np.inf, -3.0, np.inf]]), axes=const([1])),
    )


@operator("ReduceProd", since=1)
class ReduceProd(Reduction):
    """The product."""

    operations = ("Prod()", "Prod()", "Prod()", "Prod()")
    joined = staticmethod(lambda a, b: a * b)
    empty = 1
    cases = _cases(low=0.9, dtypes=("float64", "int32", "int64"))


@operator("ReduceSumSquare", since=1)
class ReduceSumSquare(Reduction):
    """The sum of the squares."""

    operations = ("SumSquare()", "SumSquare()", "Sum()", "Sum()")
    cases = _cases()


@operator("ReduceL1", since=1)
class ReduceL1(Reduction):
    """The sum of the absolute values."""

    operations = ("L1()", "L1()", "Sum()", "Sum()")
    cases = _cases(dtypes=("int32",))


@operator("ReduceL2", since=1)
class ReduceL2(Reduction):
    """The root of the sum of the squares."""

    operations = ("L2()", "SumSquare()", "Sum()", "RootOfSum()")
    cases = _cases(dtypes=("int32",))


@operator("ReduceLogSum", since=1)
class ReduceLogSum(Reduction):
    """The logarithm of the sum."""

    operations = ("LogSum()", "Sum()", "Sum()", "LogSum()")
    cases = _cases(low=0.1, dtypes=("int32",), empty=False)


@operator("ReduceLogSumExp", since=1)
class ReduceLogSumExp(Reduction):
    """The logarithm of the sum of the exponentials, without overflow."""

    operations = ("LogSumExp()", "LogSumExp()", "LogSumExp()", "LogSumExp()")
    cases = _cases(dtypes=("float64",), empty=False)
