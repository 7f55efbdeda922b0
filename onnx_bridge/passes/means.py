"""Means over whole images are global poolings, which know the blocked layout."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Type
from onnx_bridge.operators.pool import GlobalAveragePool
from onnx_bridge.operators.reduce import ReduceMean
from onnx_bridge.operators.squeeze import Squeeze
from onnx_bridge.passes.base import Pass


class Means(Pass):
    """
    1. ReduceMean over exactly the spatial axes of [N, C, H, W] or [N, C, D, H, W] that keeps them: GlobalAveragePool.
    2. The same without keeping them: GlobalAveragePool, then Squeeze, which costs nothing.
    """

    name = "means"

    def call(self, model: RModel) -> bool:
        operators: list[ROperator] = []
        for op in model.operators:
            spatial = list(range(2, op.inputs[0].rank)) if isinstance(op, ReduceMean) and op.inputs[0] is not None else []
            if not isinstance(op, ReduceMean) or len(spatial) < 2 or op.reduced() != spatial or op.x.dtype is not float32:
                operators.append(op)
                continue
            pool = GlobalAveragePool(name=op.name, opset=op.opset)
            pool.inputs, pool.outputs = [op.x], [op.y]
            operators.append(pool)
            if not op.keepdims:
                kept = model.new_tensor(f"{op.y.name}_pooled", Type(float32, (*op.x.shape[:2], *[1] * len(spatial))))
                squeeze = Squeeze(name=f"{op.name} axes", opset=11)
                squeeze.set_attributes({"axes": spatial})
                pool.outputs, squeeze.inputs, squeeze.outputs = [kept], [kept], [op.y]
                operators.append(squeeze)
        changed = operators != model.operators
        model.operators = operators
        return changed
