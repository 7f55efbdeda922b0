"""ConstantOfShape."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from onnx_bridge.ir import dims, dtypes
from onnx_bridge.ir.dtypes import DType
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.known import MOST, storage_literal
from onnx_bridge.operators.cases import case, const, data


@operator("ConstantOfShape", since=9)
class ConstantOfShape(ROperator):
    """y = `value` everywhere, in the given shape; a float 0 unless given."""

    kernels = ("bytes.hxx",)
    vectors = (0,)

    value: np.ndarray | None = attribute(None)

    def element(self) -> tuple[np.generic, DType]:
        """The value and its type."""
        value = np.zeros(1, np.float32) if self.value is None else self.value
        if value.size != 1:
            raise ShapeError(f"value must have one element, got {value.size}")
        return value.reshape(-1)[0], dtypes.of(value)

    def types(self, shape: Tensor) -> Type:
        sizes = shape.sizes()
        if any(isinstance(size, int) and size < 0 for size in sizes):
            raise ShapeError(f"sizes must not be negative, got {list(sizes)}")
        return Type(self.element()[1], sizes)

    def values(self, shape: Tensor) -> np.ndarray | None:
        sizes = [size for size in shape.sizes() if isinstance(size, int)]
        if len(sizes) != len(shape.sizes()) or dims.product(sizes) > MOST:  # type: ignore[operator]
            return None
        return np.full(sizes, self.element()[0])

    def reads(self) -> Sequence[int]:
        return ()

    def makes_zeros(self, zero: Callable[[Tensor], bool]) -> bool:
        return not self.element()[0]

    def emit(self, cpp: Writer) -> None:
        cpp.call("fill", self.y, self.y.count, storage_literal(*self.element()))

    cases = (
        case(shape=data(1, dtype="int64", low=3, high=9)),
        case(shape=data(1, dtype="int64", low=0, high=9), attributes={"value": np.asarray([-7], np.int64)}),
        case(shape=data(1, dtype="int64", low=3, high=9), attributes={"value": np.asarray([1.5], np.float16)}),
        case(shape=data(1, dtype="int64", low=3, high=9), attributes={"value": np.asarray([True])}),
        case(shape=const([2, 3])),
        case(shape=const(np.zeros(0, np.int64))),
        case(shape=const([2, 0])),
    )
