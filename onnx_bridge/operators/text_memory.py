"""TextMemory: where operators that make text put it. No file names it: the lowering adds it to a model that has such operators."""

from __future__ import annotations

from dataclasses import dataclass

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import uint8
from onnx_bridge.ir.roperator import ROperator, Writer
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.library.texts import NEEDED


@dataclass(eq=False, kw_only=True)
class TextMemory(ROperator):
    """y = `room` bytes, which are there as long as the network runs. How many are needed is found as operators put text into them."""

    room: Size

    op_type = "TextMemory"
    lasts = True

    def types(self) -> Type:
        self.find(NEEDED, self.room)
        return Type(uint8, (self.room,))

    def emit(self, cpp: Writer) -> None:
        """Nothing: what is needed is 0 at first."""


def text_memory(room: Size, needed: Size, name: str) -> TextMemory:
    """The operator that gives a model memory for text.

    Args:
        room: how many bytes the caller allows.
        needed: the size that says how many are needed.
        name: of the tensor.
    """
    op = TextMemory(name="text", room=room, found={NEEDED: needed})
    op.outputs = [Tensor(name, op.types())]
    return op
