"""GatedRMSNorm, BranchwiseRMSNorm and EngramGate of com.microsoft: rows divided by the root of their mean square, and what follows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, Type, fits
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.cases import case, data, weight
from onnx_bridge.operators.layer_normalization import SimplifiedLayerNormalization
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.reduce import ReduceSum
from onnx_bridge.operators.variadic import Max

_MICROSOFT = "com.microsoft"


def known_width(x: Tensor, what: str) -> int:
    """The last size of a tensor, which must be a number."""
    if x.rank < 1:
        raise ShapeError(f"{what} must not be a scalar")
    if not isinstance(x.shape[-1], int):
        raise UnsupportedForm(f"the last size of {what} must be known, got {x.type}")
    return x.shape[-1]


def branches_of(x: Tensor, count: int) -> Shape:
    """The shape of [..., C, H] of what may lie flat, [..., C * H]; `count` is C then, and 0 where it does not."""
    if not count:
        if x.rank < 2:
            raise ShapeError(f"branches and their features need two axes, or num_branches says how many there are; got {x.type}")
        known_width(x, "x")
        return x.shape
    width = known_width(x, "x")
    if count < 0 or width % count:
        raise ShapeError(f"{x.type} cannot be parted into {count} branches")
    return (*x.shape[:-1], count, width // count)


def rms(build: Parts, x: Tensor, scale: Tensor | None, epsilon: float) -> Tensor:
    """The rows of x, normalised; without a scale by ones."""
    scale = scale or build.constant("ones", np.ones(known_width(x, "x")), x)
    return build.add(SimplifiedLayerNormalization, x, scale, axis=-1, epsilon=epsilon)


@operator("GatedRMSNorm", domain=_MICROSOFT)
class GatedRMSNorm(Composite):
    """y = rows of as many numbers as `scale` has, normalised and scaled, times activation(gate)."""

    computes = ((float32,),)

    activation: str = attribute("silu")
    epsilon: float = attribute(1e-5)

    def types(self, x: Tensor, scale: Tensor, gate: Tensor) -> Type:
        if self.activation not in ("silu", "swish", "sigmoid"):
            raise ShapeError(f"activation must be silu, swish or sigmoid, got {self.activation!r}")
        if scale.rank != 1 or known_width(x, "x") % max(1, known_width(scale, "scale")):
            raise ShapeError(f"scale must have rank 1, and a size that divides the last one of {x.type}; got {scale.type}")
        fits(gate, x.shape, "gate")
        return x.type

    def parts(self, build: Parts) -> Tensor:
        x, scale, gate = (self.input(index) for index in range(3))
        width, row = known_width(scale, "scale"), known_width(x, "x")
        y = build.reshape(rms(build, build.reshape(x, [*x.shape[:-1], row // width, width]), scale, self.epsilon), x.shape)
        opened = build.add(TABLE["Sigmoid"], gate)
        if self.activation != "sigmoid":
            opened = build.add(TABLE["Mul"], gate, opened)
        return build.add(TABLE["Mul"], y, opened)

    cases = (
        case(x=("N", 3, 24), scale=weight(8), gate=("N", 3, 24)),
        case(x=(2, 5, 40), scale=weight(40), gate=(2, 5, 40), attributes={"activation": "sigmoid", "epsilon": 0.1}),
        case(x=(4, 16), scale=(16,), gate=(4, 16), attributes={"activation": "swish"}),
        case(x=data(3, 24, dtype="float16"), scale=weight(12, dtype="float16"), gate=data(3, 24, dtype="float16")),
    )


@operator("BranchwiseRMSNorm", domain=_MICROSOFT)
class BranchwiseRMSNorm(Composite):
    """y = each branch of x, normalised, times scale. x: [..., C, H] or, with num_branches, [..., C * H]; scale: [H], [C, H] or [C * H]."""

    computes = ((float32,),)
    own_inputs = (1,)

    epsilon: float = attribute(1e-5)
    num_branches: int = attribute(0)

    def types(self, x: Tensor, scale: Tensor | None = None) -> Type:
        count, width = branches_of(x, self.num_branches)[-2:]
        if scale is not None and scale.shape not in ((width,), (count, width), (count * width,)):
            raise ShapeError(f"scale must be [{width}], [{count}, {width}] or [{count * width}], got {scale.type}")
        return x.type

    def parts(self, build: Parts) -> Tensor:
        x, scale = self.arguments(2)
        assert x is not None
        shape = branches_of(x, self.num_branches)
        whole = scale is None or scale.shape == shape[-1:]
        y = rms(build, build.reshape(x, shape), scale if whole else None, self.epsilon)
        if scale is not None and not whole:
            y = build.add(TABLE["Mul"], y, build.reshape(scale, shape[-2:]))
        return build.reshape(y, x.shape)

    cases = (
        case(x=("N", 3, 4, 8), scale=weight(8)),
        case(x=(2, 4, 8), scale=weight(4, 8), attributes={"epsilon": 0.1}),
        case(x=("N", 24), scale=weight(24), attributes={"num_branches": 3}),
        case(x=(5, 24), attributes={"num_branches": 3}),
        case(x=data(5, 24), scale=weight(8, dtype="float16"), attributes={"num_branches": 3}),
        case(x=data(5, 24, dtype="float16"), scale=weight(3, 8), attributes={"num_branches": 3}),
    )


@operator("EngramGate", domain=_MICROSOFT)
class EngramGate(Composite):
    """y = sigmoid(sign(d) sqrt(max(|d|, 1e-6))) * value, d being the product of key and query, normalised, over sqrt(H).

    key and query: [N, S, C, H]; value: [N, S, H]; scales: [C, H]. The second output is y, normalised.
    """

    computes = ((float32,),)

    epsilon: float = attribute(1e-5)

    def types(
        self, key: Tensor, query: Tensor, value: Tensor, key_scale: Tensor, query_scale: Tensor, scale: Tensor | None = None
    ) -> Sequence[Type | None]:
        if key.rank != 4:
            raise ShapeError(f"key must have rank 4, got {key.type}")
        known_width(key, "key")
        fits(query, key.shape, "query")
        fits(value, (*key.shape[:2], key.shape[3]), "value")
        for tensor, what in ((key_scale, "key_norm_scale"), (query_scale, "query_norm_scale"), (scale, "conv_norm_scale")):
            if tensor is not None:
                fits(tensor, key.shape[2:], what)
        return [key.type] if scale is None else [key.type, key.type]

    def parts(self, build: Parts) -> Sequence[Tensor | None]:
        key, query, value, key_scale, query_scale, scale = self.arguments(6)
        assert key is not None and query is not None and value is not None
        mul = TABLE["Mul"]
        pair = [build.add(mul, rms(build, x, None, self.epsilon), by) for x, by in ((key, key_scale), (query, query_scale))]
        width = known_width(key, "key")
        dot = build.add(ReduceSum, build.add(mul, *pair), axes=[-1], keepdims=1)
        dot = build.add(mul, dot, build.constant("share", width**-0.5, dot))
        root = build.add(TABLE["Sqrt"], build.add(Max, build.add(TABLE["Abs"], dot), build.constant("least", 1e-6, dot)))
        gate = build.add(TABLE["Sigmoid"], build.add(mul, build.add(TABLE["Sign"], dot), root))
        y = build.add(mul, gate, build.reshape(value, [*value.shape[:2], 1, width]))
        return [y] if scale is None or not self.wants(1) else [y, build.add(mul, rms(build, y, None, self.epsilon), scale)]

    cases = (
        case(key=("N", 3, 2, 16), query=("N", 3, 2, 16), value=("N", 3, 16), key_scale=weight(2, 16), query_scale=weight(2, 16)),
        case(key=(2, 3, 4, 8), query=(2, 3, 4, 8), value=(2, 3, 8), key_scale=weight(4, 8), query_scale=weight(4, 8),
             scale=weight(4, 8), attributes={"epsilon": 0.01}, outputs=2),
    )  # fmt: skip
