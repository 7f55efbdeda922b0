"""com.microsoft.nchwc: what onnxruntime's last level of optimisation makes of convolutions and their neighbours.

There images lie in blocks of channels, and the last block is filled up with zeros. Here they lie as ONNX has them: lowering/blocked.py has
put the weights into its order, and channels that are only there to fill a block go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32, int64
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.library.convolving import Convolving
from onnx_bridge.library.window import sliding_axes, window
from onnx_bridge.operators.cases import Case
from onnx_bridge.operators.conv import FusedConv
from onnx_bridge.operators.identity import Identity
from onnx_bridge.operators.pad import Pad
from onnx_bridge.operators.pool import AveragePool, GlobalAveragePool, GlobalMaxPool, MaxPool
from onnx_bridge.operators.resize import Resize
from onnx_bridge.operators.slice import Slice

#: As large as a block can be.
BLOCK = 16

_DOMAIN = "com.microsoft.nchwc"
_TESTS = "test_nchwc.py"


@dataclass(eq=False, kw_only=True)
class Blocked(Composite):
    """An operator on images [N, C, H, W] whose channels fill blocks."""

    computes = ((float32,),)
    tested_by = _TESTS


def channels_of(x: Tensor, what: str = "x") -> int:
    """The number of channels of an image."""
    if x.rank != 4:
        raise ShapeError(f"{what} must have rank 4, got {x.type}")
    if not isinstance(x.shape[1], int):
        raise UnsupportedForm(f"the number of channels of {what} must be known, got {x.type}")
    return x.shape[1]


def with_channels(build: Parts, x: Tensor, count: int) -> Tensor:
    """An image with so many channels: zeros behind its own, or the first ones alone."""
    have = channels_of(x)
    if have < count:
        return build.add(Pad, x, vector(build, 0, 0, 0, 0, 0, count - have, 0, 0))
    return x if have == count else build.add(Slice, x, vector(build, 0), vector(build, count), vector(build, 1))


def vector(build: Parts, *values: int) -> Tensor:
    """A list of integers."""
    return build.model.new_constant("sizes", np.array(values, np.int64), int64)


@operator("Conv", domain=_DOMAIN)
class BlockedConv(Convolving, Blocked):
    """activation(Conv(x, w, b) + z). Output channels that are 0 for certain, because they fill the last block, are not made."""

    activation: str = attribute("")
    activation_params: list[float] | None = attribute(None)
    whole: int = attribute(0)  # written by lowering/blocked.py: all channels are made

    def types(self, x: Tensor, w: Tensor, b: Tensor | None = None, z: Tensor | None = None) -> Type:
        if w.rank != 4 or (b is not None and b.shape != w.shape[:1]):
            raise ShapeError(f"w must have rank 4, and b a number for each of its rows, got {w.type}")
        if self.kernel_shape and list(self.kernel_shape) != list(w.shape[2:]):
            raise ShapeError(f"kernel_shape {self.kernel_shape} is not that of the weights, {list(w.shape[2:])}")
        weights = self.made(x, w, b, z)[0]
        kernel = [int(size) for size in weights.shape[2:]]
        slides = window(sliding_axes(x.shape[2:], kernel, self.strides, self.dilations, self.pads, self.auto_pad))
        return Type(x.dtype, (x.shape[0], weights.shape[0], *(axis.out for axis in slides.axes[1:])))

    def made(self, x: Tensor, w: Tensor, b: Tensor | None, z: Tensor | None) -> tuple[np.ndarray, np.ndarray | None, int]:
        """Weights and bias without what fills blocks alone, and the number of groups."""
        weights, bias = w.constant(), None if b is None else b.constant()
        have, (out, channels) = channels_of(x), weights.shape[:2]
        if self.group == 1 and not (have == channels or 0 <= channels - have < BLOCK <= 2 * channels):
            raise ShapeError(f"x has {have} channels, the weights are for {channels}")
        if self.group < 1 or out % self.group:
            raise ShapeError(f"group {self.group} does not divide {out} output channels")
        if self.group > 1 and channels > 1:
            return weights, bias, self.group
        keep = max(self.needed(weights, bias), 1 if z is None else channels_of(z, "the image that is added"))
        if keep > out:
            raise ShapeError(f"the image that is added has {keep} channels, the weights make {out}")
        weights, bias = weights[:keep], None if bias is None else bias[:keep]
        return (weights[:, :have], bias, 1) if self.group == 1 else (weights, bias, keep)

    def needed(self, weights: np.ndarray, bias: np.ndarray | None) -> int:
        """How many output channels are not 0 for certain."""
        bounds = self.activation_params or []
        keeps_zeros = self.activation in ("", "Relu", "Tanh", "LeakyRelu", "HardSwish")
        keeps_zeros |= self.activation == "Clip" and bool(bounds) and bounds[0] <= 0 <= bounds[-1]
        if self.whole or not keeps_zeros or self.group not in (1, len(weights)):
            return len(weights)
        used = weights.any(axis=(1, 2, 3)) | (False if bias is None else bias != 0)
        return int(max(np.flatnonzero(used).max(initial=0) + 1, len(weights) - BLOCK + 1))

    def parts(self, build: Parts) -> Tensor:
        x, w, b, z = self.arguments(4)
        assert x is not None and w is not None
        weights, bias, group = self.made(x, w, b, z)
        inputs = [with_channels(build, x, weights.shape[1] * group), build.constant("weights", weights, w)]
        inputs += [build.constant("bias", np.zeros(len(weights)) if bias is None else bias, w)] if bias is not None or z is not None else []
        inputs += [] if z is None else [with_channels(build, z, len(weights))]
        names = ("activation", "activation_params", "auto_pad", "dilations", "kernel_shape", "pads", "strides")
        given = {name: getattr(self, name) for name in names}
        return build.add(FusedConv, *inputs, group=group, **{name: value for name, value in given.items() if value is not None})


@operator("MaxPool", domain=_DOMAIN)
class BlockedMaxPool(MaxPool):
    """MaxPool."""

    cases: ClassVar[Sequence[Case]] = ()
    tested_by = _TESTS


@operator("AveragePool", domain=_DOMAIN)
class BlockedAveragePool(AveragePool):
    """AveragePool."""

    cases: ClassVar[Sequence[Case]] = ()
    tested_by = _TESTS


@operator("GlobalAveragePool", domain=_DOMAIN)
class BlockedGlobalAveragePool(GlobalAveragePool):
    """GlobalAveragePool."""

    cases: ClassVar[Sequence[Case]] = ()
    tested_by = _TESTS


@operator("GlobalMaxPool", domain=_DOMAIN)
class BlockedGlobalMaxPool(GlobalMaxPool):
    """GlobalMaxPool."""

    cases: ClassVar[Sequence[Case]] = ()
    tested_by = _TESTS


@operator("Upsample", domain=_DOMAIN)
class BlockedUpsample(Blocked):
    """Resize by whole numbers."""

    coordinate_transformation_mode: str = attribute("asymmetric")
    mode: str = attribute("nearest")
    scales: list[int] | None = attribute(None)

    def types(self, x: Tensor) -> Type:
        channels_of(x)
        scales = self.factors()
        return Type(x.dtype, (*x.shape[:2], *(size * scale for size, scale in zip(x.shape[2:], scales[2:], strict=True))))

    def factors(self) -> list[int]:
        """By what each axis grows."""
        scales = list(self.scales or [1, 1, 1, 1])
        if len(scales) != 4 or scales[:2] != [1, 1] or min(scales) < 1 or self.mode not in ("nearest", "linear"):
            raise UnsupportedForm(f"scales must be 1, 1 and two numbers, and mode nearest or linear, got {scales}, {self.mode!r}")
        return scales

    def parts(self, build: Parts) -> Tensor:
        scales = build.model.new_constant("scales", np.array(self.factors(), np.float32), float32)
        way = {"coordinate_transformation_mode": self.coordinate_transformation_mode, "mode": self.mode, "nearest_mode": "floor"}
        nothing = build.model.new_constant("roi", np.zeros(0, np.float32), float32)
        return build.add(Resize, self.x, nothing, scales, **way)


@operator("ReorderInput", domain=_DOMAIN)
class ReorderInput(Blocked):
    """An image as its channels lie in blocks."""

    channels_last: int = attribute(0)
    whole: int = attribute(0)  # written by lowering/blocked.py: blocks of so many channels are filled up

    def types(self, x: Tensor) -> Type:
        if x.rank != 4:
            raise ShapeError(f"x must have rank 4, got {x.type}")
        shape = tuple(x.shape[axis] for axis in (0, 3, 1, 2)) if self.channels_last else x.shape
        return Type(x.dtype, (shape[0], self.filled(shape[1]), *shape[2:]))

    def filled(self, channels: Size) -> Size:
        """How many channels there are with those that fill the last block."""
        return dims.ceil_div(channels, self.whole) * self.whole if self.whole > 0 else channels

    def parts(self, build: Parts) -> Tensor:
        y = build.transpose(self.x, [0, 3, 1, 2]) if self.channels_last else build.add(Identity, self.x)
        channels = channels_of(y)
        return with_channels(build, y, channels + -channels % self.whole) if self.whole > 0 else y


@operator("ReorderOutput", domain=_DOMAIN)
class ReorderOutput(Blocked):
    """The first channels of an image in blocks, as ONNX has them, or behind the pixels."""

    channels: int = attribute(0)
    channels_last: int = attribute(0)

    def types(self, x: Tensor) -> Type:
        if not 0 < self.channels < channels_of(x) + BLOCK:
            raise ShapeError(f"channels must be from 1 to as many as the blocks of x have, got {self.channels} of {x.type}")
        shape = (x.shape[0], self.channels, *x.shape[2:])
        return Type(x.dtype, tuple(shape[axis] for axis in (0, 2, 3, 1)) if self.channels_last else shape)

    def parts(self, build: Parts) -> Tensor:
        y = with_channels(build, self.x, self.channels)
        if self.channels_last:
            return build.transpose(y, [0, 2, 3, 1])
        return build.add(Identity, y) if y is self.x else y
