"""Conv, and com.microsoft's FusedConv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import WIDE_FLOATS
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits, same
from onnx_bridge.library.convolving import Convolving
from onnx_bridge.library.window import Window, kernel_sizes, sliding_axes, window
from onnx_bridge.operators.cases import Case, case, weight


@operator("Conv", since=1)
class Conv(Convolving):
    """y[n, o, ...] = sum over c and the window of x[n, c, ...] w[o, c, ...] + b[o], in groups of channels.

    x [N, C, spatial...] with one to three spatial dimensions, w [O, C / group, kernel...], b [O].
    It becomes a Convolution, whose weights are packed, or where they are known only at run time a ConvolutionAny (select/convolution.py).
    """

    takes_epilogue = True
    computes = (WIDE_FLOATS,)

    def types(self, x: Tensor, w: Tensor, b: Tensor | None = None) -> Type:
        if w.rank != x.rank or not 3 <= x.rank <= 5:
            raise ShapeError(f"x and w must have one rank of 3, 4 or 5, got {x.type} and {w.type}")
        o, c = w.shape[0], w.shape[1]
        if self.group < 1 or (isinstance(o, int) and o % self.group):
            raise ShapeError(f"group {self.group} does not divide {o} output channels")
        same(dims.floor_div(o, self.group) * self.group, o)
        same(x.shape[1], c * self.group)
        if b is not None:
            fits(b, (o,), "b")
        axes = self.window().axes[5 - x.rank :]
        if any(isinstance(axis.room, int) and axis.room < 0 < axis.out for axis in axes if isinstance(axis.out, int)):
            raise ShapeError(f"a kernel of {list(w.shape[2:])} does not fit into {x.type} with these pads and dilations")
        return Type(x.dtype, (x.shape[0], o, *(axis.out for axis in axes)))

    def window(self) -> Window:
        """The window over x."""
        kernel = kernel_sizes(self.input(1), self.kernel_shape)
        return window(sliding_axes(self.x.shape[2:], kernel, self.strides, self.dilations, self.pads, self.auto_pad))

    cases: ClassVar[Sequence[Case]] = (
        case(x=("N", 3, 9, 11), w=weight(20, 3, 3, 3), b=weight(20), attributes={"pads": [1, 1, 1, 1]}),
        case(x=("N", 16, 7, 7), w=weight(32, 16, 1, 1)),
        case(x=("N", 33, 10, 12), w=weight(17, 33, 3, 3), b=weight(17), attributes={"strides": [2, 2], "pads": [0, 1, 2, 1]}),
        case(x=(2, 64, 13, 15), w=weight(64, 64, 3, 3), b=weight(64), attributes={"pads": [1, 1, 1, 1]}),
        case(x=("N", 24, 9, 9), w=weight(24, 1, 3, 3), b=weight(24), attributes={"group": 24, "pads": [1, 1, 1, 1]}),
        case(x=(1, 20, 14, 11), w=weight(20, 1, 5, 5), attributes={"group": 20, "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
        case(x=(2, 12, 8, 8), w=weight(18, 4, 3, 3), b=weight(18), attributes={"group": 3, "auto_pad": "SAME_LOWER", "strides": [2, 1]}),
        case(x=(2, 4, 8, 8), w=weight(12, 1, 3, 3), attributes={"group": 4}),
        case(x=("N", 16, 3, 33), w=weight(16, 8, 1, 5), b=weight(16), attributes={"group": 2, "strides": [1, 2], "pads": [0, 2, 0, 2]}),
        case(x=(1, 64, 9, 9), w=weight(64, 4, 3, 3), b=weight(64), attributes={"group": 16, "pads": [1, 1, 1, 1]}),
        case(x=("N", 1, 100), w=weight(32, 1, 16), b=weight(32), attributes={"strides": [4], "pads": [6, 6]}),
        case(x=("N", 18, "T"), w=weight(24, 18, 3), attributes={"dilations": [2], "pads": [4, 0]}),
        case(x=("N", 2, 6, 7, 8), w=weight(8, 2, 3, 3, 3), b=weight(8), attributes={"pads": [1, 1, 1, 1, 1, 1]}),
        case(x=(1, 17, 5, 6, 7), w=weight(5, 17, 2, 1, 3), attributes={"strides": [1, 2, 1]}),
        case(x=(1, 16, 12, 12), w=weight(16, 16, 3, 3), attributes={"dilations": [2, 3], "auto_pad": "VALID"}),
        case(x=("N", 3, 9, "W"), w=(20, 3, 3, 3), b=(20,), attributes={"pads": [1, 1, 1, 1]}),
        case(x=("N", "C", 11), w=("O", "C", 3), attributes={"strides": [2], "pads": [2, 0]}),
        case(x=(2, 12, 8, 8), w=(18, 4, 3, 3), b=(18,), attributes={"group": 3, "auto_pad": "SAME_LOWER", "strides": [2, 1]}),
        case(x=(1, 2, 5, 6, 7), w=(3, 2, 2, 1, 3), b=weight(3), attributes={"strides": [1, 2, 1], "dilations": [2, 1, 1]}),
        case(x=("N", 4, 20, 20), w=weight(6, 4, 3, 3), b=(6,), attributes={"kernel_shape": [3, 3]}),
        case(x=(2, 300, 6), w=(4, 300, 3)),
    )


@operator("FusedConv", domain="com.microsoft")
class FusedConv(Conv):
    """Conv, then + z if there is a fourth input, then an activation; what onnxruntime's offline optimiser writes."""

    activation: str = attribute("")
    activation_params: list[float] | None = attribute(None)

    #: The activations that there are, and which of their attributes `activation_params` holds.
    KNOWN: ClassVar[Mapping[str, Sequence[str]]] = {
        "Relu": (), "Tanh": (), "Sigmoid": (), "LeakyRelu": ("alpha",), "HardSigmoid": ("alpha", "beta"), "Clip": ("min", "max"),
        "HardSwish": (),
    }  # fmt: skip

    def types(self, x: Tensor, w: Tensor, b: Tensor | None = None, z: Tensor | None = None) -> Type:
        if self.activation not in ("", *self.KNOWN):
            raise UnsupportedForm(f"activation {self.activation!r} is not known (known: {', '.join(self.KNOWN)})")
        most = len(self.KNOWN.get(self.activation, ()))
        if len(self.activation_params or ()) > most:
            raise ShapeError(f"activation {self.activation!r} takes {most} activation_params, got {self.activation_params}")
        if len(found := {tensor.dtype for tensor in (x, w, b, z) if tensor is not None}) > 1:  # no schema says so
            raise ShapeError(f"all inputs must be of one type, got {', '.join(sorted(dtype.name for dtype in found))}")
        made = super().types(x, w, b)
        if z is not None:
            fits(z, made.shape, "z")
        return made

    cases = (
        case(x=(2, 5, 8, 8), w=weight(20, 5, 3, 3), b=weight(20), attributes={"activation": "Relu"}),
        case(x=(2, 5, 8, 8), w=weight(20, 5, 3, 3), b=weight(20), attributes={"activation": "LeakyRelu", "activation_params": [0.3]}),
        case(x=(2, 5, 8, 8), w=weight(20, 5, 3, 3), attributes={"activation": "Clip", "activation_params": [0.0, 6.0]}),
        case(x=(2, 5, 8, 8), w=weight(20, 5, 3, 3, low=-0.1, high=0.1), b=weight(20), z=(2, 20, 6, 6), attributes={"activation": "Tanh"}),
        case(x=(2, 5, 8), w=weight(20, 5, 3), b=weight(20), attributes={"activation": "HardSigmoid", "activation_params": [0.3, 0.4]}),
        case(x=(2, 5, 8, 8), w=weight(20, 5, 3, 3), b=weight(20), attributes={"activation": "HardSwish"}),
    )
