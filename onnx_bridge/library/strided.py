"""Copies between strided layouts: what Transpose, Slice, Concat, Split, Expand, Tile and the like are emitted as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import Writer
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.library.loops import collapse


@dataclass(frozen=True)
class Side:
    """One side of a copy: a tensor's memory from the element `offset` on, with a stride (in elements) for each axis of the copy.

    Strides may be 0 (repeated) or negative where the side is read. `moved` is a C++ term that the pointer moves by, too.
    """

    tensor: Tensor
    strides: Sequence[Size]
    offset: Size = 0
    moved: str = ""

    def pointer(self, cpp: Writer) -> str:
        """The C++ pointer to the first element."""
        name = cpp.pointer(self.tensor) + self.moved
        return name if self.offset == 0 else f"{name} + {cpp.size(self.offset)}"


def copy(cpp: Writer, sizes: Sequence[Size], to: Side, source: Side) -> None:
    """Emits the copy of a block of `sizes`, by the plainest call that can do it; nothing where the block is empty."""
    if any(size == 0 for size in sizes):
        return
    merged, (to_strides, from_strides) = collapse(sizes, [to.strides, source.strides])
    y, x = to.pointer(cpp), source.pointer(cpp)
    rows, columns = (merged[-2:]) if len(merged) > 1 else (1, merged[-1])
    dense = columns == 1 or (to_strides[-1] == 1 and from_strides[-1] == 1)
    if len(merged) == 1 and dense:
        cpp.call("copy_run", y, x, columns)
    elif len(merged) == 1 and to_strides[-1] == 1 and from_strides[-1] == 0:
        cpp.call("fill", y, columns, f"*({x})" if source.offset != 0 or source.moved else f"*{x}")
    elif len(merged) == 2 and dense:
        cpp.call("copy_dense_rows", [rows, to_strides[0], from_strides[0]], columns, y, x)
    else:
        cpp.call("copy_strided", merged, y, to_strides, x, from_strides)
