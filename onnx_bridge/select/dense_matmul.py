"""MatMul by a constant matrix: Dense, packed at conversion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.kernel_operators.dense import Dense
from onnx_bridge.kernels.product import GEMM
from onnx_bridge.operators.matmul import MatMul
from onnx_bridge.select.rule import Rule


class DenseMatMul(Rule[MatMul]):
    """MatMul(a, b), b a constant matrix: Dense(a)."""

    name = "dense matmul"
    of = (MatMul,)

    def check(self, op: MatMul) -> str:
        a, b = op.input(0), op.input(1)
        if b.dtype not in GEMM.types:
            return f"its matrices are of type {b.dtype}"
        if not b.is_constant:
            return "the matrix on the right is known only at run time"
        return "" if b.rank == 2 and a.rank >= 2 else f"rows times one matrix are meant, not {a.type} times {b.type}"

    def rewrite(self, op: MatMul) -> Sequence[ROperator]:
        weights = np.ascontiguousarray(op.input(1).constant())
        return [Dense(name=op.name, opset=op.opset, weights=weights).between([op.x], [op.y])]
