"""What BatchNormalization has become, and other factors and offsets of whole channels, go into the weights of the layer in front."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.kernel_operators.layer import Layer
from onnx_bridge.library.channels import Linear, linear
from onnx_bridge.library.steps import PointwiseOperator
from onnx_bridge.select.rule import Rule


class BatchNorm(Rule[PointwiseOperator]):
    """Affine(Layer(x), factor, offset), which BatchNormalization is made of: Layer(x), factor in its weights, both in its bias.
    Mul, Div of a Layer: the same with offset 0; Add, Sub: with factor 1.

    The layer is a convolution or a Dense whose output is read by nobody else; the constants have one number a channel, or are one
    for all. Weights and bias are computed in double and rounded once.
    """

    name = "batch norm"
    optional = True
    of = (PointwiseOperator,)

    def pattern(self, op: PointwiseOperator) -> bool:
        self.found = self.layer(op)
        return self.found is not None

    def layer(self, op: PointwiseOperator) -> tuple[Layer, Linear] | None:
        """The layer that an operator can go into, and what it does to it."""
        for x in op.inputs:
            if x is None:
                continue
            layer = self.producers.get(x)
            if not isinstance(layer, Layer) or not self.alone(x, op) or layer.y is not x or layer.steps:
                continue
            change = linear(op, x, layer.channel_axis % x.rank)
            if change is not None and op.y.type == x.type:
                return layer, change
        return None

    def check(self, op: PointwiseOperator) -> str:
        assert self.found is not None
        return "" if self.found[1].is_finite else "its constants are not finite"

    def rewrite(self, op: PointwiseOperator) -> Sequence[ROperator]:
        assert self.found is not None
        layer, change = self.found
        layer.rescale(*change.numbers())
        layer.outputs = [op.y]
        self.producers[op.y] = layer
        return []
