"""MatMulNBits of com.microsoft: a matrix product by weights of 2, 4 or 8 bits in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32, int32, uint8
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits, same
from onnx_bridge.kernels.matmul_nbits import MATMUL_NBITS
from onnx_bridge.library.composite import Composite, Parts, onnx
from onnx_bridge.operators.cases import case, data, weight

#: Layers of up to so many weights are unpacked at conversion: for them there are kernels that know their sizes.
MOST_UNPACKED = 64 * 64


@dataclass(eq=False, kw_only=True)
class UnpackedBlocks(ROperator):
    """The weights of MatMulNBits as float32 [K, N]; no file names it. Inputs: integers, scales, zero points, blocks of the scales."""

    op_type = "UnpackedBlocks"
    kernels = ("dequantize_blocks.hxx",)
    computes = ((uint8,), (float32,), (float32, uint8), (int32,))

    K: int = attribute()
    N: int = attribute()
    bits: int = attribute(4)
    block_size: int = attribute()

    def types(self, w: Tensor, scales: Tensor, zeros: Tensor | None = None, group: Tensor | None = None) -> Type:
        return Type(float32, (self.K, self.N))

    def values(self, w: Tensor, scales: Tensor, zeros: Tensor | None = None, group: Tensor | None = None) -> np.ndarray | None:
        given = [tensor for tensor in (w, scales, zeros, group) if tensor is not None]
        if not all(tensor.is_constant for tensor in given):
            return None
        blocks = -(-self.K // self.block_size)
        integers = unpacked(w.constant().reshape(self.N, -1), self.bits)[:, : self.K].astype(np.float32)
        of_blocks = np.arange(self.K) // self.block_size if group is None else np.clip(group.constant(), 0, blocks - 1)
        if zeros is None:
            zero = np.full((self.N, blocks), 1 << (self.bits - 1), np.float32)
        elif zeros.dtype is uint8:
            zero = unpacked(zeros.constant().reshape(self.N, -1), self.bits)[:, :blocks].astype(np.float32)
        else:
            zero = zeros.constant().reshape(self.N, blocks)
        scale = scales.constant().reshape(self.N, blocks)
        return np.ascontiguousarray(((integers - zero[:, of_blocks]) * scale[:, of_blocks]).T.astype(np.float32))

    def emit(self, cpp: Writer) -> None:
        w, scales, zeros, group = self.arguments(4)
        none = "static_cast<const float*>(nullptr)"
        cpp.call("dequantize_blocks", self.N, self.K, self.block_size, self.bits, w, scales, zeros or none, group, self.y)


@dataclass(eq=False, kw_only=True)
class RoundedBlocks(ROperator):
    """x, each block of a row rounded to integers of 8 bits times a number of its own; no file names it."""

    op_type = "RoundedBlocks"
    kernels = ("round_blocks.hxx",)
    computes = ((float32,),)
    in_place = (0,)

    block_size: int = attribute()

    def types(self, x: Tensor) -> Type:
        return x.type

    def emit(self, cpp: Writer) -> None:
        cpp.call("round_blocks", dims.product(self.x.shape[:-1]), self.x.shape[-1], self.block_size, self.x, self.y)


@dataclass(eq=False, kw_only=True)
class PackedProduct(ROperator):
    """y = x w + bias by constant weights of 2, 4 or 8 bits that stay packed; no file names it.

    Inputs as MatMulNBits has them: x, integers, scales, zero points of bytes or none, and a constant bias or none.
    """

    op_type = "PackedProduct"
    kernels = (MATMUL_NBITS.header,)
    computes = ((float32,), (uint8,), (float32,), (uint8,), (float32,))

    K: int = attribute()
    N: int = attribute()
    bits: int = attribute(4)
    block_size: int = attribute()

    def types(self, x: Tensor, w: Tensor, scales: Tensor, zeros: Tensor | None = None, bias: Tensor | None = None) -> Type:
        return Type(float32, (*x.shape[:-1], self.N))

    def reads(self) -> Sequence[int]:
        return (0,)

    def scratch_bytes(self) -> Size:
        return MATMUL_NBITS.scratch_bytes(self.K)

    def emit(self, cpp: Writer) -> None:
        x, w, scales, zeros, bias = self.arguments(5)
        assert x is not None and w is not None and scales is not None
        title, blocks = self.name or self.y.name, -(-self.K // self.block_size)
        integers = unpacked(w.constant().reshape(self.N, -1), self.bits)[:, : self.K]
        each = 8 // self.bits
        terms = panels(np.pad(integers, ((0, 0), (0, -self.K % each)))).astype(np.uint8)
        parts = terms.reshape(len(terms), -1, each, 16) << (np.arange(each, dtype=np.uint8) * self.bits)[:, None]
        known: list[object] = [cpp.weight(f"{title}_integers", np.bitwise_or.reduce(parts, axis=2))]
        known.append(cpp.weight(f"{title}_scales", panels(scales.constant().reshape(self.N, blocks))))
        if zeros is None:
            known.append("nullptr")
        else:
            points = unpacked(zeros.constant().reshape(self.N, -1), self.bits)[:, :blocks]
            known.append(cpp.weight(f"{title}_zeros", panels(points)))
        known.append("nullptr" if bias is None else cpp.weight(f"{title}_bias", np.pad(bias.constant(), (0, -self.N % 16))))
        rows = dims.product(self.y.shape[:-1])
        scratch = f"reinterpret_cast<float*>({cpp.scratch()})"
        cpp.call(f"{MATMUL_NBITS.function}<{self.bits}>", rows, self.N, self.K, self.block_size, x, *known, scratch, self.y)


def unpacked(packed: np.ndarray, bits: int) -> np.ndarray:
    """The integers of rows of bytes, the first in the lowest bits."""
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    return (packed[:, :, None] >> shifts & np.uint8((1 << bits) - 1)).reshape(packed.shape[0], -1)


def panels(rows: np.ndarray) -> np.ndarray:
    """[N, K] as panels of 16 columns, [N / 16, K, 16], the last one filled up with zeros."""
    whole = np.pad(rows, ((0, -rows.shape[0] % 16), (0, 0)))
    return np.ascontiguousarray(whole.reshape(-1, 16, rows.shape[1]).transpose(0, 2, 1))


@operator("MatMulNBits", domain="com.microsoft")
class MatMulNBits(Composite):
    """y[..., N] = a[..., K] w + bias, w being [N, blocks, bytes] of integers of `bits` bits, as (integer - zero point) * scale.

    Computed in float32; of `accuracy_level` 4 with constant weights a is rounded to integers of 8 bits in blocks, as onnxruntime does.
    Constant weights stay packed, and are unpacked a few columns at a time; those of a small layer, of groups by index or with zero points
    of floats are unpacked at conversion.
    """

    computes = ((float32,), (uint8,), (float32,), (float32, uint8), (int32,), (float32,))

    K: int = attribute()
    N: int = attribute()
    accuracy_level: int = attribute(0)
    bits: int = attribute(4)
    block_size: int = attribute()
    weight_prepacked: int = attribute(0)

    def types(
        self, a: Tensor, w: Tensor, scales: Tensor, zeros: Tensor | None = None, group: Tensor | None = None, bias: Tensor | None = None
    ) -> Type:
        if self.bits not in (2, 4, 8) or self.weight_prepacked:
            raise UnsupportedForm("bits must be 2, 4 or 8, and weights as onnxruntime's quantiser packs them")
        if self.K < 1 or self.N < 1 or self.block_size < 16 or self.block_size & (self.block_size - 1):
            raise ShapeError(f"K and N must be positive and block_size a power of 2 from 16 on, got {self.K}, {self.N}, {self.block_size}")
        if a.rank == 0:
            raise ShapeError("a must not be a scalar")
        same(a.shape[-1], self.K)
        blocks = -(-self.K // self.block_size)
        fits(w, (self.N, blocks, self.block_size * self.bits // 8), "the weights")
        row = blocks if zeros is None or zeros.dtype is not uint8 else -(-blocks * self.bits // 8)
        for tensor, width, what in ((scales, blocks, "scales"), (zeros, row, "zero points")):
            if tensor is not None:
                fits(tensor, (self.N * width,) if tensor.rank == 1 else (self.N, width), what)
        if group is not None:
            fits(group, (self.K,), "g_idx")
        if bias is not None:
            fits(bias, (self.N,), "the bias")
        return Type(a.dtype, (*a.shape[:-1], self.N))

    def rounds(self) -> bool:
        """Whether onnxruntime has a product by integers for it; of 2 bits it has one for some sizes of blocks alone."""
        return self.accuracy_level == 4 and (self.bits != 2 or self.block_size in (32, 64, 128))

    def parts(self, build: Parts) -> Tensor:
        a, w, scales, zeros, group, bias = self.arguments(6)
        assert a is not None and w is not None and scales is not None
        blocks = {"K": self.K, "N": self.N, "bits": self.bits, "block_size": self.block_size}
        whole = all(
            tensor is None or (tensor.is_constant and tensor.dtype is kind)
            for tensor, kind in ((w, uint8), (scales, float32), (zeros, uint8))
        )
        if whole and group is None and self.rounds():
            a = build.add(RoundedBlocks, a, block_size=self.block_size)
        if whole and group is None and self.K * self.N > MOST_UNPACKED:
            known = bias is None or bias.is_constant
            y = build.add(PackedProduct, a, w, scales, zeros, bias if known else None, **blocks)
            return y if known else build.add(onnx("Add"), y, bias)
        floats = UnpackedBlocks.make(f"{self.title()} weights", self.opset, **blocks)
        floats.inputs = [w, scales, zeros, group]
        (type_,), (value,) = floats.infer()
        assert type_ is not None
        weights = build.model.new_tensor(f"{w.name}_unpacked", type_, value=value)
        floats.outputs = [weights]
        build.operators.append(floats)
        y = build.add(onnx("MatMul"), a, weights)
        return y if bias is None else build.add(onnx("Add"), y, bias)

    cases = (
        case(
            a=("M", 40), w=weight(21, 2, 16, dtype="uint8", low=0, high=256), scales=weight(21, 2),
            attributes={"K": 40, "N": 21, "block_size": 32},
        ),
        case(
            a=(2, 5, 64), w=weight(9, 4, 8, dtype="uint8", low=0, high=256), scales=weight(9, 4),
            zeros=weight(9, 2, dtype="uint8", low=0, high=256), group=None, bias=weight(9), attributes={"K": 64, "N": 9, "block_size": 16},
        ),
        case(
            a=(5, 64), w=data(32, 2, 16, dtype="uint8", low=0, high=256), scales=data(32, 2),
            zeros=data(32, 1, dtype="uint8", low=0, high=256), attributes={"K": 64, "N": 32, "block_size": 32},
        ),
        case(
            a=(5, 64), w=weight(32, 2, 32, dtype="uint8", low=0, high=256), scales=weight(32, 2),
            attributes={"K": 64, "N": 32, "block_size": 32, "bits": 8},
        ),
        case(
            a=("M", 296), w=weight(90, 10, 16, dtype="uint8", low=0, high=256), scales=weight(90, 10),
            attributes={"K": 296, "N": 90, "block_size": 32},
        ),
        case(
            a=(2, 3, 100), w=weight(70, 7, 8, dtype="uint8", low=0, high=256), scales=weight(70, 7),
            zeros=weight(70, 4, dtype="uint8", low=0, high=256), group=None, bias=weight(70),
            attributes={"K": 100, "N": 70, "block_size": 16},
        ),
        case(
            a=("M", 128), w=weight(40, 4, 32, dtype="uint8", low=0, high=256), scales=weight(160),
            zeros=weight(160, dtype="uint8", low=0, high=256),
            attributes={"K": 128, "N": 40, "block_size": 32, "bits": 8},
        ),
        case(
            a=("M", 128), w=weight(40, 4, 8, dtype="uint8", low=0, high=256), scales=weight(40, 4),
            attributes={"K": 128, "N": 40, "block_size": 32, "bits": 2},
        ),
        case(
            a=("M", 296), w=weight(90, 10, 16, dtype="uint8", low=0, high=256), scales=weight(90, 10),
            attributes={"K": 296, "N": 90, "block_size": 32, "accuracy_level": 4},
        ),
        case(
            a=(2, 3, 100), w=weight(70, 7, 16, dtype="uint8", low=0, high=256), scales=weight(70, 7),
            zeros=weight(70, 7, dtype="uint8", low=0, high=256), group=None, bias=weight(70),
            attributes={"K": 100, "N": 70, "block_size": 16, "bits": 8, "accuracy_level": 4},
        ),
        case(
            a=(3, 40), w=weight(9, 2, 16, dtype="uint8", low=0, high=256), scales=weight(9, 2),
            attributes={"K": 40, "N": 9, "block_size": 32, "accuracy_level": 4},
        ),
        case(
            a=(3, 512), w=weight(40, 2, 64, dtype="uint8", low=0, high=256), scales=weight(40, 2),
            attributes={"K": 512, "N": 40, "block_size": 256, "bits": 2, "accuracy_level": 4},
        ),
    )  # fmt: skip
