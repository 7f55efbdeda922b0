"""Values known at conversion: what reads them gets a constant, or sizes written down at run time."""

from __future__ import annotations

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.operators.sizes import Sizes, sizes_of
from onnx_bridge.passes.base import Pass


class KnownValues(Pass):
    """
    1. An operator whose outputs are all known in numbers goes: its outputs are constants.
    2. An operator whose outputs are known as sizes becomes `Sizes`, which writes them.
    """

    name = "values"
    takes = gives = Dialect.ONNX
    optional = False

    def call(self, model: RModel) -> bool:
        kept: list[ROperator] = []
        for op in model.operators:
            outputs = [t for t in op.outputs if t is not None]
            if outputs and all(t.is_constant for t in outputs):
                continue
            if len(outputs) == 1 and outputs[0].value is not None and not isinstance(op, Sizes):
                kept.append(sizes_of(outputs[0], op.name))
            else:
                kept.append(op)
        changed = kept != model.operators
        model.operators = kept
        return changed
