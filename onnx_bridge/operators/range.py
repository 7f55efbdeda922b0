"""Range."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import COMPUTED, HALVES, DType
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, operator
from onnx_bridge.ir.tensor import NeedsValue, ShapeError, Tensor, Type, of_either_sign
from onnx_bridge.library.known import MOST, scalar, storage_literal, stored
from onnx_bridge.operators.cases import case, const, data, given


@operator("Range", since=11)
class Range(ROperator):
    """y = start, start + delta, ... to before limit. The three decide a size: they are constants, or computed from sizes.

    Where they are neither, how many elements there are is found as the network runs, and the caller says how much room there is.
    """

    kernels = ("order.hxx",)
    may_read_sizes = True
    reads_either_sign = True
    scalars = (0, 1, 2)

    def computed(self, index: int) -> Sequence[DType]:
        return tuple(dtype for dtype in COMPUTED if dtype not in HALVES) if self.reads_sizes else COMPUTED

    def types(self, start: Tensor, limit: Tensor, delta: Tensor) -> Type:
        if self.reads_sizes:
            for tensor in (start, limit, delta):
                if tensor.count != 1:
                    raise ShapeError(f"start, limit and delta must be single numbers, got {tensor.type}")
            return Type(start.dtype, (self.find("count", None),))
        count = self.length(start, limit, delta)
        if _is_half(start) and not (isinstance(count, int) and count <= MOST):
            raise UnsupportedForm(f"ranges of {start.dtype} must be constants of at most {MOST} elements, got {count}")
        return Type(start.dtype, (count,))

    @staticmethod
    def length(start: Tensor, limit: Tensor, delta: Tensor) -> Size:
        """max(0, ceil((limit - start) / delta)), in numbers or in sizes."""
        for tensor in (start, limit, delta):
            if tensor.count != 1:
                raise ShapeError(f"start, limit and delta must be single numbers, got {tensor.type}")
            if tensor.value is None:
                raise NeedsValue(tensor)
        if start.is_constant and limit.is_constant and delta.is_constant:
            first, last, step = scalar(start, "start"), scalar(limit, "limit"), scalar(delta, "delta")
            if step == 0 or not all(np.isfinite(x) for x in (first, last, step)):
                raise ShapeError(f"start, limit and delta must be finite and delta not 0, got {first}, {last}, {step}")
            if start.dtype.is_float:
                return max(0, math.ceil(float(last - first) / float(step)))
            return dims.maximum(dims.ceil_div(int(last) - int(first), int(step)), 0)
        (begin,), (end,), (by,) = start.sizes(), limit.sizes(), delta.sizes()
        if not isinstance(by, int):
            for size in (begin, end, by):
                of_either_sign(size)
            raise NeedsValue(delta)
        if by == 0:
            raise UnsupportedForm(f"delta must be a constant other than 0 where start or limit is computed from sizes, got {by}")
        reach = end - begin if by > 0 else begin - end
        return dims.maximum(dims.ceil_div(reach, abs(by)), 0)

    def values(self, start: Tensor, limit: Tensor, delta: Tensor) -> np.ndarray | None:
        count = None if self.reads_sizes else self.length(start, limit, delta)
        if not isinstance(count, int) or count > MOST or not start.is_constant or not (start.dtype.is_integer or _is_half(start)):
            return None
        first, step = scalar(start, "start").item(), scalar(delta, "delta").item()
        return np.asarray([stored(first + i * step, start.dtype) for i in range(count)], start.dtype.numpy)

    def reads(self) -> Sequence[int]:
        return [index for index in range(3) if not self.input(index).is_constant] if self.reads_sizes else []

    def emit(self, cpp: Writer) -> None:
        if self.reads_sizes:
            start, limit, delta = (self._read(cpp, self.input(index)) for index in range(3))
            count = self.y.shape[0]
            cpp.call(f"{cpp.size(count)} = range_count", start, limit, delta)
            cpp.line(f"if ({cpp.size(count)} < 0) return false;")
            cpp.require_room(count)
            cpp.call("range", start, delta, count, self.y)
            return
        cpp.call("range", self._number(cpp, self.x), self._number(cpp, self.input(2)), self.y.count, self.y)

    @staticmethod
    def _read(cpp: Writer, tensor: Tensor) -> str:
        if tensor.is_constant:
            return storage_literal(scalar(tensor, "start, limit and delta"), tensor.dtype)
        return f"*{cpp.pointer(tensor)}"

    @staticmethod
    def _number(cpp: Writer, tensor: Tensor) -> str:
        if tensor.is_constant:
            return storage_literal(scalar(tensor, "start and delta"), tensor.dtype)
        return f"static_cast<{tensor.dtype.storage}>({cpp.size(tensor.sizes()[0])})"

    cases = (
        case(start=const(2), limit=data(dtype="int64", low=3, high=20), delta=const(1)),
        case(start=const(9), limit=data(dtype="int64", low=0, high=9), delta=const(-2)),
        case(start=data(dtype="int64", low=0, high=9), limit=const(9), delta=const(3)),
        case(start=const(0, "int32"), limit=const(7, "int32"), delta=const(3, "int32")),
        case(start=given(1.5), limit=given(7.25), delta=given(0.5)),
        case(start=given(9, "int32"), limit=given(-9, "int32"), delta=given(-4, "int32")),
        case(start=given(3.0, "float64"), limit=given(-3.0, "float64"), delta=const(1.0, "float64")),
        case(start=const([2]), limit=given([7], "int64"), delta=const([2])),
        case(start=const(5.5, "float32"), limit=const(1.0, "float32"), delta=const(-0.25, "float32")),
    )


def _is_half(tensor: Tensor) -> bool:
    """Whether a tensor holds floats of two bytes, which the kernel cannot add."""
    return tensor.dtype.is_float and tensor.dtype.size == 2
