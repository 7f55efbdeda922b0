"""Sizes: what ONNX would write as a Constant, of numbers that are known as expressions of the dims. No file names it."""

from __future__ import annotations

from dataclasses import dataclass

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import ROperator, Writer
from onnx_bridge.ir.tensor import Tensor, Type


@dataclass(eq=False, kw_only=True)
class Sizes(ROperator):
    """y = integers that are expressions of the dims."""

    sizes: tuple[Size, ...] = ()

    op_type = "Sizes"

    def types(self) -> Type:
        return self.y.type

    def emit(self, cpp: Writer) -> None:
        y = cpp.pointer(self.y)
        for index, size in enumerate(self.sizes):
            cpp.line(f"{y}[{index}] = static_cast<{self.y.dtype.storage}>({cpp.size(size)});")


def sizes_of(tensor: Tensor, name: str) -> Sizes:
    """The operator that writes a tensor of sizes."""
    op = Sizes(name=name, sizes=tensor.sizes())
    op.outputs = [tensor]
    return op
