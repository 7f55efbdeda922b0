"""LSTM, GRU and RNN: kernels that hold their weights as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.kernel_operators.gru import GruKernel
from onnx_bridge.kernel_operators.lstm import LstmKernel
from onnx_bridge.kernel_operators.recurrent import RecurrentKernel
from onnx_bridge.kernel_operators.rnn import RnnKernel
from onnx_bridge.operators.gru import GRU
from onnx_bridge.operators.lstm import LSTM
from onnx_bridge.operators.recurrent import Recurrent
from onnx_bridge.operators.rnn import RNN
from onnx_bridge.select.rule import Rule


class RecurrentLayers(Rule[Recurrent]):
    """
    LSTM(x, w, r, b, lengths, h, c, p): LstmKernel(x, lengths, h, c).
    GRU(x, w, r, b, lengths, h): GruKernel(x, lengths, h).
    RNN(x, w, r, b, lengths, h): RnnKernel(x, lengths, h).
    """

    name = "recurrent layers"
    of = (LSTM, GRU, RNN)

    def rewrite(self, op: Recurrent) -> Sequence[ROperator]:
        x, _, _, _, lengths, initial_h, initial_c, p = op.arguments(8)
        return [self.kernel(op, p).between([x, lengths, initial_h, initial_c], op.outputs)]

    @staticmethod
    def kernel(op: Recurrent, p: Tensor | None) -> RecurrentKernel:
        """The kernel operator, without its inputs and outputs."""
        b = op.arguments(4)[3]
        common: dict[str, Any] = {
            "name": op.name, "opset": op.opset, "w": op.input(1).constant(), "r": op.input(2).constant(),
            "b": constant(b), "functions": op.functions(), "is_default": op.is_default, "clip": op.clip,
            "reverse": op.direction == "reverse", "batch_first": bool(op.layout),
        }  # fmt: skip
        if isinstance(op, LSTM):
            return LstmKernel(**common, peepholes=constant(p), input_forget=bool(op.input_forget))
        if isinstance(op, GRU):
            return GruKernel(**common, linear=bool(op.linear_before_reset))
        return RnnKernel(**common)


def constant(tensor: Tensor | None) -> np.ndarray | None:
    """The value of a constant that may be absent."""
    return None if tensor is None else tensor.constant()
