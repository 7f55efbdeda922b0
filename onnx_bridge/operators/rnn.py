"""RNN."""

from __future__ import annotations

from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.operators.cases import case, given, weight
from onnx_bridge.operators.recurrent import Recurrent, open_, small


@operator("RNN", since=1)
class RNN(Recurrent):
    """h = f(x W + h R + Wb + Rb)."""

    default_activations = ("Tanh",)

    output_sequence: int = attribute(0)

    cases = (
        case(x=("T", "N", 5), w=small(1, 16, 5), r=small(1, 16, 16), attributes={"hidden_size": 16}, outputs=2),
        case(x=("T", "N", 7), w=small(2, 20, 7), r=small(2, 20, 20), b=weight(2, 40), outputs=2,
             attributes={"hidden_size": 20, "direction": "bidirectional", "activations": ["Relu", "Sigmoid"]}),
        case(x=(6, 4, 3), w=small(1, 5, 3), r=small(1, 5, 5), b=weight(1, 10), lengths=given([6, 1, 3, 0], "int32"), h=(1, 4, 5),
             attributes={"hidden_size": 5, "direction": "reverse", "clip": 0.8}, outputs=2),
        case(x=("T", "N", 7), w=open_(2, 20, 7), r=open_(2, 20, 20), b=open_(2, 40), outputs=2,
             attributes={"hidden_size": 20, "direction": "bidirectional"}),
    )  # fmt: skip
