"""Product: a matrix product of two tensors that are both known only at run time, read through any strides."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.roperator import Writer
from onnx_bridge.ir.tensor import Shape, Tensor, Type, broadcast
from onnx_bridge.operators.epilogue import Fusable, Operand, constant_operand, epilogue_operands, write_epilogue
from onnx_bridge.operators.group import broadcast_strides, collapse, contiguous_strides, nested_loops


@dataclass(eq=False, kw_only=True)
class Product(Fusable):
    """y[..., M, N] = A[..., M, K] B[..., K, N], then the epilogue.

    `a_order` and `b_order` are permutations: A is the first input with its axes in that order, so that a Transpose in
    front costs nothing. `transpose_a`, `transpose_b` swap the last two axes after that. With `y_order` the output is the
    product with its axes in that order; the columns stay last.
    """

    transpose_a: bool = False
    transpose_b: bool = False
    a_order: tuple[int, ...] | None = None
    b_order: tuple[int, ...] | None = None
    y_order: tuple[int, ...] | None = None

    op_type = "Product"
    kernels = ("matmul.hxx",)

    def kernel_files(self) -> list[str]:
        return [*super().kernel_files()] if self.x.dtype is float32 else ["matmul_any.hxx"]

    def types(self, a: Tensor, b: Tensor, *rest: Tensor) -> Type:
        return self.y.type

    def operand(self, tensor: Tensor, order: tuple[int, ...] | None, transposed: bool) -> tuple[Shape, list[Size]]:
        """Shape and strides of a matrix operand as the product sees it."""
        strides = contiguous_strides(tensor.shape)
        axes = list(order) if order is not None else list(range(tensor.rank))
        if transposed:
            axes[-1], axes[-2] = axes[-2], axes[-1]
        return tuple(tensor.shape[axis] for axis in axes), [strides[axis] for axis in axes]

    def sides(self) -> tuple[tuple[Shape, list[Size]], tuple[Shape, list[Size]]]:
        """Both operands, vectors made matrices."""
        (a_shape, a_strides), (b_shape, b_strides) = (
            self.operand(self.input(0), self.a_order, self.transpose_a),
            self.operand(self.input(1), self.b_order, self.transpose_b),
        )
        if len(a_shape) == 1:
            a_shape, a_strides = (1, *a_shape), [0, *a_strides]
        if len(b_shape) == 1:
            b_shape, b_strides = (*b_shape, 1), [*b_strides, 0]
        return (a_shape, a_strides), (b_shape, b_strides)

    def matrix_shape(self) -> Shape:
        """The output's shape with both matrix axes, whatever ONNX dropped for vectors."""
        (a, _), (b, _) = self.sides()
        return (*broadcast(a[:-2], b[:-2]), a[-2], b[-1])

    def scratch_bytes(self) -> Size:
        if self.x.dtype is not float32:
            return 0
        (a, _), (b, _) = self.sides()
        # matmul_scratch() of matmul.hxx, in floats.
        whole = dims.ceil_div(b[-1], 16) * 16
        return dims.minimum(a[-1], 256) * dims.minimum(whole, 256) * 4

    def epilogue_offset(self, tensor: Tensor) -> str | None:
        if self.x.dtype is not float32 or self.y_order is not None or self.matrix_shape() != self.y.shape or tensor.rank > self.y.rank:
            return None
        return "strided" if tensor.layout == "planar" else None

    def output_strides(self, shape: Shape) -> list[Size]:
        """Strides of the output along the axes of the product."""
        if self.y_order is None:
            return contiguous_strides(shape)
        own = contiguous_strides([shape[axis] for axis in self.y_order])
        return [own[self.y_order.index(axis)] for axis in range(len(shape))]

    def emit(self, cpp: Writer) -> None:
        (a_shape, a_strides), (b_shape, b_strides) = self.sides()
        shape = self.matrix_shape()
        m, n, k = shape[-2], shape[-1], a_shape[-1]
        batch = shape[:-2]

        def along(operand: Shape, strides: list[Size]) -> list[Size]:
            missing = len(batch) - (len(operand) - 2)
            pairs = zip(operand[:-2], strides[:-2], batch[missing:], strict=True)
            return [0] * missing + [0 if size == 1 and target != 1 else stride for size, stride, target in pairs]

        extras = [] if not self.steps else epilogue_operands(self)
        extra_strides = [broadcast_strides(t.shape, shape) for t in extras]
        y_strides = self.output_strides(shape)
        loops, strides = collapse(
            batch,
            [y_strides[:-2], along(a_shape, a_strides), along(b_shape, b_strides), *(s[:-2] for s in extra_strides)],
        )
        with ExitStack() as stack:
            offsets = nested_loops(cpp, stack, loops, strides)
            y, a, b = (cpp.pointer(t) + o for t, o in zip((self.y, self.input(0), self.input(1)), offsets[:3], strict=True))
            sizes = [m, n, k, a, a_strides[-2], a_strides[-1], b, b_strides[-2], b_strides[-1], y]
            if self.x.dtype is not float32:
                cpp.call("matmul_any", *sizes, y_strides[-2])
                return
            described = []
            for index_of, (tensor, stride, offset) in enumerate(zip(extras, extra_strides, offsets[3:], strict=True)):
                described.append(self._operand(cpp, index_of, tensor, stride, offset))
            scratch = "nullptr" if self.scratch_bytes() == 0 else f"reinterpret_cast<float*>({cpp.scratch()})"
            cpp.call("matmul", *sizes, y_strides[-2], scratch, write_epilogue(cpp, self, described))

    @staticmethod
    def _operand(cpp: Writer, index: int, tensor: Tensor, strides: list[Size], offset: str) -> Operand:
        constant = constant_operand(tensor)
        if constant is not None:
            return constant
        p, r = f"x{index}", f"r{index}"
        fields = [("const float*", p, cpp.pointer(tensor) + offset)]
        row = ""
        if strides[-2] != 0:
            fields.append(("Size", r, cpp.size(strides[-2])))
            row = f" + row * {r}"
        expression = f"load({p}{row} + column, count)" if strides[-1] == 1 else f"splat(*({p}{row}))"
        return Operand(expression, tuple(fields))
