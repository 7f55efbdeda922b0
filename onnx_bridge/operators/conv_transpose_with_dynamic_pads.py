"""ConvTransposeWithDynamicPads of com.microsoft."""

from __future__ import annotations

from typing import Any

from onnx_bridge.ir.dtypes import float32, int64
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import NeedsValue, Tensor, Type
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.cases import case, const, weight
from onnx_bridge.operators.conv_transpose import ConvTranspose


@operator("ConvTransposeWithDynamicPads", domain="com.microsoft")
class ConvTransposeWithDynamicPads(Composite):
    """ConvTranspose whose pads are an input. Inputs: x, w, pads, b."""

    computes = ((float32,), (float32,), (int64,), (float32,))
    vectors = (2,)

    auto_pad: str = attribute("NOTSET")
    dilations: list[int] | None = attribute(None)
    group: int = attribute(1)
    kernel_shape: list[int] | None = attribute(None)
    output_padding: list[int] | None = attribute(None)
    strides: list[int] | None = attribute(None)

    def plain(self) -> dict[str, Any]:
        """The attributes of its ConvTranspose."""
        pads, made = self.arguments(3)[2], {name: getattr(self, name) for name in self.attributes() if getattr(self, name) is not None}
        if pads is None:
            return made
        if not pads.is_constant:
            raise NeedsValue(pads)
        return {**made, "pads": [int(number) for number in pads.constant()]}

    def types(self, x: Tensor, w: Tensor, pads: Tensor | None = None, b: Tensor | None = None) -> Type:
        op = ConvTranspose.make(self.name, **self.plain())
        op.inputs = [x, w, b]
        found = op.infer_types()[0]
        assert found is not None
        return found

    def parts(self, build: Parts) -> Tensor:
        return build.add(ConvTranspose, self.x, self.input(1), self.arguments(4)[3], **self.plain())

    cases = (
        case(x=("N", 5, 6, 7), w=weight(5, 4, 3, 3), pads=const([1, 0, 1, 2]), b=weight(4), attributes={"strides": [2, 2]}),
        case(x=(1, 6, 5, 5), w=weight(6, 2, 3, 3), pads=const([0, 1, 0, 0]), attributes={"group": 2, "output_padding": [0, 1],
             "strides": [2, 2]}),
    )  # fmt: skip
