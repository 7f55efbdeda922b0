"""Concat: an operator that knows both layouts."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.kernel_operators.concat import Concatenation
from onnx_bridge.operators.concat import Concat
from onnx_bridge.select.rule import Rule


class Concatenations(Rule[Concat]):
    """Concat(a, b, ...): Concatenation(a, b, ...)."""

    name = "concatenations"
    of = (Concat,)

    def rewrite(self, op: Concat) -> Sequence[ROperator]:
        return [Concatenation(name=op.name, opset=op.opset, axis=op.place()).between(op.inputs, op.outputs)]
