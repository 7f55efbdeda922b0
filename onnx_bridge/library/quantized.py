"""Quantised tensors: integers of few bits with scales and zero points, of the tensor, of each channel, or of blocks of an axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import DType
from onnx_bridge.ir.roperator import UnsupportedForm, Writer
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, fits, same
from onnx_bridge.library.known import axis_in
from onnx_bridge.library.steps import ENCODED


def limits(dtype: DType) -> tuple[int, int]:
    """The smallest and the largest integer of a type."""
    signed = dtype.name.startswith("int")
    return (-(1 << dtype.bits - 1), (1 << dtype.bits - 1) - 1) if signed else (0, (1 << dtype.bits) - 1)


@dataclass(frozen=True)
class Spread:
    """How scales lie along a tensor.

    Attributes:
        shape: the tensor's.
        axis: the axis that they lie along; None where the tensor has one scale.
        block: how many elements of that axis share one; 0 where there is one a channel.
    """

    shape: Shape
    axis: int | None = None
    block: int = 0

    def cpp(self, cpp: Writer) -> str:
        """`Blocks` of kernels/quantize.hxx."""
        if self.axis is None:
            sizes: list[Size] = [1, 1, dims.product(self.shape), 1, 0, 0]
            return self._braced(cpp, sizes, columns=False)
        outer, inner = dims.product(self.shape[: self.axis]), dims.product(self.shape[self.axis + 1 :])
        count = self.shape[self.axis]
        if self.block:
            blocks = dims.ceil_div(count, self.block)
            return self._braced(cpp, [outer, count, inner, self.block, blocks * inner, inner], columns=inner != 1)
        if inner == 1:
            return self._braced(cpp, [1, outer, count, 1, 0, 0], columns=True)
        return self._braced(cpp, [outer, count, inner, 1, 0, 1], columns=False)

    @staticmethod
    def _braced(cpp: Writer, sizes: list[Size], columns: bool) -> str:
        return f"Blocks{{{', '.join(map(cpp.size, sizes))}, {'true' if columns else 'false'}}}"

    def along(self, values: np.ndarray) -> np.ndarray:
        """Known scales or zero points as an array that broadcasts to the tensor."""
        if self.axis is None:
            return values.reshape(())
        if self.block:
            taken = np.arange(int(str(self.shape[self.axis]))) // self.block
            return np.take(values, taken, self.axis)
        return values.reshape([-1 if axis == self.axis else 1 for axis in range(len(self.shape))])


def spread(x: Tensor, scale: Tensor, zero: Tensor | None, axis: int, block: int) -> Spread:
    """How the scales of a tensor lie along it.

    Args:
        x: the tensor, quantised or not.
        scale: one number; one a place on `axis`; or of the rank of x, with one for `block` places on `axis`.
        zero: the zero points, of the shape of the scales; None: all are 0.
        axis: may count from the end.
        block: 0 where there are no blocks.

    Raises:
        ShapeError: they fit in none of these ways.
    """
    if zero is not None and not (zero.count == scale.count == 1 and max(zero.rank, scale.rank) <= 1):
        fits(zero, scale.shape, "the zero point")
    if block < 0:
        raise ShapeError(f"block_size must not be negative, got {block}")
    if block == 0:
        if scale.rank > 1:
            raise ShapeError(f"scale must be one number, or one a channel, got {scale.type} without block_size")
        if scale.count == 1:
            return Spread(x.shape)
        place = axis_in(axis, x.rank)
        same(scale.shape[0], x.shape[place])
        return Spread(x.shape, place)
    place = axis_in(axis, x.rank)
    wanted = [dims.ceil_div(size, block) if at == place else size for at, size in enumerate(x.shape)]
    fits(scale, wanted, f"scale, with blocks of {block} on axis {place},")
    return Spread(x.shape, place, block)


def pointer(cpp: Writer, tensor: Tensor, const: str = "const ") -> str:
    """The pointer to numbers under the name that kernels/quantize.hxx knows them by; to what is written with an empty `const`."""
    name = cpp.pointer(tensor)
    return f"reinterpret_cast<{const}{ENCODED[tensor.dtype]}*>({name})" if tensor.dtype in ENCODED else name


def nullptr(dtype: DType) -> str:
    """The pointer to zero points that are not there."""
    return f"static_cast<const {ENCODED.get(dtype, dtype.storage)}*>(nullptr)"


def needs_narrow(*dtypes: DType) -> bool:
    """Whether kernels/quantize_narrow.hxx is needed for quantised numbers or scales of a type."""
    return any(dtype.is_narrow for dtype in dtypes)


def check_zero(zero: Tensor | None) -> None:
    """Holds the zero points of floats to being 0, where they are known: onnx.reference and onnxruntime take those of eight bits for that.

    Raises:
        UnsupportedForm: they are not.
    """
    if zero is None or not zero.dtype.is_float or not zero.is_constant:
        return
    if (zero.constant().view(np.uint8) & ((1 << zero.dtype.bits - 1) - 1)).any():
        raise UnsupportedForm(f"a zero point of type {zero.dtype} must be 0")


def dequantized(x: np.ndarray, scale: np.ndarray, zero: np.ndarray | None, dtype: DType) -> np.ndarray:
    """What known integers stand for, as the kernel computes it; scales and zero points broadcast."""
    shifted = x.astype(np.int64) - (0 if zero is None else zero.astype(np.int64))
    wrapped = shifted.astype(np.int32).astype(np.float32)
    return scaled(wrapped, scale, dtype)


def scaled(x: np.ndarray, scale: np.ndarray, dtype: DType) -> np.ndarray:
    """Known numbers times their scales, as the kernel computes it."""
    with np.errstate(all="ignore"):
        return np.asarray(x.astype(np.float32) * scale.astype(np.float32), np.float32).astype(dtype.numpy)
