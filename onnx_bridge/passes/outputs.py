"""Outputs that are the memory of something else get a copy of their own."""

from __future__ import annotations

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.rmodel import RModel, nested_models, rename
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.kernel_operators.copy import Copy
from onnx_bridge.passes.base import Pass


class Outputs(Pass):
    """
    1. An output that is an input or a constant, or a view of one, is copied.
    2. Two outputs that share their memory are parted.
    """

    name = "outputs"
    takes = gives = Dialect.KERNEL
    optional = False
    nested = False  # a body's constant may be that of the model around it, which keeps its name

    def call(self, model: RModel) -> bool:
        return self.parted(model, whole=True)

    def parted(self, model: RModel, whole: bool) -> bool:
        """Copies what a model and its nested ones need copied; `whole`: it is no nested one."""
        changed = False
        for op in model.operators:
            for body in nested_models(op):
                changed |= self.parted(body, whole=False)
        roots: dict[Tensor, Tensor] = {}
        for op in model.operators:
            if op.is_view:
                roots[op.y] = roots.get(op.x, op.x)
        held: set[Tensor] = set(model.inputs)
        outputs: list[Tensor] = []
        for tensor in model.outputs:
            root = roots.get(tensor, tensor)
            if root in held or root.is_constant or tensor in outputs:
                tensor = self.copied(model, tensor, keeps_name=whole and tensor not in outputs)
                changed = True
            held.add(root)
            outputs.append(tensor)
        model.outputs = outputs
        return changed

    @staticmethod
    def copied(model: RModel, tensor: Tensor, keeps_name: bool) -> Tensor:
        copy = Copy(name=f"copy of {tensor.name}")
        # The output keeps its name; what made it, or the constant that it is, is called by another.
        if tensor in model.producers() or (keeps_name and tensor.is_constant and tensor not in model.inputs):
            inner = model.new_tensor(f"{tensor.name}_source", tensor.type, value=tensor.value, layout=tensor.layout)
            inner.dequantized, tensor.dequantized, tensor.value = tensor.dequantized, None, None
            rename(model, {tensor: inner})
            copy.inputs, copy.outputs = [inner], [tensor]
            model.operators.append(copy)
            return tensor
        out = model.new_tensor(f"{tensor.name}_output", tensor.type)
        copy.inputs, copy.outputs = [tensor], [out]
        model.operators.append(copy)
        return out
