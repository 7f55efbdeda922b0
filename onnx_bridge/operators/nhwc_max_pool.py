"""NhwcMaxPool of com.microsoft."""

from __future__ import annotations

from typing import Any

from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.cases import case
from onnx_bridge.operators.cast import Cast
from onnx_bridge.operators.matmul_integer import BYTES, bytes_of
from onnx_bridge.operators.pool import MaxPool


@operator("NhwcMaxPool", domain="com.microsoft")
class NhwcMaxPool(Composite):
    """MaxPool of images of bytes whose channels are their last axis, x [N, spatial..., C]."""

    computes = (BYTES,)

    auto_pad: str = attribute("NOTSET")
    ceil_mode: int = attribute(0)
    dilations: list[int] | None = attribute(None)
    kernel_shape: list[int] = attribute()
    pads: list[int] | None = attribute(None)
    strides: list[int] | None = attribute(None)

    def pool(self) -> dict[str, Any]:
        """The attributes of its MaxPool."""
        return {name: getattr(self, name) for name in self.attributes() if getattr(self, name) is not None}

    def types(self, x: Tensor) -> Type:
        if not 3 <= x.rank <= 5:
            raise ShapeError(f"x must have rank 3, 4 or 5, got {x.type}")
        op = MaxPool.make(self.name, **self.pool())
        op.inputs = [Tensor(x.name, Type(float32, (x.shape[0], x.shape[-1], *x.shape[1:-1])))]
        found = op.infer_types()[0]
        assert found is not None
        return Type(x.dtype, (found.shape[0], *found.shape[2:], found.shape[1]))

    def parts(self, build: Parts) -> Tensor:
        spatial = list(range(1, self.x.rank - 1))
        planes = build.transpose(build.add(Cast, self.x, to=float32.onnx), [0, self.x.rank - 1, *spatial])
        y = build.transpose(build.add(MaxPool, planes, **self.pool()), [0, *(axis + 1 for axis in spatial), 1])
        return build.add(Cast, y, to=self.x.dtype.onnx)

    cases = (
        case(x=bytes_of("N", 9, 11, 5), attributes={"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 1]}, exact=True),
        case(x=bytes_of(2, 7, 6, 33, kind="int8"), attributes={"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}, exact=True),
    )
