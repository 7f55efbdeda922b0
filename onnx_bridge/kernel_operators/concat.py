"""Concatenation: tensors one after the other along an axis, in either layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import KernelOperator, Writer
from onnx_bridge.ir.tensor import BLOCK, Tensor, Type, same
from onnx_bridge.library import strided
from onnx_bridge.library.loops import contiguous_strides
from onnx_bridge.library.strided import Side


@dataclass(eq=False, kw_only=True)
class Concatenation(KernelOperator):
    """y = the inputs along `axis`. Blocked, all of them are, the axis is that of the channels, and all but the last have whole blocks."""

    axis: int

    op_type = "Concat"

    def types(self, *parts: Tensor) -> Type:
        shape = list(parts[0].shape)
        for part in parts[1:]:
            pairs = enumerate(zip(shape, part.shape, strict=True))
            shape = [size + other if axis == self.axis else same(size, other) for axis, (size, other) in pairs]
        return Type(parts[0].dtype, tuple(shape))

    def takes_layout(self, tensor: Tensor) -> bool:
        return tensor.layout == self.y.layout

    def kernel_files(self) -> Sequence[str]:
        return ["copy.hxx"] if self.y.layout == "planar" else ["concat.hxx"]

    def emit(self, cpp: Writer) -> None:
        if self.y.layout == "planar":
            self._emit_planar(cpp)
        else:
            self._emit_blocked(cpp)

    def _emit_planar(self, cpp: Writer) -> None:
        strides = contiguous_strides(self.y.shape)
        begin: Size = 0
        for part in self.inputs:
            assert part is not None
            strided.copy(cpp, part.shape, Side(self.y, strides, begin * strides[self.axis]), Side(part, contiguous_strides(part.shape)))
            begin = begin + part.shape[self.axis]

    def _emit_blocked(self, cpp: Writer) -> None:
        batch, _, *spatial = self.y.shape
        pixels = dims.product(spatial)
        parts = []
        for tensor in self.inputs:
            assert tensor is not None
            parts.append(f"{{{cpp.pointer(tensor)}, {cpp.size(dims.ceil_div(tensor.shape[1], BLOCK) * pixels * BLOCK)}}}")
        cpp.call("concat_blocked", batch, f"{{{', '.join(parts)}}}", self.y)
