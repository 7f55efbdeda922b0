"""Strings in C++: tables of known ones, and memory for those that operators make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import DType, string
from onnx_bridge.ir.roperator import ROperator, Writer
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.library.known import storage_literal

#: What an operator that has memory for text finds: how many bytes are needed.
NEEDED = "needed"


def table(cpp: Writer, name: str, texts: Sequence[str]) -> str:
    """Known strings as C++'s `TextTable`, in the weights file."""
    encoded = [text.encode("utf-8", "surrogateescape") for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    text = np.frombuffer(b"".join(encoded) or b"\0", np.uint8)  # an array of no bytes is none
    return f"TextTable{{{cpp.weight(f'{name}_text', text)}, {cpp.weight(f'{name}_ends', ends)}, {len(encoded)}}}"


def element(cpp: Writer, value: object, dtype: DType) -> str:
    """An element of a known tensor, numbers or strings, as C++ of the very type that its tensor has in memory."""
    return f"std::string_view({cpp.text(str(value))})" if dtype is string else storage_literal(value, dtype)


class TextMaker(ROperator):
    """An operator that makes text: it puts it into the model's memory for that, which the lowering gives it."""

    makes_text = True
    of_text: ClassVar[bool | None] = True

    def room(self, cpp: Writer) -> str:
        """C++'s `TextRoom`: where text is put, and how many bytes are taken."""
        memory = self.text_memory()
        return f"TextRoom{{reinterpret_cast<char*>({cpp.pointer(memory)}), {cpp.size(memory.count)}, &{cpp.size(self.needed())}}}"

    def text_memory(self) -> Tensor:
        """The model's memory for text."""
        assert self.text is not None, "the lowering gives it to every operator that makes text"
        return self.text[0]

    def needed(self) -> Size:
        """The size that says how many bytes are needed."""
        assert self.text is not None, "the lowering gives it to every operator that makes text"
        return self.text[1]

    def refuse_short(self, cpp: Writer) -> None:
        """Has the call refused where there was too little room, and says how much is needed."""
        cpp.require_room(self.needed())


def is_text(tensor: Tensor | None) -> bool:
    """Whether a value is a tensor of strings."""
    return tensor is not None and getattr(tensor.declared, "dtype", None) is string


def known_texts(tensor: Tensor) -> list[str]:
    """The strings of a constant."""
    return [str(text) for text in tensor.constant().reshape(-1)]
