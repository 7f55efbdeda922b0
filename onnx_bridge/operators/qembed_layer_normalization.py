"""QEmbedLayerNormalization of com.microsoft."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from onnx_bridge.ir.dtypes import float32, int32
from onnx_bridge.ir.roperator import ROperator, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.cases import case, const, data, given
from onnx_bridge.operators.dequantize_linear import DequantizeLinear
from onnx_bridge.operators.embed_layer_normalization import EmbedLayerNormalization
from onnx_bridge.operators.integer_product import check_one
from onnx_bridge.operators.matmul_integer import BYTES, bytes_of

#: The quantised inputs; their scales and zero points follow behind the mask, in this order.
_QUANTISED = (2, 3, 4, 5, 6)


@operator("QEmbedLayerNormalization", domain="com.microsoft")
class QEmbedLayerNormalization(Composite):
    """EmbedLayerNormalization of tables, gamma and beta of bytes.

    Inputs: words, segments, the tables of words, positions and segments, gamma, beta, a mask, then the scales of those five, then their
    zero points. Outputs: y and how many words of each row the mask keeps.
    """

    computes = ((int32,), (int32,), *[BYTES] * 5, (int32,), *[(float32,)] * 5, *[BYTES] * 5)

    epsilon: float = attribute(1e-12)

    def types(self, *inputs: Tensor | None) -> Sequence[Type]:
        given_ = self.arguments(18)
        for index in _QUANTISED:
            of, scale, zero = given_[index], given_[index + 6], given_[index + 11]
            if of is None and scale is None and zero is None and index == 4:
                continue
            if of is None or scale is None or zero is None:
                raise ShapeError(f"input {index}, its scale {index + 6} and its zero point {index + 11} must be given together")
            check_one(scale, f"the scale of input {index}")
            check_one(zero, f"the zero point of input {index}")
            if zero.dtype is not of.dtype:
                raise ShapeError(f"the zero point of input {index} must be of its type, {of.dtype}, got {zero.dtype}")
        floats = [t if t is None or i not in _QUANTISED else Tensor(t.name, Type(float32, t.shape)) for i, t in enumerate(given_[:8])]
        op: ROperator = EmbedLayerNormalization.make(self.name)
        op.inputs = floats
        return [type_ for type_ in op.infer_types()[:2] if type_ is not None]

    def parts(self, build: Parts) -> Sequence[Tensor | None]:
        given_ = self.arguments(18)
        floats = given_[:8]
        for index in _QUANTISED:
            tensor = given_[index]
            if tensor is not None:
                floats[index] = build.add(DequantizeLinear, tensor, given_[index + 6], given_[index + 11])
        return build.many(2, EmbedLayerNormalization, *floats, epsilon=self.epsilon)

    _SIDES: ClassVar[dict[str, Any]] = {
        **{f"s{index}": const(0.01 * (index + 1), "float32") for index in range(5)},
        **{f"z{index}": const(100 + index, "uint8") for index in range(5)},
    }
    cases = (
        case(words=data("N", 5, dtype="int32", low=0, high=9), segments=data("N", 5, dtype="int32", low=0, high=2),
             table=bytes_of(9, 16, constant=True), places=bytes_of(7, 16, constant=True), kinds=bytes_of(2, 16, constant=True),
             gamma=bytes_of(16, constant=True), beta=bytes_of(16, constant=True),
             mask=None, **_SIDES, outputs=2),
        case(words=data(2, 5, dtype="int32", low=0, high=9), segments=None, table=bytes_of(9, 16, constant=True),
             places=bytes_of(7, 16, constant=True), kinds=None, gamma=bytes_of(16, constant=True), beta=bytes_of(16, constant=True),
             mask=given([[1, 1, 1, 0, 0], [1] * 5], "int32"), **(_SIDES | {"s2": None, "z2": None}),
             attributes={"epsilon": 0.01}, outputs=2),
    )  # fmt: skip
