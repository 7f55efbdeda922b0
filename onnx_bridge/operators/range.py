"""Range."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, operator
from onnx_bridge.ir.tensor import NeedsValue, ShapeError, Tensor, Type
from onnx_bridge.library.known import MOST, scalar, storage_literal, stored
from onnx_bridge.operators.cases import case, const, data


@operator("Range", since=11)
class Range(ROperator):
    """y = start, start + delta, ... to before limit. The three decide a size: they are constants, or computed from sizes."""

    kernels = ("order.hxx",)

    def types(self, start: Tensor, limit: Tensor, delta: Tensor) -> Type:
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
        if not isinstance(by, int) or by == 0:
            raise UnsupportedForm(f"delta must be a constant other than 0 where start or limit is computed from sizes, got {by}")
        reach = end - begin if by > 0 else begin - end
        return dims.maximum(dims.ceil_div(reach, abs(by)), 0)

    def values(self, start: Tensor, limit: Tensor, delta: Tensor) -> np.ndarray | None:
        count = self.length(start, limit, delta)
        if not isinstance(count, int) or count > MOST or not start.is_constant or not (start.dtype.is_integer or _is_half(start)):
            return None
        first, step = scalar(start, "start").item(), scalar(delta, "delta").item()
        return np.asarray([stored(first + i * step, start.dtype) for i in range(count)], start.dtype.numpy)

    def reads(self) -> Sequence[int]:
        return ()

    def emit(self, cpp: Writer) -> None:
        cpp.call("range", self._number(cpp, self.x), self._number(cpp, self.input(2)), self.y.count, self.y)

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
        case(start=const(5.5, "float32"), limit=const(1.0, "float32"), delta=const(-0.25, "float32")),
    )


def _is_half(tensor: Tensor) -> bool:
    """Whether a tensor holds floats of two bytes, which the kernel cannot add."""
    return tensor.dtype.is_float and tensor.dtype.size == 2
