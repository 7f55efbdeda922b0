"""BatchNormalization."""

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
from onnx_bridge.operators.reduce import ReduceMean
from onnx_bridge.operators.reshape import Reshape

Add, Sub, Mul, Div, Sqrt = (TABLE[name] for name in ("Add", "Sub", "Mul", "Div", "Sqrt"))

_DOUBLES = weight(3, dtype="float64", low=0.1)


@operator("BatchNormalization", since=1)
class BatchNormalization(Composite):
    """y = (x - mean) / sqrt(variance + epsilon) * scale + bias, all of them one number a channel (axis 1).

    With constant parameters it is x * factor + offset, both computed in double and rounded once. `spatial` = 0 (opsets 1-8): one
    number for each element of an image. With `training_mode` (since opset 14) by the batch's own moments; the further outputs are mean and
    variance moved towards those: momentum * old + (1 - momentum) * new.
    """

    computes = (WIDE_FLOATS,)

    epsilon: float = attribute(1e-5)
    momentum: float = attribute(0.9)
    training_mode: int = attribute(0)
    spatial: int = attribute(1)
    is_test: int = attribute(0)
    consumed_inputs: Any = attribute(None)

    def types(self, x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> Type | list[Type]:
        if x.rank < 2:
            raise ShapeError(f"x must be [N, C, ...], got {x.type}")
        wanted = x.shape[1:] if not self.spatial else x.shape[1:2]
        for tensor in (scale, bias, mean, variance):
            if tensor.dtype is not x.dtype or tensor.rank != len(wanted):
                raise ShapeError(f"scale, bias, mean and variance must be [{', '.join(map(str, wanted))}] of {x.dtype}, got {tensor.type}")
            for size, other in zip(tensor.shape, wanted, strict=True):
                same(size, other)
        if self.training_mode:
            return [x.type, mean.type, variance.type]
        if any(self.wants(index) for index in range(1, len(self.outputs))):
            raise UnsupportedForm("outputs of moments are those of training, which opsets before 14 say nothing of: export for inference")
        return x.type

    def trained(self, build: Parts) -> list[Tensor]:
        """Normalised by the batch's own moments, and the running ones."""
        x, scale, bias, *running = (self.input(index) for index in range(5))
        axes = [axis for axis in range(x.rank) if axis != 1]

        def channels(tensor: Tensor) -> Tensor:
            return build.reshape(tensor, (tensor.shape[0], *[1] * (x.rank - 2)))

        mean = build.add(ReduceMean, x, axes=axes, keepdims=0)
        centred = build.add(Sub, x, channels(mean))
        variance = build.add(ReduceMean, build.add(Mul, centred, centred), axes=axes, keepdims=0)
        deviation = build.add(Sqrt, build.add(Add, variance, build.constant("epsilon", self.epsilon, x)))
        y = build.add(Add, build.add(Mul, centred, channels(build.add(Div, scale, deviation))), channels(bias))
        moved = [
            build.add(Add, build.add(Mul, old, build.constant("momentum", self.momentum, old)),
                      build.add(Mul, new, build.constant("rest", 1.0 - self.momentum, old)))
            for old, new in zip(running, (mean, variance), strict=True)
        ]  # fmt: skip
        return [y, *moved]

    def parts(self, build: Parts) -> Tensor | list[Tensor]:
        if self.training_mode:
            return self.trained(build)
        parameters = [self.input(index) for index in range(1, 5)]
        shape = [-1, *[1] * (self.x.rank - 2)] if self.spatial else list(parameters[0].shape)
        if all(tensor.is_constant for tensor in parameters):
            scale, bias, mean, variance = (tensor.constant().astype(np.float64) for tensor in parameters)
            with np.errstate(invalid="ignore", divide="ignore"):  # a variance that is negative gives NaN, as in every other way
                factor = scale / np.sqrt(variance + self.epsilon)
                offset = bias - mean * factor
            named = {"factor": factor, "offset": offset}
            return build.add(Affine, self.x, *(build.constant(name, value.reshape(shape), self.x) for name, value in named.items()))
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
        case(x=(2, "C", 4), scale=("C",), bias=("C",), mean=("C",), variance=data("C", low=0.1), outputs=3, opset=14,
             attributes={"training_mode": 1}),
        case(x=(6, 3), scale=weight(3), bias=weight(3), mean=weight(3), variance=weight(3, low=0.1), outputs=3,
             attributes={"training_mode": 1, "momentum": 0.7, "epsilon": 0.01}),
        case(x=data(2, 3, 4, dtype="float64"), scale=_DOUBLES, bias=_DOUBLES, mean=_DOUBLES, variance=_DOUBLES),
    )  # fmt: skip
