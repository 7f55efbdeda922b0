"""TurnSize: the number of a loop's turn as a size. No file names it: the lowering puts it into bodies where sizes hang on that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import ROperator, Writer
from onnx_bridge.ir.tensor import Tensor, Type


@dataclass(eq=False, kw_only=True)
class TurnSize(ROperator):
    """Finds the size that x, the number of a turn, is anew in each turn, at most `most`. It has no output: x is known as that size."""

    most: Size

    op_type = "TurnSize"

    @property
    def size(self) -> Size:
        """The number as a size."""
        return self.find("turn", self.most)

    def types(self, x: Tensor) -> Sequence[Type]:
        self.find("turn", self.most)
        return []

    def emit(self, cpp: Writer) -> None:
        cpp.line(f"{cpp.size(self.size)} = static_cast<Size>(*{cpp.pointer(self.x)});")
