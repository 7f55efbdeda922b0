"""Scale and bias of a GroupNormalization, as exporters write them behind it."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.library.channels import linear
from onnx_bridge.operators.group_normalization import GroupNormalization
from onnx_bridge.passes.base import Pass


class GroupScales(Pass):
    """1. GroupNormalization with constants, then a factor or an offset of one constant a channel: they become its scale and bias."""

    name = "group scales"
    takes = gives = Dialect.ONNX

    def call(self, model: RModel) -> bool:
        changed = False
        for op in list(model.operators):
            if isinstance(op, GroupNormalization):
                while self.scaled(model, op):
                    changed = True
        return changed

    def scaled(self, model: RModel, op: GroupNormalization) -> bool:
        readers = model.consumers().get(op.y, [])
        if op.opset < 21 or len(readers) != 1 or op.y in model.outputs or not all(op.input(index).is_constant for index in (1, 2)):
            return False
        reader, found = readers[0], linear(readers[0], op.y, 1)
        if found is None or reader.y.type != op.y.type:
            return False
        if not found.is_finite:
            self.decline(reader.title(), "its constants are not finite")
            return False
        (factor, offset), (scale, bias) = found.numbers(), (op.input(index).constant().astype(np.float64) for index in (1, 2))
        changed = [scale * factor, bias * factor + offset]
        op.inputs[1:3] = [model.new_constant(f"{reader.y.name}_parameter", p.astype(np.float32)) for p in changed]
        op.outputs = [reader.y]
        model.operators.remove(reader)
        return True
