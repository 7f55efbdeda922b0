"""Layer: what kernels with constant weights have in common: arrays that are packed when they are emitted, and may change until then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from onnx_bridge.library.epilogue import Fusable


@dataclass(eq=False, kw_only=True)
class Layer(Fusable):
    """A product or convolution with `weights`, then + `bias` [channels], if there is one, then the epilogue."""

    #: The axis of the channels in the output, and in the weights.
    channel_axis: ClassVar[int]
    weights_axis: ClassVar[int]

    weights: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    bias: np.ndarray | None = None

    @property
    def channels(self) -> int:
        """How many channels the weights make."""
        return int(self.weights.shape[self.weights_axis])

    def rescale(self, factor: np.ndarray, offset: np.ndarray) -> None:
        """Changes weights and bias so that the output becomes output * factor + offset.

        Args:
            factor: in double, one number a channel, or one for all.
            offset: the same; what comes of both is rounded once.
        """
        axis, kind = self.weights_axis, self.weights.dtype
        shape: Sequence[int] = [-1 if index == axis else 1 for index in range(self.weights.ndim)]
        bias = np.zeros(self.channels) if self.bias is None else self.bias.astype(np.float64)
        self.weights = (self.weights * factor.reshape(shape)).astype(kind)
        self.bias = np.broadcast_to(bias * factor + offset, self.channels).astype(kind)
