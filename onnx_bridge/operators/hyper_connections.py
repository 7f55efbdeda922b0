"""HyperConnectionPreMix and HyperConnectionPostMix of com.microsoft: several streams of features, made one and mixed."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, Type, fits
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.cases import case, data
from onnx_bridge.operators.gated_norms import branches_of
from onnx_bridge.operators.matmul import MatMul
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.reduce import ReduceSum


def mix_shape(mix: Tensor, shape: Shape, flat: bool, what: str) -> Shape:
    """The shape, of the rank of [..., C, H], of gates for streams of the shape: one for a stream, or one for each of its features."""
    *front, count, width = shape
    if flat and mix.rank == len(front) + 1 and mix.shape[-1] != count:
        fits(mix, (*front, count * width), what)
        return shape
    if mix.rank == len(front) + 1:
        fits(mix, (*front, count), what)
        return (*front, count, 1)
    fits(mix, (*front, count, 1 if mix.rank and mix.shape[-1] == 1 else width), what)
    return mix.shape


@operator("HyperConnectionPreMix", domain="com.microsoft")
class HyperConnectionPreMix(Composite):
    """y[..., h] = reduction_scale * the sum over c of x[..., c, h] gates[..., c, h]; x may lie flat, [..., C * H] with num_branches."""

    computes = ((float32,),)
    own_inputs = (1,)

    num_branches: int = attribute(0)
    reduction_scale: float = attribute(1.0)

    def types(self, x: Tensor, gates: Tensor) -> Type:
        shape = branches_of(x, self.num_branches)
        mix_shape(gates, shape, bool(self.num_branches), "pre_mix")
        return Type(x.dtype, (*shape[:-2], shape[-1]))

    def parts(self, build: Parts) -> Tensor:
        shape, gates = branches_of(self.x, self.num_branches), self.input(1)
        gates = build.reshape(gates, mix_shape(gates, shape, bool(self.num_branches), "pre_mix"))
        y = build.add(ReduceSum, build.add(TABLE["Mul"], build.reshape(self.x, shape), gates), axes=[-2], keepdims=0)
        return y if self.reduction_scale == 1 else build.add(TABLE["Mul"], y, build.constant("scale", self.reduction_scale, y))

    cases = (
        case(x=("N", 3, 4, 8), gates=("N", 3, 4)),
        case(x=(2, 4, 8), gates=(2, 4, 1), attributes={"reduction_scale": 0.25}),
        case(x=(2, 4, 8), gates=(2, 4, 8)),
        case(x=("N", 24), gates=("N", 24), attributes={"num_branches": 3}),
        case(x=("N", 24), gates=("N", 3), attributes={"num_branches": 3}),
        case(x=data(2, 4, 8, dtype="float16"), gates=data(2, 4), attributes={"reduction_scale": 0.25}),
        case(x=data(2, 4, 8), gates=data(2, 4, dtype="float16")),
    )


@operator("HyperConnectionPostMix", domain="com.microsoft")
class HyperConnectionPostMix(Composite):
    """y[..., k, h] = the sum over c of mix[..., c, k] x[..., c, h], or x[..., k, h], + gates[..., k, h] block[..., h]."""

    computes = ((float32,),)
    own_inputs = (2, 3)

    num_branches: int = attribute(0)

    def types(self, x: Tensor, block: Tensor, gates: Tensor, mix: Tensor | None = None) -> Type:
        shape = branches_of(x, self.num_branches)
        fits(block, (*shape[:-2], shape[-1]), "block_output")
        if gates.rank == len(shape) and shape[-2] == 0:
            raise ShapeError(f"there are no branches in {x.type}")
        mix_shape(gates, shape, False, "post_mix")
        if mix is not None:
            fits(mix, (*shape[:-2], shape[-2], shape[-2]), "stream_mix")
        return x.type

    def parts(self, build: Parts) -> Tensor:
        x, block, gates, mix = self.arguments(4)
        assert x is not None and block is not None and gates is not None
        shape = branches_of(x, self.num_branches)
        streams = build.reshape(x, shape)
        if mix is not None:
            order = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
            streams = build.add(MatMul, build.transpose(mix, order), streams)
        injected = build.reshape(block, [*shape[:-2], 1, shape[-1]])
        injected = build.add(TABLE["Mul"], build.reshape(gates, mix_shape(gates, shape, False, "post_mix")), injected)
        return build.reshape(build.add(TABLE["Add"], streams, injected), x.shape)

    cases = (
        case(x=("N", 3, 4, 8), block=("N", 3, 8), gates=("N", 3, 4)),
        case(x=(2, 4, 8), block=(2, 8), gates=(2, 4, 8), mix=(2, 4, 4)),
        case(x=("N", 24), block=("N", 8), gates=("N", 3, 1), mix=("N", 3, 3), attributes={"num_branches": 3}),
        case(x=data(2, 4, 8, dtype="float16"), block=data(2, 8, dtype="float16"), gates=data(2, 4), mix=data(2, 4, 4)),
    )
