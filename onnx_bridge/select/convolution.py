"""Conv and FusedConv: Convolution, whose weights are packed at conversion, or ConvolutionAny, which reads them at run time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from onnx_bridge.ir.dtypes import float64
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.kernel_operators.convolution import Convolution
from onnx_bridge.kernel_operators.convolution_any import ConvolutionAny
from onnx_bridge.operators.clip import Clip
from onnx_bridge.operators.conv import Conv, FusedConv
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.select.rule import Rule


class Convolutions(Rule[Conv]):
    """Conv(x, w, b): Convolution(x) where w and b are constants of floats, else ConvolutionAny(x, w, b).
    FusedConv(x, w, b, z): activation(Add(Conv(x, w, b), z)), the activation and the Add where there are some.
    """

    name = "convolutions"
    of = (Conv,)

    def rewrite(self, op: Conv) -> Sequence[ROperator]:
        x, w, b, z = op.arguments(4)
        assert x is not None and w is not None
        operators: list[ROperator] = [self.convolution(op, x, w, b)]
        if isinstance(op, FusedConv):
            if z is not None:
                self.append(operators, TABLE["Add"], [z], {})
            if op.activation:
                self.append(operators, *self.activation(op))
        return operators

    def convolution(self, op: Conv, x: Tensor, w: Tensor, b: Tensor | None) -> ROperator:
        """The kernel operator."""
        if x.dtype is float64 or not w.is_constant or (b is not None and not b.is_constant):
            return ConvolutionAny(name=op.name, opset=op.opset, window=op.window(), group=op.group).between([x, w, b], [op.y])
        made = Convolution(name=op.name, opset=op.opset, window=op.window(), group=op.group)
        made.weights, made.bias = w.constant(), None if b is None else b.constant()
        return made.between([x], [op.y])

    def append(self, operators: list[ROperator], cls: type[ROperator], others: Sequence[Tensor], attributes: Mapping[str, Any]) -> None:
        """Puts a pointwise operator behind the last one, which keeps its output's name."""
        last = operators[-1]
        y = last.y
        inner = self.model.new_tensor(f"{y.name}_{last.op_type.lower()}", y.type)
        last.outputs = [inner]
        operators.append(cls.make(f"{last.name} {cls.op_type}", **attributes).between([inner, *others], [y]))

    def activation(self, op: FusedConv) -> tuple[type[ROperator], Sequence[Tensor], Mapping[str, Any]]:
        """The activation of a FusedConv: class, further inputs, attributes."""
        params = list(op.activation_params or [])
        if op.activation == "Clip":
            bounds = [self.model.new_constant(f"{op.name}_bound", value, op.y.dtype) for value in params]
            return Clip, bounds, {}
        return TABLE[op.activation], [], dict(zip(op.KNOWN[op.activation], params, strict=False))
