"""Writer: what an operator emits itself to. `emit/writer.py` implements it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

import numpy as np

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.tensor import Tensor

if TYPE_CHECKING:
    from onnx_bridge.ir.roperator import ROperator


class Writer(Protocol):
    """What an operator emits itself to."""

    def pointer(self, tensor: Tensor) -> str:
        """The C++ name of the pointer to a tensor's first element."""

    def size(self, size: Size) -> str:
        """A size as a C++ expression of type Size, in parentheses where it needs them."""

    def const(self, size: Size) -> str:
        """A size as a kernel's template argument: `Const<64>()` where it is known."""

    def weight(self, name: str, array: np.ndarray) -> str:
        """Stores an array, packed as a kernel wants it, in the weights file; returns the C++ name of its pointer."""

    def scratch(self) -> str:
        """The operator's scratch memory (`scratch_bytes`), a `char*` aligned to 64 bytes."""

    def functor(self, text: str, hint: str) -> str:
        """Declares `struct NAME text` once before the network; returns NAME, which starts with `hint`."""

    def local(self, hint: str) -> str:
        """A C++ name that nothing else in the network has."""

    def line(self, text: str) -> None:
        """One line of C++."""

    def text(self, text: str) -> str:
        """A string as two arguments of C++'s std::string_view: its bytes, and how many."""

    def require_room(self, size: Size) -> None:
        """Has the call refused where a size that was found is more than the caller has room for; what was found can be told then."""

    def point(self, tensor: Tensor, source: Tensor, offset: str) -> None:
        """Has a tensor be what lies in the memory of another one, `offset` elements from its beginning; an output gets a copy of it."""

    def call(self, function: str, *args: object) -> None:
        """A call. Tensors become pointers, sizes and numbers literals, None nullptr, sequences braces, str is kept."""

    def block(self, head: str) -> AbstractContextManager[None]:
        """`head {` ... `}` around what is written inside."""

    def operators(self, operators: Sequence[ROperator]) -> None:
        """Emits nested operators (the bodies of control flow)."""

    def read_size(self, size: Size, tensor: Tensor, most: Size) -> None:
        """Sets a size that an operator finds to the number that a tensor holds; a call where it is not from 0 to `most` is refused."""

    def require(self, conditions: Sequence[Size], constraints: Sequence[tuple[Size, Size]]) -> None:
        """Has the call refused where a condition is negative, or two sizes of a pair differ."""
