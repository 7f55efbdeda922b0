"""What is added behind a Dense: its bias."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.kernel_operators.dense import Dense
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.select.dense_gemm import per_column
from onnx_bridge.select.rule import Rule


class DenseBias(Rule[ROperator]):
    """Add(Dense(a), c), c one constant a column: Dense(a) with the bias c, where nobody else reads what is added to."""

    name = "dense bias"
    of = (TABLE["Add"],)

    def pattern(self, op: ROperator) -> bool:
        self.found = self.layer(op)
        return self.found is not None

    def layer(self, op: ROperator) -> tuple[Dense, Tensor] | None:
        """A Dense without bias that an Add reads, and what is added."""
        for x, c in ((op.input(0), op.input(1)), (op.input(1), op.input(0))):
            dense = self.producers.get(x)
            if not isinstance(dense, Dense) or dense.bias is not None or dense.steps or not self.alone(x, op):
                continue
            if per_column(c, x.shape[-1]) and c.rank <= x.rank:
                return dense, c
        return None

    def rewrite(self, op: ROperator) -> Sequence[ROperator]:
        assert self.found is not None
        dense, c = self.found
        dense.bias = np.ascontiguousarray(np.broadcast_to(c.constant().reshape(-1), dense.weights.shape[1:]))
        dense.outputs = [op.y]
        self.producers[op.y] = dense
        return []
