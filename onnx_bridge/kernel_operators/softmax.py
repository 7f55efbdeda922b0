"""SoftmaxRows: a softmax along rows, wherever these lie. What FusedAttention takes in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import KernelOperator, Writer
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.kernels.rows import SOFTMAX
from onnx_bridge.library.kernel import for_type
from onnx_bridge.library.loops import short


@dataclass(eq=False, kw_only=True)
class SoftmaxRows(KernelOperator):
    """y = exp(x) / sum of exp(x) along the n elements of each row of x as `rows` = [outer][n][inner]."""

    rows: tuple[Size, Size, Size]

    op_type = "Softmax"
    in_place: ClassVar[tuple[int, ...]] = (0,)

    def types(self, x: Tensor) -> Type:
        return x.type

    def kernel_files(self) -> Sequence[str]:
        return [for_type(self.x.dtype, SOFTMAX).header]

    def emit(self, cpp: Writer) -> None:
        outer, n, inner = self.rows
        cpp.call(for_type(self.x.dtype, SOFTMAX).function, outer, short(cpp, n), "Const<1>()" if inner == 1 else inner, self.x, self.y)


@dataclass(eq=False, kw_only=True)
class MaskedSoftmaxRows(SoftmaxRows):
    """The same, but rows of nothing but -inf give zeros."""

    op_type = "MaskedSoftmax"
    in_place = ()

    def kernel_files(self) -> Sequence[str]:
        return list(dict.fromkeys([*super().kernel_files(), "softmax.hxx"]))

    def emit(self, cpp: Writer) -> None:
        super().emit(cpp)
        cpp.call("zero_masked", *self.rows, self.x, self.y)
