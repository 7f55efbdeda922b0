"""MatMulBnb4 of com.microsoft: a matrix product by weights of four bits as bitsandbytes has them."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.dtypes import float32, uint8
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits, same
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.cases import case, weight
from onnx_bridge.operators.matmul import MatMul

#: What the 16 integers stand for: FP4 (0) and NF4 (1), QLoRA's (arXiv:2305.14314, appendix E).
_HALF_FP4 = [0.0, 5.208333333e-03, 0.66666667, 1.0, 0.33333333, 0.5, 0.16666667, 0.25]
TABLES = (
    np.array([*_HALF_FP4, *(-value for value in _HALF_FP4)], np.float32),
    np.array(
        [
            -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
            -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
            0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
        ],
        np.float32,
    ),
)  # fmt: skip


@operator("MatMulBnb4", domain="com.microsoft")
class MatMulBnb4(Composite):
    """y = a w^T, w being [N, K] of FP4 or NF4, times the largest magnitude of its block.

    Inputs: a, the constant integers of w, two a byte, the first in the highest bits, and a magnitude for each `block_size` of them.
    Weights are unpacked at conversion.
    """

    computes = ((float32,), (uint8,), (float32,))

    K: int = attribute()
    N: int = attribute()
    block_size: int = attribute()
    quant_type: int = attribute()
    training_mode: int = attribute(0)
    transB: int = attribute(1)

    def types(self, a: Tensor, w: Tensor, most: Tensor) -> Type:
        if not self.transB:
            raise UnsupportedForm("transB 0 is not supported: it is the backward pass, of training")
        if self.quant_type not in (0, 1):
            raise ShapeError(f"quant_type must be 0 (FP4) or 1 (NF4), got {self.quant_type}")
        if self.K < 1 or self.N < 1 or self.block_size < 16 or self.block_size & (self.block_size - 1):
            raise ShapeError(f"K and N must be positive and block_size a power of 2 from 16 on, got {self.K}, {self.N}, {self.block_size}")
        if a.rank == 0:
            raise ShapeError("a must not be a scalar")
        if not w.is_constant or not most.is_constant:
            raise UnsupportedForm("the weights must be constants, as ONNX Runtime's quantiser writes them")
        fits(w, ((self.N * self.K + 1) // 2,), "the weights")
        fits(most, (-(-self.N * self.K // self.block_size),), "absmax")
        same(a.shape[-1], self.K)
        return Type(a.dtype, (*a.shape[:-1], self.N))

    def parts(self, build: Parts) -> Tensor:
        packed, count = self.input(1).constant(), self.N * self.K
        integers = np.stack([packed >> np.uint8(4), packed & np.uint8(15)], -1).reshape(-1)[:count]
        scales = np.repeat(self.input(2).constant().astype(np.float32), self.block_size)[:count]
        floats = (TABLES[self.quant_type][integers] * scales).reshape(self.N, self.K)
        return build.add(MatMul, self.x, build.constant("weights", floats.T, self.x))

    cases = (
        case(
            a=("M", 40), w=weight(420, dtype="uint8", low=0, high=256), most=weight(53),
            attributes={"K": 40, "N": 21, "block_size": 16, "quant_type": 1},
        ),
        case(
            a=(2, 3, 64), w=weight(288, dtype="uint8", low=0, high=256), most=weight(18),
            attributes={"K": 64, "N": 9, "block_size": 32, "quant_type": 0},
        ),
    )  # fmt: skip
