"""Scale and bias of a GroupNormalization, as exporters write them behind it."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.operators.group_normalization import GroupNormalization
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.passes.base import Pass

Add, Mul = TABLE["Add"], TABLE["Mul"]


class GroupScales(Pass):
    """1. GroupNormalization with constants, then Mul by or Add of one constant a channel: they become its scale and bias."""

    name = "group scales"
    takes = gives = Dialect.ONNX

    def call(self, model: RModel) -> bool:
        changed = False
        for op in list(model.operators):
            if isinstance(op, GroupNormalization):
                while self.scaled(model, op):
                    changed = True
        return changed

    @staticmethod
    def scaled(model: RModel, op: GroupNormalization) -> bool:
        readers = model.consumers().get(op.y, [])
        if op.opset < 21 or len(readers) != 1 or op.y in model.outputs or not isinstance(readers[0], (Mul, Add)):
            return False
        reader, (scale, bias) = readers[0], (op.input(1), op.input(2))
        others = [t for t in reader.inputs if t is not None and t is not op.y]
        if len(others) != 1 or not others[0].is_constant or reader.y.type != op.y.type or not scale.is_constant or not bias.is_constant:
            return False
        value = others[0].constant()
        shape = (1,) * (op.y.rank - value.ndim) + value.shape
        if value.ndim > op.y.rank or any(size != 1 for axis, size in enumerate(shape) if axis != 1):
            return False
        number = value.reshape(-1).astype(np.float64)
        parameters = [t.constant().astype(np.float64) for t in (scale, bias)]
        changed = [p * number for p in parameters] if isinstance(reader, Mul) else [parameters[0], parameters[1] + number]
        op.inputs[1:3] = [model.new_constant(f"{reader.y.name}_parameter", p.astype(np.float32)) for p in changed]
        op.outputs = [reader.y]
        model.operators.remove(reader)
        return True
