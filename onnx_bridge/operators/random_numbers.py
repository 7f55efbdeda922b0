"""RandomUniform, RandomNormal, those like another tensor, and Multinomial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from onnx_bridge.ir import dtypes
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import INDICES, WIDE_FLOATS, DType
from onnx_bridge.ir.literals import literal
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.operators.cases import case, data


def seed_of(seed: float | None, bits: int) -> str:
    """A seed as C++, as onnxruntime makes it a number of so many bits.

    Raises:
        UnsupportedForm: there is none, or it is no number.
    """
    if seed is None:
        raise UnsupportedForm("without a seed other numbers are drawn at every call: give the node one, or make the numbers an input")
    if not math.isfinite(seed) or abs(seed) >= 1 << 63:
        raise UnsupportedForm(f"seed {seed} is none")
    return f"std::uint64_t{{{int(seed) % (1 << bits)}u}}"


class RandomNumbers(ROperator):
    """What the four have in common: a seed, and the element type of what they draw."""

    kernels = ("random.hxx",)
    dtype: int | None
    seed: float | None

    def element(self, default: DType) -> DType:
        """The type of y."""
        seed_of(self.seed, 32)
        dtype = default if self.dtype is None else dtypes.BY_ONNX.get(self.dtype)
        if dtype not in WIDE_FLOATS:
            raise UnsupportedForm(f"numbers are drawn as float32 or float64, not {dtypes.name_of(self.dtype or default.onnx)}")
        return dtype

    def reads(self) -> Sequence[int]:
        return ()

    def draw(self, cpp: Writer, function: str, *parameters: float) -> None:
        """Emits the call."""
        dtype = self.y.dtype
        cpp.call(f"{function}<{dtype.storage}>", seed_of(self.seed, 32), self.y.count, *(literal(p, dtype) for p in parameters), self.y)


class OfShape(RandomNumbers):
    """Numbers in a shape that is an attribute."""

    shape: Any

    def types(self) -> Type:
        if any(not isinstance(size, int) or size < 0 for size in self.shape):
            raise ShapeError(f"shape must be sizes, got {self.shape}")
        return Type(self.element(dtypes.float32), tuple(self.shape))


class LikeAnother(RandomNumbers):
    """Numbers in the shape of x, and of its type unless `dtype` says otherwise."""

    def types(self, x: Tensor) -> Type:
        return Type(self.element(x.dtype), x.shape)


@operator("RandomUniform", since=1)
class RandomUniform(OfShape):
    """y[shape] = numbers from `low` to before `high`, drawn from the seed anew at every call: those of the first run of onnxruntime."""

    dtype: int | None = attribute(1)
    high: float = attribute(1.0)
    low: float = attribute(0.0)
    seed: float | None = attribute(None)
    shape: list[int] = attribute()

    def emit(self, cpp: Writer) -> None:
        self.draw(cpp, "random_uniform", self.low, self.high)

    cases = (
        case(attributes={"shape": [3, 5], "seed": 7.0}, opset=21, exact=True),
        case(attributes={"shape": [9], "seed": -3.5, "low": -1.0, "high": 3.0, "dtype": 11}, opset=13, exact=True),
    )


@operator("RandomNormal", since=1)
class RandomNormal(OfShape):
    """y[shape] = numbers of a normal distribution, drawn from the seed anew at every call: those of the first run of onnxruntime."""

    dtype: int | None = attribute(1)
    mean: float = attribute(0.0)
    scale: float = attribute(1.0)
    seed: float | None = attribute(None)
    shape: list[int] = attribute()

    def emit(self, cpp: Writer) -> None:
        self.draw(cpp, "random_normal", self.mean, self.scale)

    cases = (
        case(attributes={"shape": [3, 5], "seed": 7.0}, opset=21),
        case(attributes={"shape": [9], "seed": 2.0, "mean": -1.0, "scale": 3.0, "dtype": 11}, opset=13),
    )


@operator("RandomUniformLike", since=1)
class RandomUniformLike(LikeAnother):
    """As RandomUniform, in the shape of x."""

    dtype: int | None = attribute(None)
    high: float = attribute(1.0)
    low: float = attribute(0.0)
    seed: float | None = attribute(None)

    def emit(self, cpp: Writer) -> None:
        self.draw(cpp, "random_uniform", self.low, self.high)

    cases = (
        case(x=("N", 3), attributes={"seed": 7.0}, opset=21, exact=True),
        case(x=data("N", 3, dtype="int64"), attributes={"seed": 7.0, "dtype": 1, "low": -2.0}, opset=21, exact=True),
    )


@operator("RandomNormalLike", since=1)
class RandomNormalLike(LikeAnother):
    """As RandomNormal, in the shape of x."""

    dtype: int | None = attribute(None)
    mean: float = attribute(0.0)
    scale: float = attribute(1.0)
    seed: float | None = attribute(None)

    def emit(self, cpp: Writer) -> None:
        self.draw(cpp, "random_normal", self.mean, self.scale)

    cases = (
        case(x=("N", 3), attributes={"seed": 7.0}, opset=21),
        case(x=data("N", 3, dtype="float64"), attributes={"seed": 7.0, "mean": 2.0}, opset=21),
    )


@operator("Multinomial", since=7)
class Multinomial(RandomNumbers):
    """y[N, sample_size] = classes drawn by the logarithms of probabilities x[N, C], from the seed anew at every call."""

    computes = (WIDE_FLOATS,)

    dtype: int | None = attribute(6)
    sample_size: int = attribute(1)
    seed: float | None = attribute(None)

    def types(self, x: Tensor) -> Type:
        if x.rank != 2 or self.sample_size < 1:
            raise ShapeError(f"x must be [N, C] and sample_size positive, got {x.type} and {self.sample_size}")
        dtype = dtypes.BY_ONNX.get(self.dtype or 0)
        if dtype not in INDICES:
            raise UnsupportedForm(f"dtype must be int32 or int64, got {dtypes.name_of(self.dtype or 0)}")
        seed_of(self.seed, 32)
        return Type(dtype, (x.shape[0], self.sample_size))

    def reads(self) -> Sequence[int]:
        return (0,)

    def scratch_bytes(self) -> Size:
        return self.x.shape[1] * 8

    def emit(self, cpp: Writer) -> None:
        cpp.call("multinomial", seed_of(self.seed, 32), *self.x.shape, self.sample_size, self.x, cpp.scratch(), self.y)

    cases = (
        case(x=("N", 5), attributes={"seed": 7.0, "sample_size": 6}, opset=21),
        case(x=(3, 5), attributes={"seed": 7.0, "sample_size": 6, "dtype": 7}, opset=7),
    )
