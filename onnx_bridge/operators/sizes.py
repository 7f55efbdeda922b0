"""Sizes: what ONNX would write as a Constant, of numbers that are known as expressions of the dims. No file names it."""

from __future__ import annotations

from dataclasses import dataclass

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import ROperator, Writer
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type


@dataclass(eq=False, kw_only=True)
class Sizes(ROperator):
    """y = integers that are expressions of the dims, as many as `type` has elements."""

    sizes: tuple[Size, ...]
    type: Type

    op_type = "Sizes"

    def types(self) -> Type:
        if dims.product(self.type.shape) != len(self.sizes):
            raise ShapeError(f"{len(self.sizes)} sizes are none of {self.type}")
        return self.type

    def emit(self, cpp: Writer) -> None:
        y = cpp.pointer(self.y)
        for index, size in enumerate(self.sizes):
            cpp.line(f"{y}[{index}] = static_cast<{self.y.dtype.storage}>({cpp.size(size)});")


def sizes_of(tensor: Tensor, name: str) -> Sizes:
    """The operator that writes a tensor of sizes."""
    op = Sizes(name=name, sizes=tensor.sizes(), type=tensor.type)
    op.outputs = [tensor]
    return op
