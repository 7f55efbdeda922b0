"""What BatchNormalization has become, and other factors and offsets of whole channels, go into the weights of the layer in front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.kernel_operators.layer import Layer
from onnx_bridge.operators.affine import Affine
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.select.rule import Rule

Add, Sub, Mul, Div = (TABLE[name] for name in ("Add", "Sub", "Mul", "Div"))


@dataclass
class Change:
    """y = x * factor + offset, in double; one number a channel, or one for all."""

    factor: np.ndarray
    offset: np.ndarray


class BatchNorm(Rule[ROperator]):
    """Affine(Layer(x), factor, offset), which BatchNormalization is made of: Layer(x), factor in its weights, both in its bias.
    Mul, Div of a Layer: the same with offset 0; Add, Sub: with factor 1.

    The layer is a convolution or a Dense whose output is read by nobody else; the constants have one number a channel, or are one
    for all. Weights and bias are computed in double and rounded once.
    """

    name = "batch norm"
    optional = True
    of = (Affine, Add, Sub, Mul, Div)

    def pattern(self, op: ROperator) -> bool:
        self.found = self.layer(op)
        return self.found is not None

    def layer(self, op: ROperator) -> tuple[Layer, Change] | None:
        """The layer that an operator can go into, and what it does to it."""
        for x in op.inputs:
            if x is None:
                continue
            layer = self.producers.get(x)
            if not isinstance(layer, Layer) or not self.alone(x, op) or layer.y is not x or layer.steps:
                continue
            change = change_of(op, x, layer.channel_axis % x.rank)
            if change is not None and op.y.type == x.type:
                return layer, change
        return None

    def check(self, op: ROperator) -> str:
        assert self.found is not None
        _, change = self.found
        finite = np.isfinite(change.factor).all() and np.isfinite(change.offset).all()
        return "" if finite else "its constants are not finite"

    def rewrite(self, op: ROperator) -> Sequence[ROperator]:
        assert self.found is not None
        layer, change = self.found
        layer.rescale(change.factor, change.offset)
        layer.outputs = [op.y]
        self.producers[op.y] = layer
        return []


def change_of(op: ROperator, x: Tensor, axis: int) -> Change | None:
    """What an operator does to the channels of `x` along `axis`; None if it does something else."""
    others = [tensor for tensor in op.inputs if tensor is not x]
    numbers = [per_channel(tensor, x, axis) for tensor in others]
    if len(others) != len(op.inputs) - 1 or (isinstance(op, (Sub, Div, Affine)) and op.x is not x):
        return None
    known = [number for number in numbers if number is not None]
    if len(known) != len(numbers):
        return None
    one, zero = np.ones(1), np.zeros(1)
    if isinstance(op, Affine):
        return Change(known[0], known[1])
    if isinstance(op, Mul):
        return Change(known[0], zero)
    if isinstance(op, Div):
        return Change(one / np.where(known[0] == 0, np.nan, known[0]), zero)
    return Change(one, known[0] if isinstance(op, Add) else -known[0])


def per_channel(tensor: Tensor | None, x: Tensor, axis: int) -> np.ndarray | None:
    """A constant that has one number for each channel of `x`, or one for all, in double."""
    if tensor is None or not tensor.is_constant or tensor.rank > x.rank:
        return None
    shape = (1,) * (x.rank - tensor.rank) + tuple(tensor.shape)
    if any(size != 1 for index, size in enumerate(shape) if index != axis) or shape[axis] not in (1, x.shape[axis]):
        return None
    return tensor.constant().reshape(-1).astype(np.float64)
