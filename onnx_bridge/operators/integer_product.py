"""What the integer matrix products have in common: packed weights, zero points, scales, and how their calls are written."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32, int8
from onnx_bridge.ir.literals import literal
from onnx_bridge.ir.roperator import ROperator, Writer
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, broadcast, fits, same
from onnx_bridge.kernels.integer_product import (
    INTEGER_GEMM,
    PACK_INTEGERS,
    centred,
    column_sums,
    left_zero,
    pack_columns,
    whole_panels,
)
from onnx_bridge.library.loops import broadcast_strides, collapse, contiguous_strides, nested_loops


@dataclass(frozen=True)
class Factors:
    """The operands of an integer product.

    Attributes:
        a, b: the matrices; axes in front broadcast. Either may be transposed.
        a_zero: its zero point, one number; None is 0.
        b_zero: one number, or one a column; None is 0.
        bias: int32, one a column, added to the sums.
    """

    a: Tensor
    b: Tensor
    a_zero: Tensor | None
    b_zero: Tensor | None
    bias: Tensor | None = None
    transpose_a: bool = False
    transpose_b: bool = False

    def shapes(self) -> tuple[Shape, Shape]:
        """Both as matrices [..., M, K] and [..., K, N]: vectors are a row and a column."""
        a, b = list(self.a.shape), list(self.b.shape)
        if self.a.rank == 0 or self.b.rank == 0:
            raise ShapeError("a and b must not be scalars")
        a = [1, *a] if len(a) == 1 else a
        b = [*b, 1] if len(b) == 1 else b
        if self.transpose_a:
            a[-2:] = reversed(a[-2:])
        if self.transpose_b:
            b[-2:] = reversed(b[-2:])
        return tuple(a), tuple(b)

    def product(self) -> Shape:
        """The shape of the product as ONNX's MatMul has it: what stands for a vector is dropped."""
        a, b = self.shapes()
        same(a[-1], b[-2])
        if self.b_zero is not None:
            check_columns(self.b_zero, b, "the zero point of b")
        if self.bias is not None:
            fits(self.bias, b[-1:], "the bias")
        if self.a_zero is not None:
            check_one(self.a_zero, "the zero point of a")
        rows, columns = a[-2:-1] if self.a.rank > 1 else (), b[-1:] if self.b.rank > 1 else ()
        return (*broadcast(a[:-2], b[:-2]), *rows, *columns)


def check_one(tensor: Tensor, what: str) -> None:
    """Holds a tensor to being one number.

    Raises:
        ShapeError: it is not.
    """
    if tensor.rank > 1 or tensor.count != 1:
        raise ShapeError(f"{what} must be one number, got {tensor.type}")


def check_columns(tensor: Tensor, b: Shape, what: str) -> None:
    """Holds a tensor to being one number, or one for each column of b [..., K, N]: [N] for a matrix, [..., 1, N] for several.

    Raises:
        ShapeError: it is neither.
    """
    if tensor.rank <= 1 and tensor.count == 1:
        return
    wanted = (*b[:-2], 1, b[-1]) if tensor.rank > 1 or len(b) > 2 else b[-1:]
    fits(tensor, wanted, f"{what}, if it is not one number,")


