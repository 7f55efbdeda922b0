"""GRU."""

from __future__ import annotations

from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.operators.cases import case, given, weight
from onnx_bridge.operators.recurrent import Recurrent, open_, small


@operator("GRU", since=3)
class GRU(Recurrent):
    """Gated recurrent unit, gates z r h: h = (1 - z) * n + z * h; linear_before_reset says on which side of the product r stands."""

    gates = 3
    default_activations = ("Sigmoid", "Tanh")

    linear_before_reset: int = attribute(0)
    output_sequence: int = attribute(0)

    cases = (
        case(x=("T", "N", 5), w=small(1, 48, 5), r=small(1, 48, 16), attributes={"hidden_size": 16, "linear_before_reset": 1}, outputs=2),
        case(x=("T", "N", 5), w=small(1, 48, 5), r=small(1, 48, 16), b=weight(1, 96), attributes={"hidden_size": 16}, outputs=2),
        case(x=("T", "N", 7), w=small(2, 60, 7), r=small(2, 60, 20), b=weight(2, 120), outputs=2,
             attributes={"hidden_size": 20, "direction": "bidirectional", "linear_before_reset": 1}),
        case(x=(6, 4, 3), w=small(1, 15, 3), r=small(1, 15, 5), b=weight(1, 30), lengths=given([6, 1, 3, 0], "int32"), h=(1, 4, 5),
             attributes={"hidden_size": 5, "direction": "reverse"}, outputs=2),
        case(x=(5, 2, 3), w=small(2, 15, 3), r=small(2, 15, 5), outputs=2,
             attributes={"hidden_size": 5, "direction": "bidirectional", "activations": ["HardSigmoid", "Relu", "Sigmoid", "Elu"],
                         "activation_alpha": [0.3, 0.7], "clip": 1.5}),
        case(x=("T", 3, 7), w=open_(2, 60, 7), r=open_(2, 60, 20), b=open_(2, 120), outputs=2,
             attributes={"hidden_size": 20, "direction": "bidirectional", "linear_before_reset": 1}),
        case(x=("T", 3, 5), w=open_(1, 15, 5), r=small(1, 15, 5), outputs=2, attributes={"hidden_size": 5, "linear_before_reset": 1}),
        case(x=(4, 3, 7), w=open_(2, 60, 7), r=open_(2, 60, 20), b=open_(2, 120), lengths=given([3, 0, 4], "int32"), outputs=2,
             attributes={"hidden_size": 20, "direction": "bidirectional"}),
    )  # fmt: skip
