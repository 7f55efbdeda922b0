"""Operators that are made of others are replaced by those."""

from __future__ import annotations

from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.operators.composite import Composite
from onnx_bridge.passes.base import Pass


class Expand(Pass):
    """Every Composite gives way to the operators that it is made of."""

    name = "expand"

    def call(self, model: RModel) -> bool:
        operators: list[ROperator] = []
        for op in model.operators:
            operators.extend(op.expanded(model) if isinstance(op, Composite) else [op])
        changed = operators != model.operators
        model.operators = operators
        return changed
