"""Gemm by constants: Dense, packed at conversion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.kernel_operators.dense import Dense
from onnx_bridge.kernels.product import GEMM
from onnx_bridge.operators.gemm import Gemm
from onnx_bridge.select.rule import Rule


class DenseGemm(Rule[Gemm]):
    """Gemm(a, b, c), b and c constant, one value of c a column: Dense(a)."""

    name = "dense gemm"
    of = (Gemm,)

    def check(self, op: Gemm) -> str:
        _, b, c = op.arguments(3)
        assert b is not None
        if b.dtype not in GEMM.types:
            return f"its matrices are of type {b.dtype}"
        if not b.is_constant:
            return "the matrix on the right is known only at run time"
        if op.transA:
            return "its rows do not lie in one piece each"
        return "" if c is None or per_column(c, op.y.shape[1]) else "what is added is not one constant a column"

    def rewrite(self, op: Gemm) -> Sequence[ROperator]:
        a, b, c = op.arguments(3)
        assert a is not None and b is not None
        weights = b.constant().T if op.transB else b.constant()
        if op.alpha != 1:
            weights = weights * np.float32(op.alpha)
        dense = Dense(name=op.name, opset=op.opset, weights=np.ascontiguousarray(weights))
        if c is not None and op.beta != 0:
            dense.bias = np.ascontiguousarray(np.broadcast_to(c.constant().reshape(-1) * np.float32(op.beta), weights.shape[1:]))
        dense.inputs, dense.outputs = [a], [op.y]
        return [dense]


def per_column(c: Tensor, n: object) -> bool:
    """Whether c is a constant with one value a column, or one for all."""
    return c.is_constant and c.dtype is float32 and (c.count == 1 or (c.shape[-1] == n and c.count == n))
