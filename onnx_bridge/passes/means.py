"""Reductions read what is not transposed yet; means over whole images are global poolings, which know the blocked layout."""

from __future__ import annotations

from onnx_bridge.ir import dims
from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.pool import GlobalAveragePool
from onnx_bridge.operators.reduce import ReduceMean, ReduceSum, Reduction
from onnx_bridge.operators.squeeze import Squeeze
from onnx_bridge.operators.transpose import Transpose
from onnx_bridge.passes.base import Pass

Div = TABLE["Div"]


class Means(Pass):
    """
    1. ReduceSum that only a Div by the number of its terms reads: ReduceMean.
    2. A reduction of a Transpose that leaves the axes that stay in their order: a reduction of what that transposes.
    3. ReduceMean over exactly the spatial axes of [N, C, H, W] or [N, C, D, H, W] that keeps them: GlobalAveragePool.
    4. The same without keeping them: GlobalAveragePool, then Squeeze, which costs nothing.
    """

    name = "means"
    takes = gives = Dialect.ONNX

    def call(self, model: RModel) -> bool:
        consumers, producers = model.consumers(), model.producers()
        operators: list[ROperator] = []
        gone: set[ROperator] = set()
        for op in model.operators:
            if isinstance(op, Reduction) and op.open_axes:
                operators.append(op)
                continue
            if isinstance(op, ReduceSum):
                op = self.mean(op, consumers, model, gone)
            if isinstance(op, Reduction) and op.inputs[0] is not None:
                self.untransposed(op, producers)
            spatial = list(range(2, op.inputs[0].rank)) if isinstance(op, ReduceMean) and op.inputs[0] is not None else []
            if not isinstance(op, ReduceMean) or len(spatial) < 2 or op.reduced() != spatial or op.x.dtype is not float32:
                operators.append(op)
                continue
            pool = GlobalAveragePool.make(op.name, op.opset).between([op.x], [op.y])
            operators.append(pool)
            if not op.keepdims:
                kept = model.new_tensor(f"{op.y.name}_pooled", Type(float32, (*op.x.shape[:2], *[1] * len(spatial))))
                pool.outputs = [kept]
                operators.append(Squeeze.make(f"{op.name} axes", 11, axes=spatial).between([kept], [op.y]))
        operators = [op for op in operators if op not in gone]
        changed = operators != model.operators
        model.operators = operators
        return changed

    @staticmethod
    def mean(op: ReduceSum, consumers: dict[Tensor, list[ROperator]], model: RModel, gone: set[ROperator]) -> ROperator:
        """The mean that a sum becomes."""
        readers = consumers.get(op.y, [])
        if len(readers) != 1 or op.y in model.outputs or op.y.dtype is not float32 or not isinstance(readers[0], Div):
            return op
        divide = readers[0]
        by = divide.input(1)
        terms = dims.product(op.x.shape[axis] for axis in op.reduced())
        if divide.x is not op.y or not by.is_constant or by.count != 1 or divide.y.type != op.y.type:
            return op
        if terms == 0 or float(by.constant().reshape(-1)[0]) != terms:
            return op
        gone.add(divide)
        return ReduceMean.make(op.name, 11, axes=op.reduced(), keepdims=op.keepdims).between([op.x], [divide.y])

    @staticmethod
    def untransposed(op: Reduction, producers: dict[Tensor, ROperator]) -> None:
        """Reduces what a Transpose transposes."""
        maker = producers.get(op.x)
        if not isinstance(maker, Transpose) or op.keepdims or not op.reduced():
            return
        order, reduced = maker.order(maker.x), op.reduced()
        stay = [place for axis, place in enumerate(order) if axis not in reduced]
        if stay != sorted(stay):
            return
        op.axes, op.inputs, op.opset = sorted(order[axis] for axis in reduced), [maker.x], 11
