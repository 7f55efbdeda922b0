"""States of zeros that recurrent layers begin with are no inputs."""

from __future__ import annotations

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.operators.recurrent import Recurrent
from onnx_bridge.passes.base import Pass


class ZeroStates(Pass):
    """An initial state of zeros (a constant, or made of zeros by Expand, ConstantOfShape, Slice and the like) is no input at all."""

    name = "zero states"
    takes = gives = Dialect.ONNX

    def call(self, model: RModel) -> bool:
        changed = False
        producers = model.producers()
        for op in model.operators:
            if not isinstance(op, Recurrent):
                continue
            for index in range(5, min(len(op.inputs), 7)):
                tensor = op.inputs[index]
                if tensor is not None and is_zero(tensor, producers):
                    op.inputs[index] = None
                    changed = True
        return changed


def is_zero(tensor: Tensor, producers: dict[Tensor, ROperator]) -> bool:
    """Whether every element of a tensor is known to be 0."""
    if tensor.is_constant:
        return not tensor.constant().any()
    maker = producers.get(tensor)
    return maker is not None and maker.makes_zeros(lambda read: is_zero(read, producers))
