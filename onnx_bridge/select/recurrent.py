"""LSTM, GRU and RNN: kernels that hold their weights as arrays, or read them packed where they are known only at run time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from onnx_bridge.ir.dtypes import float64
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.kernel_operators.gru import GruKernel
from onnx_bridge.kernel_operators.lstm import LstmKernel
from onnx_bridge.kernel_operators.pack_gates import Gates, PackGates
from onnx_bridge.kernel_operators.recurrent import RecurrentKernel
from onnx_bridge.kernel_operators.recurrent_doubles import RecurrentDoubles
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
    In double precision: RecurrentDoubles(x, lengths, h, c, w, r, b, p).
    Where one of w, r, b and p is known only at run time: PackGates of each in front, and the kernel reads what they make.
    """

    name = "recurrent layers"
    of = (LSTM, GRU, RNN)

    def rewrite(self, op: Recurrent) -> Sequence[ROperator]:
        x, w, r, b, lengths, initial_h, initial_c, p = op.arguments(8)
        assert x is not None
        inputs = [x, lengths, initial_h, initial_c]
        if x.dtype is float64:
            return [self.doubles(op).between([*inputs, w, r, b, p], op.outputs)]
        if all(tensor is None or tensor.is_constant for tensor in (w, r, b, p)):
            return [self.kernel(op).between(inputs, op.outputs)]
        return self.at_run_time(op, inputs)

    def at_run_time(self, op: Recurrent, inputs: Sequence[Tensor | None]) -> Sequence[ROperator]:
        """The packing of all weights, and the kernel."""
        _, w, r, b, _, _, _, p = op.arguments(8)
        gates, packs = op.gates, list[ROperator]()

        def packed(tensor: Tensor | None, *groups: Gates) -> Tensor | None:
            if tensor is None:
                return None
            made = PackGates(name=f"{op.name} {tensor.name}", opset=op.opset, groups=groups, units=op.units)
            made.inputs = [tensor]
            made.outputs = [self.model.new_tensor(f"{tensor.name}_packed", made.types(tensor))]
            packs.append(made)
            return made.y

        resets = isinstance(op, GRU)
        if isinstance(op, GRU) and op.linear_before_reset:
            # Rb of the candidate stays within the reset's reach; those of z and r join Wb. The kernel reads it in any case.
            if b is None:
                zeros = np.zeros((op.directions, 6 * int(np.asarray(op.units))), np.float32)
                b = self.model.new_constant(f"{op.name}_zeros", zeros, op.x.dtype)
            biases = [packed(b, Gates(0, 3, sums=2, added=3)), packed(b, Gates(5, 1))]
            resets = False
        else:
            biases = [packed(b, Gates(0, gates, sums=gates, added=gates)), None]
        weights = [packed(w, Gates(0, gates)), packed(r, *([Gates(0, 2), Gates(2, 1)] if resets else [Gates(0, gates)]))]
        peepholes = packed(p, *(Gates(gate, 1) for gate in range(3)))
        return [*packs, self.kernel(op, constant=False).between([*inputs, *weights, *biases, peepholes], op.outputs)]

    @classmethod
    def kernel(cls, op: Recurrent, constant: bool = True) -> RecurrentKernel:
        """The kernel operator, without its inputs and outputs; with the weights if they are constant."""
        _, w, r, b, _, _, _, p = op.arguments(8)
        held = [None if tensor is None or not constant else tensor.constant() for tensor in (w, r, b, p)]
        common = cls.common(op, *held[:3])
        if isinstance(op, LSTM):
            return LstmKernel(**common, peepholes=held[3], input_forget=bool(op.input_forget))
        if isinstance(op, GRU):
            return GruKernel(**common, linear=bool(op.linear_before_reset))
        return RnnKernel(**common)

    @classmethod
    def doubles(cls, op: Recurrent) -> RecurrentDoubles:
        """That in double precision, without its inputs and outputs."""
        variant = bool(getattr(op, "input_forget", 0) or getattr(op, "linear_before_reset", 0))
        return RecurrentDoubles(**cls.common(op), layer=op.op_type, variant=variant)

    @staticmethod
    def common(op: Recurrent, w: np.ndarray | None = None, r: np.ndarray | None = None, b: np.ndarray | None = None) -> dict[str, Any]:
        """What all kernel operators are told."""
        return {
            "name": op.name, "opset": op.opset, "directions": op.directions, "units": op.units, "w": w, "r": r, "b": b,
            "functions": op.functions(), "is_default": op.is_default, "clip": op.clip,
            "reverse": op.direction == "reverse", "batch_first": bool(op.layout),
        }  # fmt: skip
