"""LSTM."""

from __future__ import annotations

from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.operators.cases import case, given, weight
from onnx_bridge.operators.recurrent import Recurrent, open_, small


@operator("LSTM", since=1)
class LSTM(Recurrent):
    """Long short-term memory, gates i o f c: c = f * c + i * g, h = o * tanh(c). Peepholes P, clip, input_forget, any activations."""

    gates = 4
    results = 3
    default_activations = ("Sigmoid", "Tanh", "Tanh")

    input_forget: int = attribute(0)
    output_sequence: int = attribute(0)

    cases = (
        case(x=("T", "N", 5), w=small(1, 64, 5), r=small(1, 64, 16), attributes={"hidden_size": 16}, outputs=3),
        case(x=("T", "N", 7), w=small(2, 80, 7), r=small(2, 80, 20), b=weight(2, 160), outputs=3,
             attributes={"hidden_size": 20, "direction": "bidirectional"}),
        case(x=(6, 4, 3), w=small(1, 20, 3), r=small(1, 20, 5), b=weight(1, 40), lengths=given([6, 1, 3, 0], "int32"),
             h=(1, 4, 5), c=(1, 4, 5), p=weight(1, 15), attributes={"hidden_size": 5, "direction": "reverse"}, outputs=3),
        case(x=(5, 2, 3), w=small(1, 20, 3), r=small(1, 20, 5), outputs=3,
             attributes={"hidden_size": 5, "activations": ["HardSigmoid", "Softsign", "Relu"], "clip": 0.5}),
        case(x=("T", "N", 7), w=open_(2, 80, 7), r=open_(2, 80, 20), b=open_(2, 160), outputs=3,
             attributes={"hidden_size": 20, "direction": "bidirectional"}),
        case(x=(6, 4, 3), w=small(2, 20, 3), r=open_(2, 20, 5), b=None, lengths=given([6, 1, 3, 0], "int32"),
             h=(2, 4, 5), c=(2, 4, 5), p=open_(2, 15), attributes={"hidden_size": 5, "direction": "bidirectional"}, outputs=3),
    )  # fmt: skip
