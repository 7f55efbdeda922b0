"""Copy: a tensor's bytes in memory of their own."""

from __future__ import annotations

from dataclasses import dataclass

from onnx_bridge.ir.roperator import KernelOperator, Writer
from onnx_bridge.ir.tensor import Tensor, Type


@dataclass(eq=False, kw_only=True)
class Copy(KernelOperator):
    """y = x, byte by byte."""

    op_type = "Copy"

    def types(self, x: Tensor) -> Type:
        return x.type

    def emit(self, cpp: Writer) -> None:
        cpp.line(f"std::memcpy({cpp.pointer(self.y)}, {cpp.pointer(self.x)}, static_cast<std::size_t>({cpp.size(self.x.bytes)}));")
