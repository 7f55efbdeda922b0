"""RNN."""

from __future__ import annotations

from onnx_bridge.ir.roperator import Writer, attribute, operator
from onnx_bridge.operators.cases import case, given, weight
from onnx_bridge.operators.recurrent import Recurrent, small


@operator("RNN", since=1)
class RNN(Recurrent):
    """h = f(x W + h R + Wb + Rb)."""

    kernels = ("rnn.hxx",)
    default_activations = ("Tanh",)

    output_sequence: int = attribute(0)

    def emit(self, cpp: Writer) -> None:
        initial_h = self.arguments(6)[5]
        weights = self.weights(cpp, self.joined_bias())
        options = ["RnnDefaults()"] * 2
        if not self.is_default:
            options = [f"RnnOptions{{{', '.join(functions)}, {self.clip_literal()}}}" for functions in self.functions()]
            options = options * 2 if len(options) == 1 else options
        y, y_h = self.optional_output(0), self.optional_output(1)
        cpp.call(
            "rnn", self.cpp_sizes(cpp), self.lengths(cpp), self.rows(cpp, self.x, "const float", whole=True), weights,
            self.rows(cpp, initial_h, "const float"), self.rows(cpp, y, "float", whole=True), self.rows(cpp, y_h, "float"), *options,
            self.scratch_pointer(cpp),
        )  # fmt: skip

    cases = (
        case(x=("T", "N", 5), w=small(1, 16, 5), r=small(1, 16, 16), attributes={"hidden_size": 16}, outputs=2),
        case(x=("T", "N", 7), w=small(2, 20, 7), r=small(2, 20, 20), b=weight(2, 40), outputs=2,
             attributes={"hidden_size": 20, "direction": "bidirectional", "activations": ["Relu", "Sigmoid"]}),
        case(x=(6, 4, 3), w=small(1, 5, 3), r=small(1, 5, 5), b=weight(1, 10), lengths=given([6, 1, 3, 0], "int32"), h=(1, 4, 5),
             attributes={"hidden_size": 5, "direction": "reverse", "clip": 0.8}, outputs=2),
    )  # fmt: skip
