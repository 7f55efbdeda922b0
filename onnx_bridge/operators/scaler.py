"""Scaler."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.dtypes import WIDE_FLOATS, float32, int32, int64
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.operators.cases import case, data


@operator("Scaler", domain="ai.onnx.ml", since=1)
class Scaler(ROperator):
    """y = (x - offset) * scale, each one number for all, or one for each feature of x [rows][features] or [features]; y is float."""

    kernels = ("features.hxx",)
    computes = ((*WIDE_FLOATS, int32, int64),)

    offset: list[float] | None = attribute(None)
    scale: list[float] | None = attribute(None)

    def types(self, x: Tensor) -> Type:
        offset, scale = len(self.offset or []), len(self.scale or [])
        if offset != scale or not scale:
            raise ShapeError(f"offset and scale must have one length, at least 1, got {offset} and {scale}")
        if scale > 1:
            if x.rank not in (1, 2):
                raise ShapeError(f"x must be [rows, features] for {scale} scales, got {x.type}")
            same(x.shape[-1], scale)
        return Type(float32, x.shape)

    def emit(self, cpp: Writer) -> None:
        name = self.y.name
        offset = cpp.weight(f"{name}_offset", np.asarray(self.offset, np.float32))
        scale = cpp.weight(f"{name}_scale", np.asarray(self.scale, np.float32))
        cpp.call("scale_features", self.x.count, len(self.scale or []), self.x, offset, scale, self.y)

    cases = (
        case(x=("N", 3), attributes={"offset": [0.1, -2.0, 0.3], "scale": [2.0, 3.0, 0.1]}, exact=True),
        case(x=(2, 2, 3), attributes={"offset": [0.1], "scale": [2.0]}, exact=True),
        case(x=(3,), attributes={"offset": [0.1, -2.0, 0.3], "scale": [2.0, 3.0, 0.1]}),
        *(
            case(x=data(9, 3, dtype=kind, low=-9, high=9), attributes={"offset": [0.1, -2.0, 0.3], "scale": [2.0, 3.0, 0.1]})
            for kind in ("float64", "int32", "int64")
        ),
    )
