"""NhwcConv of com.microsoft."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.roperator import operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.library.convolving import Convolving
from onnx_bridge.operators.conv import Conv


@operator("NhwcConv", domain="com.microsoft")
class NhwcConv(Convolving, Composite):
    """Conv of images whose channels are their last axis, x [N, spatial..., C]; the weights are as Conv has them."""

    computes = ((float32,),)
    tested_by = "test_microsoft.py"

    def conv(self) -> dict[str, object]:
        """The attributes of its Conv."""
        return {name: getattr(self, name) for name in self.attributes() if getattr(self, name) is not None}

    def types(self, x: Tensor, w: Tensor, b: Tensor | None = None) -> Type:
        if not 3 <= x.rank <= 5:
            raise ShapeError(f"x must have rank 3, 4 or 5, got {x.type}")
        op = Conv(name=self.name, opset=22)
        op.set_attributes(self.conv())
        op.inputs = [Tensor(x.name, Type(x.dtype, (x.shape[0], x.shape[-1], *x.shape[1:-1]))), w, b]
        found = op.infer_types()[0]
        assert found is not None
        return Type(x.dtype, (found.shape[0], *found.shape[2:], found.shape[1]))

    def parts(self, build: Parts) -> Tensor:
        spatial = list(range(1, self.x.rank - 1))
        planes = build.transpose(self.x, [0, self.x.rank - 1, *spatial])
        y = build.add(Conv, planes, *self.inputs[1:], **self.conv())
        return build.transpose(y, [0, *(axis + 1 for axis in spatial), 1])
