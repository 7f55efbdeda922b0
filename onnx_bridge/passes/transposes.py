"""Transposes, slices and the like that a product can read or write through its strides cost nothing."""

from __future__ import annotations

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.kernel_operators.product import Product
from onnx_bridge.library.moving import Permuting, trace
from onnx_bridge.passes.base import Pass


class Transposes(Pass):
    """
    1. A Product whose operand is made by Transposes, slices, views reads what those read, where it lies.
    2. A Transpose that alone reads a Product, and leaves its columns last, is how the Product writes.
    """

    name = "transposes"
    takes = gives = Dialect.KERNEL

    def call(self, model: RModel) -> bool:
        before = list(model.operators)
        producers = model.producers()
        for op in model.operators:
            if isinstance(op, Product):
                self.operands(op, producers)
        consumers = model.consumers()
        for op in before:
            if isinstance(op, Product) and self.output(op, consumers, model):
                continue
        return before != model.operators

    @staticmethod
    def operands(op: Product, producers: dict[Tensor, ROperator]) -> None:
        for index in (0, 1):
            root, view = trace(op.input(index), producers)
            if root is not op.input(index) and op.views[index] is None:
                op.views[index], op.inputs[index] = view, root

    def output(self, op: Product, consumers: dict[Tensor, list[ROperator]], model: RModel) -> bool:
        readers = consumers.get(op.y, [])
        if len(readers) != 1 or not isinstance(readers[0], Permuting) or op.y in model.outputs or op.y_order is not None:
            return False
        order = readers[0].order(op.y)
        if order[-1] != len(order) - 1 or op.matrix_shape() != op.y.shape:
            self.decline(op.title(), f"its columns do not stay last in {readers[0].title()}")
            return False
        op.y_order = tuple(order)
        op.outputs = [readers[0].y]
        model.operators.remove(readers[0])
        return True
