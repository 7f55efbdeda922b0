"""CausalConvWithState of com.microsoft; that of ONNX is taken apart by ONNX's own function."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.attention import sizes
from onnx_bridge.operators.cases import case, weight
from onnx_bridge.operators.concat import Concat
from onnx_bridge.operators.conv import Conv
from onnx_bridge.operators.expand import Expand
from onnx_bridge.operators.heads import cut
from onnx_bridge.operators.pointwise import TABLE


@operator("CausalConvWithState", domain="com.microsoft")
class CausalConvWithState(Composite):
    """y = activation(w * x + b), each channel by itself, of what was before and x; the second output is what the next call has before.

    x [N, C, T], w [C, 1, K], b [C], the past [N, C, (K - 1) * dilation] or none: 0.
    With channels_last x is [N, T, channels...], as is the past.
    """

    computes = ((float32,),)

    activation: str = attribute("none")
    channels_last: int = attribute(0)
    dilation: int = attribute(1)
    ndim: int = attribute(1)
    state_window: int = attribute(0)

    def types(self, x: Tensor, w: Tensor, b: Tensor | None = None, past: Tensor | None = None) -> Sequence[Type]:
        if self.ndim != 1 or self.state_window:
            raise UnsupportedForm("ndim other than 1 and state_window are not supported: onnxruntime has them for GPUs alone")
        if self.activation not in ("none", "silu", "swish"):
            raise ShapeError(f"activation must be none, silu or swish, got {self.activation!r}")
        if self.dilation < 1 or w.rank != 3 or (x.rank < 3 if self.channels_last else x.rank != 3):
            raise ShapeError(f"x and w must have rank 3, x more with channels_last, and dilation be positive, got {x.type}, {w.type}")
        if not isinstance(w.shape[2], int) or w.shape[2] < 1:
            raise UnsupportedForm(f"the size of the kernel must be known, got {w.type}")
        channels = self.channels(x)
        fits(w, (channels, 1, w.shape[2]), "weight")
        if b is not None:
            fits(b, (channels,), "bias")
        before = (w.shape[2] - 1) * self.dilation
        state = (x.shape[0], before, *x.shape[2:]) if self.channels_last else (x.shape[0], channels, before)
        if past is not None:
            fits(past, state, "past_state")
        return [x.type, Type(x.dtype, state)]

    def channels(self, x: Tensor) -> Size:
        """Their number."""
        return dims.product(x.shape[2:]) if self.channels_last else x.shape[1]

    def parts(self, build: Parts) -> Sequence[Tensor | None]:
        x, w, b, past = self.arguments(4)
        assert x is not None and w is not None
        kernel = w.shape[2]
        assert isinstance(kernel, int)
        before, channels = (kernel - 1) * self.dilation, self.channels(x)

        def planar(tensor: Tensor) -> Tensor:
            if not self.channels_last:
                return tensor
            return build.transpose(build.reshape(tensor, [*tensor.shape[:2], channels]), [0, 2, 1])

        def back(tensor: Tensor) -> Tensor:
            if not self.channels_last:
                return tensor
            turned = build.transpose(tensor, [0, 2, 1])
            return build.reshape(turned, [*turned.shape[:2], *x.shape[2:]])

        if past is None:
            front = build.add(Expand, build.constant("nothing", 0.0, x), sizes(build, x.shape[0], channels, before))
        else:
            front = planar(past)
        every = planar(x) if before == 0 else build.add(Concat, front, planar(x), axis=2)
        given = [every, w] if b is None else [every, w, b]
        y = build.add(Conv, *given, group=channels, dilations=[self.dilation], kernel_shape=[kernel])
        if self.activation != "none":
            y = build.add(TABLE["Mul"], y, build.add(TABLE["Sigmoid"], y))
        if not self.wants(1):
            return [back(y)]
        length = every.shape[2]
        return [back(y), back(cut(build, every, length - before, length, 2))]

    cases = (
        case(x=("N", 6, "T"), w=weight(6, 1, 4), b=weight(6), past=("N", 6, 3), attributes={"activation": "silu"}, outputs=2),
        case(x=(2, 6, 5), w=weight(6, 1, 3), attributes={"dilation": 2}, outputs=2),
        case(x=(2, 6, 1), w=weight(6, 1, 4), b=None, past=(2, 6, 3), outputs=2),
        case(x=(2, 6, 5), w=(6, 1, 3), b=(6,), attributes={"activation": "swish"}, outputs=2),
        case(x=("N", 5, 2, 3), w=weight(6, 1, 3), b=weight(6), past=("N", 4, 2, 3),
             attributes={"channels_last": 1, "dilation": 2}, outputs=2),
        case(x=(2, 5, 3), w=weight(3, 1, 1), attributes={"channels_last": 1}, outputs=2),
    )  # fmt: skip
