"""Softmax: rows that a kernel runs along, and that attention takes in."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.kernel_operators.softmax import MaskedSoftmaxRows, SoftmaxRows
from onnx_bridge.operators.softmax import MaskedSoftmax, Softmax
from onnx_bridge.select.rule import Rule


class Softmaxes(Rule[Softmax]):
    """
    Softmax(x): SoftmaxRows(x).
    MaskedSoftmax(x): MaskedSoftmaxRows(x).
    """

    name = "softmaxes"
    of = (Softmax,)

    def rewrite(self, op: Softmax) -> Sequence[ROperator]:
        kind = MaskedSoftmaxRows if isinstance(op, MaskedSoftmax) else SoftmaxRows
        return [kind(name=op.name, opset=op.opset, rows=op.rows()).between([op.x], [op.y])]
