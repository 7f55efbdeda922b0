"""BiasAdd, BiasSplitGelu, BiasSoftmax and BiasDropout of com.microsoft, which onnxruntime has for GPUs alone: a sum, and what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import FLOATS, WIDE_FLOATS, DType, bool_
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, broadcasts, fits
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.library.known import axis_in
from onnx_bridge.operators.attention import sizes
from onnx_bridge.operators.expand import Expand
from onnx_bridge.operators.gelu import Gelu
from onnx_bridge.operators.heads import cut
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.softmax import Softmax


@dataclass(eq=False, kw_only=True)
class Biased(Composite):
    """An operator that begins with x + bias."""

    computes: ClassVar[Sequence[Sequence[DType]]] = (FLOATS,)
    tested_by = "test_microsoft.py"


@operator("BiasAdd", domain="com.microsoft")
class BiasAdd(Biased):
    """y = x + bias + skip."""

    def types(self, x: Tensor, bias: Tensor, skip: Tensor) -> Type:
        fits(bias, x.shape[-1:], "bias")
        fits(skip, x.shape, "skip")
        return x.type

    def parts(self, build: Parts) -> Tensor:
        return build.add(TABLE["Add"], build.add(TABLE["Add"], self.x, self.input(1)), self.input(2))


@operator("BiasSplitGelu", domain="com.microsoft")
class BiasSplitGelu(Biased):
    """y = the first half of the rows of x + bias, times gelu of the second half."""

    def types(self, x: Tensor, bias: Tensor) -> Type:
        if x.rank != 3 or not isinstance(x.shape[2], int) or x.shape[2] % 2:
            raise ShapeError(f"x must have rank 3, and rows of an even size, got {x.type}")
        fits(bias, x.shape[-1:], "bias")
        return Type(x.dtype, (*x.shape[:2], dims.floor_div(x.shape[2], 2)))

    def parts(self, build: Parts) -> Tensor:
        total = build.add(TABLE["Add"], self.x, self.input(1))
        half = self.y.shape[-1]
        left, right = cut(build, total, 0, half, -1), cut(build, total, half, 2 * half, -1)
        return build.add(TABLE["Mul"], left, build.add(Gelu, right))


@operator("BiasSoftmax", domain="com.microsoft")
class BiasSoftmax(Biased):
    """y = softmax(x + bias) over the axes from `axis` on. The bias repeats over axes right before those, or over the first ones."""

    computes = (WIDE_FLOATS,)

    axis: int = attribute(1)
    is_inner_broadcast: int = attribute()

    def types(self, x: Tensor, bias: Tensor) -> Type:
        axis_in(self.axis, x.rank)
        broadcasts(bias, x.shape, "bias")
        return x.type

    def parts(self, build: Parts) -> Tensor:
        total, first = build.add(TABLE["Add"], self.x, self.input(1)), axis_in(self.axis, self.x.rank)
        if first == total.rank - 1:
            return build.add(Softmax, total, axis=-1)
        rows = [*total.shape[:first], dims.product(total.shape[first:])]
        return build.reshape(build.add(Softmax, build.reshape(total, rows), axis=-1), total.shape)


@operator("BiasDropout", domain="com.microsoft")
class BiasDropout(Biased):
    """y = x + bias + residual, as it is when a network is used: nothing is dropped."""

    computes = (WIDE_FLOATS, WIDE_FLOATS, WIDE_FLOATS, WIDE_FLOATS, (bool_,))

    seed: int = attribute(0)

    def types(
        self, x: Tensor, bias: Tensor, residual: Tensor | None = None, ratio: Tensor | None = None, training: Tensor | None = None
    ) -> Sequence[Type]:
        if training is not None and (not training.is_constant or bool(training.constant().any())):
            raise UnsupportedForm("training_mode must be false: a network is not trained here; export it for inference")
        broadcasts(bias, x.shape, "bias")
        if residual is not None:
            fits(residual, x.shape, "residual")
        return [x.type, Type(bool_, x.shape)]

    def parts(self, build: Parts) -> Sequence[Tensor | None]:
        y = build.add(TABLE["Add"], self.x, self.input(1))
        residual = self.arguments(3)[2]
        y = y if residual is None else build.add(TABLE["Add"], y, residual)
        if not self.wants(1):
            return [y]
        return [y, build.add(Expand, build.model.new_constant("kept", True, bool_), sizes(build, *self.x.shape))]
