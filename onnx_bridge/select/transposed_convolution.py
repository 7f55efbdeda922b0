"""ConvTranspose: TransposedConvolution, whose weights are packed at conversion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir.dtypes import float64
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.kernel_operators.convolution import TransposedConvolution
from onnx_bridge.kernel_operators.convolution_any import ConvolutionAny
from onnx_bridge.operators.conv_transpose import ConvTranspose
from onnx_bridge.select.rule import Rule


class TransposedConvolutions(Rule[ConvTranspose]):
    """ConvTranspose(x, w, b): TransposedConvolution(x), of one group, where w and b are constants; weights are zero between several.
    Else ConvolutionAny(x, w, b).
    """

    name = "transposed convolutions"
    of = (ConvTranspose,)

    def rewrite(self, op: ConvTranspose) -> Sequence[ROperator]:
        x, w, b = op.arguments(3)
        assert x is not None and w is not None
        if x.dtype is float64 or not w.is_constant or (b is not None and not b.is_constant):
            made_any = ConvolutionAny(name=op.name, opset=op.opset, window=op.window(), group=op.group, transposed=True)
            return [made_any.between([x, w, b], [op.y])]
        weights = w.constant()
        if op.group > 1:
            c, o = weights.shape[:2]
            full = np.zeros((c, o * op.group, *weights.shape[2:]), weights.dtype)
            for g in range(op.group):
                part = slice(g * (c // op.group), (g + 1) * (c // op.group))
                full[part, g * o : (g + 1) * o] = weights[part]
            weights = full
        made = TransposedConvolution(name=op.name, opset=op.opset, window=op.window(), weights=weights)
        made.bias = None if b is None else b.constant()
        made.inputs, made.outputs = [x], [op.y]
        return [made]