class IntegerProduct(ROperator):
    """An operator that is an integer matrix product and something behind it."""

    kernels = ("integer_product.hxx",)

    def factors(self) -> Factors:
        """The operands."""
        raise NotImplementedError(type(self).__name__)

    def result(self, cpp: Writer, offset: str, right: str, n: Size, scratch: str) -> str:
        """What becomes of the sums: an object of integer_product.hxx.

        Args:
            cpp: the writer.
            offset: by how much the pointer to y moves from one matrix to the next, `` + i * 7``.
            right: by how many matrices that to b does.
            n: the columns.
            scratch: memory of `result_floats` floats.
        """
        raise NotImplementedError(type(self).__name__)

    def result_floats(self, n: Size) -> Size:
        """Floats of scratch memory that `result` needs."""
        return 0

    def sizes(self) -> tuple[Shape, Size, Size, Size]:
        """The matrices in front, and M, N, K of each product: with one matrix b all rows of a are one matrix."""
        a, b = self.factors().shapes()
        if len(b) == 2 and not self.factors().transpose_a:
            return (), dims.product(a[:-1]), b[-1], b[-2]
        return broadcast(a[:-2], b[:-2]), a[-2], b[-1], b[-2]

    def scratch_parts(self) -> list[Size]:
        """Bytes of: the rows of a, the packed weights, what `result` needs; whole lines of 64."""
        _, m, n, k = self.sizes()
        packed = 0 if self.prepacked() and self.is_settled() else PACK_INTEGERS.scratch_bytes(1, 1, k, n)
        return [dims.ceil_div(size, 64) * 64 for size in (INTEGER_GEMM.scratch_bytes(m, k), packed, self.result_floats(n) * 4)]

    def scratch_bytes(self) -> Size:
        return sum(self.scratch_parts(), 0)

    def prepacked(self) -> bool:
        """Whether the weights are packed at conversion."""
        f = self.factors()
        return f.b.is_constant and (f.b_zero is None or f.b_zero.is_constant)

    def is_settled(self) -> bool:
        """Whether the offsets of the columns are known, too."""
        f = self.factors()
        return (f.a_zero is None or f.a_zero.is_constant) and (f.bias is None or f.bias.is_constant)

    def emit(self, cpp: Writer) -> None:
        f = self.factors()
        batch, m, n, k = self.sizes()
        a, b = f.shapes()
        a_row, a_column = (1, m) if f.transpose_a else (k, 1)
        flat = len(b) == 2 and not f.transpose_a
        ahead = [contiguous_strides((*batch, m, n))[:-2]]
        if not flat:
            ahead += [broadcast_strides(a[:-2], batch), broadcast_strides(b[:-2], batch)]
            ahead[1] = [stride * m * k for stride in ahead[1]]
        else:
            ahead += [[], []]
        loops, strides = collapse(batch, ahead)
        copy, packed, rest = self._scratch(cpp)
        with cpp.block(""):
            zero = cpp.local("zero")
            cpp.line(f"const std::int32_t {zero} = {self._left_zero(cpp, f)};")
            with ExitStack() as stack:
                y, left, right = nested_loops(cpp, stack, loops, strides)
                weights = cpp.local("weights")
                cpp.line(f"const IntegerWeights {weights} = {self._weights(cpp, f, k, n, zero, right, packed)};")
                pointer = cpp.pointer(f.a) + left
                cpp.call(INTEGER_GEMM.function, m, n, k, pointer, a_row, a_column, zero, weights, copy, self.result(cpp, y, right, n, rest))

    def _scratch(self, cpp: Writer) -> list[str]:
        """Where the parts of the scratch memory begin; nullptr where one is empty."""
        begins: list[str] = []
        at: Size = 0
        for size in self.scratch_parts():
            begins.append("nullptr" if size == 0 else f"{cpp.scratch()} + {cpp.size(at)}" if at != 0 else cpp.scratch())
            at = at + size
        return begins

    def _left_zero(self, cpp: Writer, f: Factors) -> str:
        signed = f.a.dtype is int8
        if f.a_zero is None or f.a_zero.is_constant:
            return str(left_zero(0 if f.a_zero is None else int(f.a_zero.constant().reshape(())), signed))
        return f"left_zero({cpp.pointer(f.a_zero)})"

    def _weights(self, cpp: Writer, f: Factors, k: Size, n: Size, zero: str, right: str, scratch: str) -> str:
        """The packed weights of one product. `right` is by how many of them the pointer moves."""
        bias = "nullptr" if f.bias is None else cpp.pointer(f.bias)
        if not self.prepacked():
            row, column = (1, k) if f.transpose_b else (n, 1)
            moved = f"{cpp.pointer(f.b)}{times(right, k * n, cpp)}"
            none = f"static_cast<const {f.b.dtype.storage}*>(nullptr)"
            zeros, step = (none, 0) if f.b_zero is None else (cpp.pointer(f.b_zero), 0)
            if f.b_zero is not None and f.b_zero.count != 1:
                zeros, step = zeros + times(right, n, cpp), 1
            strides = f"PackStrides{{0, 0, 0, {cpp.size(row)}, {cpp.size(column)}}}"
            sizes = f"1, 1, 1, {cpp.size(k)}, {cpp.size(n)}"
            return f"pack_integers({sizes}, {moved}, {strides}, {zeros}, {step}, {bias}, {zero}, {scratch})"
        w = f.b.constant()
        w = w.reshape(-1, 1) if w.ndim == 1 else w.swapaxes(-1, -2) if f.transpose_b else w
        zeros_of = np.zeros((), w.dtype) if f.b_zero is None else f.b_zero.constant()
        zeros_of = zeros_of.reshape(1, -1) if zeros_of.ndim < 2 else zeros_of
        centre, left = centred(w, zeros_of)
        sums = column_sums(centre)
        packed = cpp.weight(f"{f.b.name}_packed", pack_columns(centre[..., None, :, :]))
        columns = sums.shape[-1]
        zeros = "nullptr"
        if left is not None:
            each = np.broadcast_to(left, (*w.shape[:-2], 1, w.shape[-1]))[..., 0, :]
            zeros = cpp.weight(f"{f.b.name}_zeros", whole_panels(each)) + times(right, columns, cpp)
        packed += times(right, -(-int(w.shape[-2]) // 4) * 4 * columns, cpp)
        if self.is_settled():
            a_zero = int(self._left_zero(cpp, f))
            added = 0 if f.bias is None else whole_panels(f.bias.constant().reshape(-1)).astype(np.int64)
            offsets = (added - a_zero * sums.astype(np.int64)).astype(np.int32)
            offset = cpp.weight(f"{f.b.name}_offsets", offsets) + times(right, columns, cpp)
            return f"{{{packed}, {offset}, {zeros}}}"
        sums_of = cpp.weight(f"{f.b.name}_sums", sums) + times(right, columns, cpp)
        return f"with_offsets(1, {cpp.size(n)}, {packed}, {sums_of}, {bias}, {zeros}, {zero}, {scratch})"


def times(moved: str, size: Size, cpp: Writer) -> str:
    """A term that a pointer moves by, so many times: `` + i`` as `` + (i) * 12``."""
    return f" + ({moved.removeprefix(' + ')}) * {cpp.size(size)}" if moved else ""


def scales(
    cpp: Writer, a: Tensor, b: Tensor, y: Tensor | None, scratch: str, factor: float = 1.0, moved: str = ""
) -> tuple[str, str]:  # fmt: skip
    """The pointer to a * b / y, computed at conversion where all are known, else in scratch memory; and whether there is one a column.

    `moved` is a term that it moves by from one matrix to the next.
    """
    columns = "false" if b.count == 1 else "true"
    moved = moved if b.count != 1 else ""
    known = [tensor for tensor in (a, b, y) if tensor is not None]
    if all(tensor.is_constant for tensor in known):
        with np.errstate(all="ignore"):
            product = np.float32(factor) * a.constant().reshape(-1).astype(np.float32) * b.constant().reshape(-1).astype(np.float32)
            values = product if y is None else product / y.constant().reshape(-1).astype(np.float32)
        return cpp.weight("scales", values.astype(np.float32)) + moved, columns
    first = f"*{cpp.pointer(a)}" if factor == 1 else f"mul({literal(factor, float32)}, *{cpp.pointer(a)})"
    last = "nullptr" if y is None else cpp.pointer(y)
    return f"output_scales({cpp.size(b.count)}, {first}, {cpp.pointer(b)}, {last}, {scratch}){moved}", columns


def scalar_of(cpp: Writer, tensor: Tensor | None) -> str:
    """The number that a tensor holds as C++: a float32's, or an integer's; 0 where there is no tensor."""
    if tensor is None:
        return "0"
    if tensor.is_constant:
        return (
            literal(tensor.constant().reshape(())[()], tensor.dtype) if tensor.dtype.is_float else str(int(tensor.constant().reshape(())))
        )
    return f"*{cpp.pointer(tensor)}"


def requantize(cpp: Writer, y: Tensor, offset: str, row: Size, scale: tuple[str, str], zero: Tensor | None, column: Size = 1) -> str:
    """`Requantize` of integer_product.hxx."""
    strides = f"{cpp.size(row)}, {cpp.size(column)}"
    return f"Requantize<{y.dtype.storage}>{{{cpp.pointer(y)}{offset}, {strides}, {scale[0]}, {scale[1]}, {scalar_of(cpp, zero)}}}"
