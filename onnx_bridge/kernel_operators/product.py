"""Product: a matrix product of two tensors that are both known only at run time, read through any strides."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import Writer
from onnx_bridge.ir.tensor import Shape, Tensor, Type, broadcast
from onnx_bridge.kernels.product import MATMUL, MATMUL_ANY
from onnx_bridge.library.epilogue import Fusable, epilogue_operands, strided_operand, write_epilogue
from onnx_bridge.library.kernel import Kernel
from onnx_bridge.library.loops import broadcast_strides, collapse, contiguous_strides, nested_loops
from onnx_bridge.library.view import View, whole


@dataclass(eq=False, kw_only=True)
class Product(Fusable):
    """y[..., M, N] = A[..., M, K] B[..., K, N], then the epilogue.

    `views` say how A and B lie in the memory of the inputs, so that transposes, slices and the like in front cost
    nothing. `transpose_a`, `transpose_b` swap the last two axes after that. With `y_order` the output is the product with its
    axes in that order; the columns stay last.
    """

    transpose_a: bool = False
    transpose_b: bool = False
    views: list[View | None] = field(default_factory=lambda: [None, None])
    y_order: tuple[int, ...] | None = None

    op_type = "Product"

    @property
    def kernel(self) -> Kernel:
        return MATMUL if self.x.dtype in MATMUL.types else MATMUL_ANY

    def kernel_files(self) -> Sequence[str]:
        return super().kernel_files() if self.kernel.epilogue else [self.kernel.header]

    @property
    def reorders(self) -> bool:
        return self.y_order is not None

    def types(self, a: Tensor, b: Tensor, *rest: Tensor) -> Type:
        *batch, m, n = self.matrix_shape()
        rows, columns = len(self.operand(0).shape) > 1, len(self.operand(1).shape) > 1  # what ONNX drops for vectors
        shape = (*batch, *([m] if rows else []), *([n] if columns else []))
        return Type(a.dtype, shape if self.y_order is None else tuple(shape[axis] for axis in self.y_order))

    def operand(self, index: int) -> View:
        """An operand as the product sees it."""
        view = self.views[index] or whole(self.input(index))
        axes = list(range(len(view.shape)))
        if (self.transpose_a, self.transpose_b)[index]:
            axes[-1], axes[-2] = axes[-2], axes[-1]
        return view.transposed(axes)

    def sides(self) -> tuple[View, View]:
        """Both operands, vectors made matrices."""
        a, b = self.operand(0), self.operand(1)
        if len(a.shape) == 1:
            a = View((1, *a.shape), (0, *a.strides), a.offset)
        if len(b.shape) == 1:
            b = View((*b.shape, 1), (*b.strides, 0), b.offset)
        return a, b

    def matrix_shape(self) -> Shape:
        """The output's shape with both matrix axes, whatever ONNX dropped for vectors."""
        a, b = (side.shape for side in self.sides())
        return (*broadcast(a[:-2], b[:-2]), a[-2], b[-1])

    def scratch_bytes(self) -> Size:
        a, b = (side.shape for side in self.sides())
        return self.kernel.scratch_bytes(a[-2], b[-1], a[-1])

    def epilogue_offset(self, tensor: Tensor) -> str | None:
        if not self.kernel.epilogue or self.y_order is not None or self.matrix_shape() != self.y.shape or tensor.rank > self.y.rank:
            return None
        return "strided" if tensor.layout == "planar" else None

    def output_strides(self, shape: Shape) -> list[Size]:
        """Strides of the output along the axes of the product."""
        if self.y_order is None:
            return contiguous_strides(shape)
        own = contiguous_strides([shape[axis] for axis in self.y_order])
        return [own[self.y_order.index(axis)] for axis in range(len(shape))]

    def emit(self, cpp: Writer) -> None:
        left, right = self.sides()
        shape = self.matrix_shape()
        m, n, k = shape[-2], shape[-1], left.shape[-1]
        batch = shape[:-2]
        extras = [] if not self.steps else epilogue_operands(self)
        extra_strides = [broadcast_strides(t.shape, shape) for t in extras]
        y_strides = self.output_strides(shape)
        loops, strides = collapse(
            batch,
            [y_strides[:-2], left.along(batch), right.along(batch), *(s[:-2] for s in extra_strides)],
        )
        with ExitStack() as stack:
            offsets = nested_loops(cpp, stack, loops, strides)
            starts = (cpp.pointer(self.y), left.pointer(cpp, self.input(0)), right.pointer(cpp, self.input(1)))
            y, a, b = (start + offset for start, offset in zip(starts, offsets[:3], strict=True))
            sizes = [m, n, k, a, *left.strides[-2:], b, *right.strides[-2:], y]
            if not self.kernel.epilogue:
                cpp.call(self.kernel.function, *sizes, y_strides[-2])
                return
            found = zip(extras, extra_strides, offsets[3:], strict=True)
            described = [strided_operand(cpp, index, *each) for index, each in enumerate(found)]
            scratch = "nullptr" if self.scratch_bytes() == 0 else f"reinterpret_cast<float*>({cpp.scratch()})"
            cpp.call(self.kernel.function, *sizes, y_strides[-2], scratch, write_epilogue(cpp, self, described))
