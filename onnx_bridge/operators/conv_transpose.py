"""ConvTranspose."""

from __future__ import annotations

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits, same
from onnx_bridge.library.convolving import Convolving
from onnx_bridge.library.window import Axis, Window, kernel_sizes, spread, window
from onnx_bridge.operators.cases import case, weight


@operator("ConvTranspose", since=1)
class ConvTranspose(Convolving):
    """The transposed convolution: every input spreads its window over the output. w [C, O / group, kernel...], b [O].

    It becomes a TransposedConvolution, whose weights are packed, or where they are known only at run time a ConvolutionAny
    (select/transposed_convolution.py).
    """

    takes_epilogue = True
    computes = (WIDE_FLOATS,)

    output_padding: list[int] | None = attribute(None)
    output_shape: list[int] | None = attribute(None)

    def types(self, x: Tensor, w: Tensor, b: Tensor | None = None) -> Type:
        if w.rank != x.rank or not 3 <= x.rank <= 5:
            raise ShapeError(f"x and w must have one rank of 3, 4 or 5, got {x.type} and {w.type}")
        same(x.shape[1], w.shape[0])
        if self.group < 1 or (isinstance(w.shape[0], int) and w.shape[0] % self.group):
            raise ShapeError(f"group {self.group} does not divide {w.shape[0]} input channels")
        same(dims.floor_div(w.shape[0], self.group) * self.group, w.shape[0])
        if b is not None:
            fits(b, (w.shape[1] * self.group,), "b")
        return Type(x.dtype, (x.shape[0], w.shape[1] * self.group, *(axis.out for axis in self.window().axes[5 - x.rank :])))

    def window(self) -> Window:
        """The window: output o receives input i by tap k where o = i * stride - pad + k * dilation."""
        spatial = self.x.shape[2:]
        rank = len(spatial)
        kernel = kernel_sizes(self.input(1), self.kernel_shape)
        strides, dilations = spread(self.strides, rank, 1, "strides"), spread(self.dilations, rank, 1, "dilations")
        extra = spread(self.output_padding, rank, 0, "output_padding")
        pads = list(self.pads) if self.pads else [0] * (2 * rank)
        if len(pads) != 2 * rank or (self.output_shape and len(self.output_shape) < rank):
            raise ShapeError(f"pads must have {2 * rank} values and output_shape {rank}, got {pads} and {self.output_shape}")
        axes = []
        for i, size in enumerate(spatial):
            reach = (kernel[i] - 1) * dilations[i] + 1
            full: Size = strides[i] * (size - 1) + extra[i] + reach
            before: Size = pads[i]
            if self.output_shape:
                out: Size = self.output_shape[-rank:][i]
                total = full - out
                before = self._before(total)
            elif self.auto_pad in ("SAME_UPPER", "SAME_LOWER"):
                out = size * strides[i]
                before = self._before(dims.maximum(full - out, 0))
            elif self.auto_pad == "VALID":
                out, before = full, 0
            else:
                out = full - pads[i] - pads[rank + i]
            axes.append(Axis(size, out, kernel[i], strides[i], dilations[i], before))
        return window(axes)

    def _before(self, total: Size) -> Size:
        if not isinstance(total, int):
            raise UnsupportedForm(f"padding that depends on an open size is not supported, got {total}")
        half = dims.floor_div(total, 2)
        return half if self.auto_pad == "SAME_UPPER" else total - half

    cases = (
        case(x=("N", 5, 6, 7), w=weight(5, 20, 3, 3), b=weight(20), attributes={"strides": [2, 2], "pads": [1, 1, 1, 1]}),
        case(x=(2, 18, 5, 5), w=weight(18, 7, 2, 2), attributes={"strides": [2, 2]}),
        case(x=(1, 3, 4, 4), w=weight(3, 4, 4, 3), attributes={"strides": [2, 3], "output_padding": [1, 2], "pads": [0, 1, 1, 0]}),
        case(x=("N", 4, "T"), w=weight(4, 6, 4), b=weight(6), attributes={"strides": [3], "pads": [1, 1]}),
        case(x=(1, 2, 3, 4, 3), w=weight(2, 3, 3, 2, 3), attributes={"strides": [2, 1, 2]}),
        case(x=(1, 6, 5, 5), w=weight(6, 2, 3, 3), b=weight(4), attributes={"group": 2, "strides": [2, 2]}),
        case(x=(1, 3, 5, 5), w=weight(3, 2, 3, 3), attributes={"dilations": [2, 2], "output_shape": [9, 9], "strides": [1, 1]}),
        case(x=(1, 3, 5, 5), w=weight(3, 2, 3, 3), attributes={"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        case(x=("N", 5, 6, "W"), w=(5, 20, 3, 3), b=(20,), attributes={"strides": [2, 2], "pads": [1, 1, 1, 1]}),
        case(x=(2, "C", 5), w=("C", "O", 4), attributes={"strides": [3], "pads": [1, 1]}),
        case(x=(1, 2, 3, 4, 3), w=(2, 3, 3, 2, 3), b=weight(3), attributes={"strides": [2, 1, 2]}),
        case(x=(1, 6, 5, 5), w=(6, 2, 3, 3), b=(4,), attributes={"group": 2, "strides": [2, 2]}),
        case(x=(1, 3, 5, 5), w=(3, 2, 3, 3), attributes={"dilations": [2, 2], "output_shape": [9, 9], "strides": [1, 1]}),
    )
