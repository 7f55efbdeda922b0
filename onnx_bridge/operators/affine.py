"""Affine: a factor and an offset for each channel, rounded once. What BatchNormalization is made of; no file names it."""

from __future__ import annotations

from dataclasses import dataclass

from onnx_bridge.ir.tensor import Tensor, Type, broadcast
from onnx_bridge.library import functions as f
from onnx_bridge.library.expressions import Expression
from onnx_bridge.library.steps import PointwiseOperator


@dataclass(eq=False, kw_only=True)
class Affine(PointwiseOperator):
    """y = x * factor + offset; both broadcast to x."""

    op_type = "Affine"
    kernels = ("vector.hxx",)
    algebra = staticmethod(lambda x, factor, offset: x * factor + offset)

    def types(self, x: Tensor, factor: Tensor, offset: Tensor) -> Type:
        return Type(x.dtype, broadcast(x.shape, factor.shape, offset.shape))

    def expression(self, *operands: Expression) -> Expression:
        return f.fma(*operands)
