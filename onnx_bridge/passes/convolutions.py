"""Conv and ConvTranspose become Convolution and TransposedConvolution, whose weights are packed at conversion."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.kernel_operators.convolution import Convolution, TransposedConvolution
from onnx_bridge.operators.conv import Conv, FusedConv
from onnx_bridge.operators.conv_transpose import ConvTranspose
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.passes.base import Pass


class Convolutions(Pass):
    """
    1. Conv: Convolution.
    2. FusedConv: Convolution, then Add of its fourth input and its activation as operators of their own.
    3. ConvTranspose of one group: TransposedConvolution.
    4. ConvTranspose of several groups: TransposedConvolution whose weights are zero between groups.
    """

    name = "convolutions"

    def call(self, model: RModel) -> bool:
        operators: list[ROperator] = []
        for op in model.operators:
            if isinstance(op, Conv):
                operators += self.conv(model, op)
            elif isinstance(op, ConvTranspose):
                operators.append(self.transposed(op))
            else:
                operators.append(op)
        changed = operators != model.operators
        model.operators = operators
        return changed

    def conv(self, model: RModel, op: Conv) -> list[ROperator]:
        x, w, b, z = op.arguments(4)
        assert x is not None and w is not None
        made = Convolution(name=op.name, opset=op.opset, window=op.window(), group=op.group)
        made.weights, made.bias = w.constant(), None if b is None else b.constant()
        made.inputs, made.outputs = [x], [op.y]
        operators: list[ROperator] = [made]
        if isinstance(op, FusedConv):
            if z is not None:
                self.append(model, operators, TABLE["Add"], [z], {})
            if op.activation:
                name, inputs, attributes = activation(model, op)
                self.append(model, operators, name, inputs, attributes)
        return operators

    @staticmethod
    def append(model: RModel, operators: list[ROperator], cls: type[ROperator], others: list[Tensor], attributes: dict[str, float]) -> None:
        """Puts a pointwise operator behind the last one, which keeps its output's name."""
        last = operators[-1]
        y = last.y
        inner = model.new_tensor(f"{y.name}_{last.op_type.lower()}", y.type)
        last.outputs = [inner]
        op = cls(name=f"{last.name} {cls.op_type}", opset=22)
        op.set_attributes(attributes)
        op.inputs, op.outputs = [inner, *others], [y]
        operators.append(op)

    @staticmethod
    def transposed(op: ConvTranspose) -> TransposedConvolution:
        x, w, b = op.arguments(3)
        assert x is not None and w is not None
        weights = w.constant()
        if op.group > 1:
            c, o = weights.shape[:2]
            full = np.zeros((c, o * op.group, *weights.shape[2:]), weights.dtype)
            for g in range(op.group):
                part = slice(g * (c // op.group), (g + 1) * (c // op.group))
                full[part, g * o : (g + 1) * o] = weights[part]
            weights = full
        made = TransposedConvolution(name=op.name, opset=op.opset, window=op.window(), weights=weights)
        made.bias = None if b is None else b.constant()
        made.inputs, made.outputs = [x], [op.y]
        return made


def activation(model: RModel, op: FusedConv) -> tuple[type[ROperator], list[Tensor], dict[str, float]]:
    """The activation of a FusedConv: class, further inputs, attributes."""
    params = list(op.activation_params or [])
    if op.activation == "Clip":
        from onnx_bridge.operators.clip import Clip

        bounds = [model.new_tensor(f"{op.name}_bound", Type(op.y.dtype, ()), value=np.float32(v).reshape(())) for v in params]
        return Clip, bounds, {}
    return TABLE[op.activation], [], dict(zip(op.KNOWN[op.activation], params, strict=False))
