"""GroupNormalization and InstanceNormalization: groups of channels of an image, each normalised by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS, float64
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.kernels.rows import GROUP_NORM
from onnx_bridge.library.kernel import for_type
from onnx_bridge.operators.cases import case, data, weight


@dataclass(eq=False, kw_only=True)
class ChannelNormalization(ROperator):
    """y = (x - mean) / sqrt(variance + epsilon) * scale + bias, over the channels of a group and all of space, for each image."""

    in_place = (0,)
    computes = (WIDE_FLOATS,)

    epsilon: float = attribute(1e-5)

    def checked(self, x: Tensor, scale: Tensor, bias: Tensor, count: Size) -> Type:
        """The output's type, after a look at everything; scale and bias have `count` numbers."""
        if x.rank < 2:
            raise ShapeError(f"x must be [N, C, ...], got {x.type}")
        for tensor in (scale, bias):
            if tensor.rank != 1 or tensor.dtype is not x.dtype:
                raise ShapeError(f"scale and bias must be [{count}] of {x.dtype}, got {tensor.type}")
            same(tensor.shape[0], count)
        return x.type

    def kernel_files(self) -> Sequence[str]:
        return [for_type(self.x.dtype, GROUP_NORM).header]

    def normalize(self, cpp: Writer, groups: Size, channels: Size, spatial: Size) -> None:
        """The call; scale and bias have a number for each of `groups` times `channels`."""
        epsilon = repr(self.epsilon) if self.x.dtype is float64 else self.epsilon
        function = for_type(self.x.dtype, GROUP_NORM).function
        cpp.call(function, self.x.shape[0], groups, channels, spatial, self.x, self.input(1), self.input(2), self.y, epsilon)


@operator("InstanceNormalization", since=1)
class InstanceNormalization(ChannelNormalization):
    """Every channel of every image is normalised by itself."""

    consumed_inputs: Any = attribute(None)

    def types(self, x: Tensor, scale: Tensor, bias: Tensor) -> Type:
        return self.checked(x, scale, bias, x.shape[1] if x.rank >= 2 else 0)

    def emit(self, cpp: Writer) -> None:
        self.normalize(cpp, self.x.shape[1], 1, dims.product(self.x.shape[2:]))

    cases = (
        case(x=("N", 3, 5, 7), scale=weight(3), bias=weight(3)),
        case(x=(2, 16, "W"), scale=weight(16), bias=weight(16), attributes={"epsilon": 0.01}),
        case(x=(2, 3, 20, 30), scale=(3,), bias=(3,)),
        case(x=(1, 2, 3, 4, 5), scale=weight(2), bias=weight(2), opset=6),
    )


@operator("GroupNormalization", since=18)
class GroupNormalization(ChannelNormalization):
    """Channels in `num_groups` groups; scale and bias have a number for each channel, before opset 21 for each group."""

    num_groups: int = attribute()
    stash_type: int = attribute(1)

    def types(self, x: Tensor, scale: Tensor, bias: Tensor) -> Type:
        channels = x.shape[1] if x.rank >= 2 else 0
        if self.num_groups < 1 or (isinstance(channels, int) and channels % self.num_groups):
            raise ShapeError(f"{channels} channels cannot be parted into {self.num_groups} groups")
        same(self.num_groups * dims.floor_div(channels, self.num_groups), channels)
        return self.checked(x, scale, bias, self.num_groups if self.opset < 21 else channels)

    def emit(self, cpp: Writer) -> None:
        channels, spatial = dims.floor_div(self.x.shape[1], self.num_groups), dims.product(self.x.shape[2:])
        if self.opset < 21:
            # One scale a group: to the kernel the group is one large channel.
            channels, spatial = 1, channels * spatial
        self.normalize(cpp, self.num_groups, channels, spatial)

    cases = (
        case(x=("N", 6, 5, 7), scale=weight(6), bias=weight(6), attributes={"num_groups": 3}, opset=21),
        case(x=(2, 4, "W"), scale=weight(4), bias=weight(4), attributes={"num_groups": 1, "epsilon": 0.1}, opset=21),
        case(x=(2, 4, 9), scale=weight(4), bias=weight(4), attributes={"num_groups": 4}, opset=21),
        case(x=("N", 6, 5, 7), scale=weight(3), bias=weight(3), attributes={"num_groups": 3}, opset=18),
        case(
            x=data(2, 4, 9, dtype="float64"),
            scale=weight(4, dtype="float64"),
            bias=weight(4, dtype="float64"),
            attributes={"num_groups": 2},
            opset=21,
        ),
    )
