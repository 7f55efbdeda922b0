"""MatMulNBits of com.microsoft: a matrix product by weights of 2, 4 or 8 bits in blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onnx_bridge.ir.dtypes import float32, int32, uint8
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits, same
from onnx_bridge.library.composite import Composite, Parts, onnx
from onnx_bridge.operators.cases import case, data, weight


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
        integers = self._unpacked(w.constant().reshape(self.N, -1))[:, : self.K].astype(np.float32)
        of_blocks = np.arange(self.K) // self.block_size if group is None else np.clip(group.constant(), 0, blocks - 1)
        if zeros is None:
            zero = np.full((self.N, blocks), 1 << (self.bits - 1), np.float32)
        elif zeros.dtype is uint8:
            zero = self._unpacked(zeros.constant().reshape(self.N, -1))[:, :blocks].astype(np.float32)
        else:
            zero = zeros.constant().reshape(self.N, blocks)
        scale = scales.constant().reshape(self.N, blocks)
        return np.ascontiguousarray(((integers - zero[:, of_blocks]) * scale[:, of_blocks]).T.astype(np.float32))

    def _unpacked(self, packed: np.ndarray) -> np.ndarray:
        """The integers of rows of bytes."""
        shifts = np.arange(0, 8, self.bits, dtype=np.uint8)
        return (packed[:, :, None] >> shifts & np.uint8((1 << self.bits) - 1)).reshape(packed.shape[0], -1)

    def emit(self, cpp: Writer) -> None:
        w, scales, zeros, group = self.arguments(4)
        none = "static_cast<const float*>(nullptr)"
        cpp.call("dequantize_blocks", self.N, self.K, self.block_size, self.bits, w, scales, zeros or none, group, self.y)


@operator("MatMulNBits", domain="com.microsoft")
class MatMulNBits(Composite):
    """y[..., N] = a[..., K] w + bias, w being [N, blocks, bytes] of integers of `bits` bits, as (integer - zero point) * scale.

    Computed in float32, whatever `accuracy_level` allows. Constant weights are unpacked at conversion.
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

    def parts(self, build: Parts) -> Tensor:
        a, w, scales, zeros, group, bias = self.arguments(6)
        assert a is not None and w is not None and scales is not None
        unpacked = UnpackedBlocks.make(
            f"{self.title()} weights", self.opset, K=self.K, N=self.N, bits=self.bits, block_size=self.block_size
        )
        unpacked.inputs = [w, scales, zeros, group]
        (type_,), (value,) = unpacked.infer()
        assert type_ is not None
        weights = build.model.new_tensor(f"{w.name}_unpacked", type_, value=value)
        unpacked.outputs = [weights]
        build.operators.append(unpacked)
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
    )  # fmt: skip
