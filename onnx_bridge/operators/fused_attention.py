"""FusedAttention: softmax(scale * Q K^T + mask) V in one pass, without the matrix of scores in memory."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import ROperator, Writer
from onnx_bridge.ir.tensor import Shape, Tensor, Type
from onnx_bridge.operators.group import broadcast_strides, collapse, contiguous_strides, nested_loops


@dataclass(frozen=True)
class View:
    """An operand with its axes in another order: shape and strides as a product sees them."""

    shape: Shape
    strides: tuple[Size, ...]


@dataclass(eq=False, kw_only=True)
class FusedAttention(ROperator):
    """y[..., S, W] = softmax over T of (scale * q[..., S, D] k[..., T, D] + mask[..., S, T]) times v[..., T, W].

    Inputs q, k, v and, if there is a fourth, mask. q, k, v are views: any order of the axes whose last one is contiguous.
    `y_order` says how the output's axes lie.
    """

    q: View
    k: View
    v: View
    scale: float = 1.0
    y_order: tuple[int, ...] | None = None

    op_type = "FusedAttention"
    kernels = ("attention.hxx",)

    def types(self, *inputs: Tensor) -> Type:
        return self.y.type

    @property
    def sizes(self) -> tuple[Size, Size, Size, Size]:
        """Queries, keys, width, value width."""
        return self.q.shape[-2], self.k.shape[-2], self.q.shape[-1], self.v.shape[-1]

    def scratch_bytes(self) -> Size:
        _, keys, width, value_width = self.sizes

        def whole(n: Size) -> Size:
            return dims.ceil_div(n, 16) * 16

        # attention_scratch() of attention.hxx, in floats.
        return 4 * (whole(keys) * width + keys * whole(value_width) + 14 * (whole(keys) + 16))

    def emit(self, cpp: Writer) -> None:
        queries, keys, width, value_width = self.sizes
        shape = (*self.q.shape[:-1], value_width)
        if self.y_order is None:
            y_strides = contiguous_strides(shape)
        else:
            own = contiguous_strides([shape[axis] for axis in self.y_order])
            y_strides = [own[self.y_order.index(axis)] for axis in range(len(shape))]
        batch = shape[:-2]
        strides = [y_strides[:-2], list(self.q.strides[:-2]), _along(self.k, batch), _along(self.v, batch)]
        mask_row: Size = 0
        mask_tensor = self.inputs[3] if len(self.inputs) > 3 else None
        if mask_tensor is not None:
            mask_strides = broadcast_strides(mask_tensor.shape, (*batch, queries, keys))
            strides.append(mask_strides[:-2])
            mask_row = mask_strides[-2]
        loops, strides = collapse(batch, strides)
        with ExitStack() as stack:
            offsets = nested_loops(cpp, stack, loops, strides)
            tensors = (self.y, self.input(0), self.input(1), self.input(2))
            y, q, k, v = (cpp.pointer(t) + offset for t, offset in zip(tensors, offsets, strict=False))
            mask = "nullptr" if mask_tensor is None else cpp.pointer(mask_tensor) + offsets[4]
            scratch = f"reinterpret_cast<float*>({cpp.scratch()})"
            cpp.call("attention", queries, keys, width, value_width, q, self.q.strides[-2], k, self.k.strides[-2], v, self.v.strides[-2],
                     y, y_strides[-2], self.scale, mask, mask_row, scratch)  # fmt: skip


def _along(view: View, batch: Shape) -> list[Size]:
    """Strides of an operand along the batch axes of the output, 0 where it repeats."""
    missing = len(batch) - (len(view.shape) - 2)
    pairs = zip(view.shape[:-2], view.strides[:-2], batch[missing:], strict=True)
    return [0] * missing + [0 if size == 1 and target != 1 else stride for size, stride, target in pairs]
