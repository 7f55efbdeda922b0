"""BatchNormalization, as it is used after training."""

from __future__ import annotations

from typing import Any

import numpy as np

from onnx_bridge.ir.dtypes import WIDE_FLOATS, int64
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.affine import Affine
from onnx_bridge.operators.cases import case, data, weight
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.reshape import Reshape

Add, Sub, Mul, Div, Sqrt = (TABLE[name] for name in ("Add", "Sub", "Mul", "Div", "Sqrt"))

_DOUBLES = weight(3, dtype="float64", low=0.1)


@operator("BatchNormalization", since=1)
class BatchNormalization(Composite):
    """y = (x - mean) / sqrt(variance + epsilon) * scale + bias, all of them one number a channel (axis 1).

    With constant parameters it is x * factor + offset, both computed in double and rounded once. `spatial` = 0 (opsets 1-8): one
    number for each element of an image. Normalising by the batch's own moments (training) is not supported.
    """

    computes = (WIDE_FLOATS,)

    epsilon: float = attribute(1e-5)
    momentum: float = attribute(0.9)
    training_mode: int = attribute(0)
    spatial: int = attribute(1)
    is_test: int = attribute(0)
    consumed_inputs: Any = attribute(None)

    def types(self, x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> Type:
        if self.training_mode:
            raise UnsupportedForm("training_mode = 1 is not supported: export the model in inference mode")
        if x.rank < 2:
            raise ShapeError(f"x must be [N, C, ...], got {x.type}")
        wanted = x.shape[1:] if not self.spatial else x.shape[1:2]
        for tensor in (scale, bias, mean, variance):
            if tensor.dtype is not x.dtype or tensor.rank != len(wanted):
                raise ShapeError(f"scale, bias, mean and variance must be [{', '.join(map(str, wanted))}] of {x.dtype}, got {tensor.type}")
            for size, other in zip(tensor.shape, wanted, strict=True):
                same(size, other)
        return x.type

    def parts(self, build: Parts) -> Tensor:
        parameters = [self.input(index) for index in range(1, 5)]
        shape = [-1, *[1] * (self.x.rank - 2)] if self.spatial else list(parameters[0].shape)
        if all(tensor.is_constant for tensor in parameters):
            scale, bias, mean, variance = (tensor.constant().astype(np.float64) for tensor in parameters)
            factor = scale / np.sqrt(variance + self.epsilon)
            constants = (
                build.constant("factor", factor.reshape(shape), self.x),
                build.constant("offset", (bias - mean * factor).reshape(shape), self.x),
            )
            return build.add(Affine, self.x, *constants)
        s, b, m, v = parameters
        ratio = build.add(Div, s, build.add(Sqrt, build.add(Add, v, build.constant("epsilon", self.epsilon, v))))
        shift = build.add(Sub, b, build.add(Mul, m, ratio))
        if self.spatial and self.x.rank > 2:
            wanted = build.model.new_constant(f"{self.y.name}_shape", shape, int64)
            ratio, shift = build.add(Reshape, ratio, wanted), build.add(Reshape, shift, wanted)
        return build.add(Affine, self.x, ratio, shift)

    cases = (
        case(x=("N", 3, 5, 7), scale=weight(3), bias=weight(3), mean=weight(3), variance=weight(3, low=0.1, high=2)),
        case(
            x=("N", 20),
            scale=weight(20),
            bias=weight(20),
            mean=weight(20),
            variance=weight(20, low=0.1, high=2),
            attributes={"epsilon": 0.01},
        ),
        case(x=(2, 17, "W"), scale=weight(17), bias=weight(17), mean=weight(17), variance=weight(17, low=0.1, high=2), opset=9),
        case(x=("N", 3, 5), scale=(3,), bias=(3,), mean=(3,), variance=data(3, low=0.1, high=2)),
        case(
            x=(2, 3, 4),
            scale=weight(3),
            bias=weight(3),
            mean=weight(3),
            variance=weight(3, low=0.1, high=2),
            opset=7,
            attributes={"spatial": 1},
        ),
        case(x=data(2, 3, 4, dtype="float64"), scale=_DOUBLES, bias=_DOUBLES, mean=_DOUBLES, variance=_DOUBLES),
    )
