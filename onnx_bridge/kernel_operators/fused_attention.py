"""FusedAttention: softmax(score(Q K^T)) V in one pass, without the matrix of scores in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import ClassVar

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import KernelOperator, Writer
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.kernels.attention import ATTENTION
from onnx_bridge.library.epilogue import strided_operand, write_steps
from onnx_bridge.library.kernel import Kernel
from onnx_bridge.library.loops import broadcast_strides, collapse, contiguous_strides, nested_loops
from onnx_bridge.library.steps import Step, operands, step_faults
from onnx_bridge.library.view import View


@dataclass(eq=False, kw_only=True)
class FusedAttention(KernelOperator):
    """y[..., S, W] = softmax over T of score(q[..., S, D] k[..., T, D]) times v[..., T, W].

    Inputs q, k, v, then what `steps` read, the pointwise operators that make scores (scale, masks) of the products, which they know
    as `raw`. q, k, v are views: any order of the axes whose last one is contiguous. `y_order` says how the output's axes lie; `rare`
    is one of attention.hxx: what becomes of a query without keys.
    """

    q: View
    k: View
    v: View
    steps: list[Step] = field(default_factory=list)
    raw: Tensor
    rare: str = "KeepNan"
    y_order: tuple[int, ...] | None = None

    op_type = "FusedAttention"
    kernel: ClassVar[Kernel] = ATTENTION

    def kernel_files(self) -> Sequence[str]:
        return [self.kernel.header, "epilogue.hxx", *dict.fromkeys(kernel for step in self.steps for kernel in step.kernels)]

    def types(self, *inputs: Tensor) -> Type:
        shape = (*self.q.shape[:-1], self.v.shape[-1])
        return Type(inputs[0].dtype, shape if self.y_order is None else tuple(shape[axis] for axis in self.y_order))

    def rename(self, new: Mapping[Tensor, Tensor]) -> None:
        super().rename(new)
        self.steps = [step.renamed(new) for step in self.steps]
        self.raw = new.get(self.raw, self.raw)

    def step_faults(self) -> Iterator[tuple[Tensor, str]]:
        yield from step_faults(self.steps, self.inputs, self.raw)

    @property
    def sizes(self) -> tuple[Size, Size, Size, Size]:
        """Queries, keys, width, value width."""
        return self.q.shape[-2], self.k.shape[-2], self.q.shape[-1], self.v.shape[-1]

    def scratch_bytes(self) -> Size:
        _, keys, width, value_width = self.sizes
        return self.kernel.scratch_bytes(keys, width, value_width)

    def emit(self, cpp: Writer) -> None:
        queries, keys, width, value_width = self.sizes
        shape = (*self.q.shape[:-1], value_width)
        if self.y_order is None:
            y_strides = contiguous_strides(shape)
        else:
            own = contiguous_strides([shape[axis] for axis in self.y_order])
            y_strides = [own[self.y_order.index(axis)] for axis in range(len(shape))]
        batch = shape[:-2]
        strides = [y_strides[:-2], list(self.q.strides[:-2]), self.k.along(batch), self.v.along(batch)]
        extras = [tensor for tensor in operands(self.steps) if tensor is not self.raw]
        extra_strides = [broadcast_strides(tensor.shape, (*batch, queries, keys)) for tensor in extras]
        loops, strides = collapse(batch, [*strides, *(found[:-2] for found in extra_strides)])
        with ExitStack() as stack:
            offsets = nested_loops(cpp, stack, loops, strides)
            starts = [view.pointer(cpp, self.input(index)) for index, view in enumerate((self.q, self.k, self.v))]
            y, q, k, v = (start + offset for start, offset in zip([cpp.pointer(self.y), *starts], offsets, strict=False))
            found = zip(extras, extra_strides, offsets[4:], strict=True)
            described = [strided_operand(cpp, index, *each) for index, each in enumerate(found)]
            score = write_steps(cpp, self.steps, self.raw, described) if self.steps else "Keep()"
            scratch = f"reinterpret_cast<float*>({cpp.scratch()})"
            function = f"{self.kernel.function}<{self.rare}>"
            cpp.call(function, queries, keys, width, value_width, q, self.q.strides[-2], k, self.k.strides[-2], v, self.v.strides[-2],
                     y, y_strides[-2], score, scratch)  # fmt: skip
