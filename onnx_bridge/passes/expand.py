"""Operators that are made of others are replaced by those."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from onnx_bridge.ir import dims
from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import ASSUMED
from onnx_bridge.library.composite import Composite
from onnx_bridge.passes.base import Pass


class Expand(Pass):
    """Every Composite gives way to the operators that it is made of, and those among them to theirs."""

    name = "expand"
    takes = gives = Dialect.ONNX
    optional = False

    def call(self, model: RModel) -> bool:
        token = ASSUMED.set(model.constraints)  # what the lowering took for equal when it tried the parts
        try:
            with dims.assuming(model.conditions):
                operators = list(self.expanded(model, model.operators))
        finally:
            ASSUMED.reset(token)
        changed = operators != model.operators
        model.operators = operators
        return changed

    def expanded(self, model: RModel, operators: Iterable[ROperator]) -> Iterator[ROperator]:
        """The operators with none among them that is made of others."""
        for op in operators:
            if isinstance(op, Composite):
                yield from self.expanded(model, op.expanded(model))
            else:
                yield op
