"""LSTM."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.roperator import Writer, attribute, operator
from onnx_bridge.ir.tensor import BLOCK
from onnx_bridge.operators.cases import case, given, weight
from onnx_bridge.operators.recurrent import Recurrent, small


@operator("LSTM", since=1)
class LSTM(Recurrent):
    """Long short-term memory, gates i o f c: c = f * c + i * g, h = o * tanh(c). Peepholes P, clip, input_forget, any activations."""

    kernels = ("lstm.hxx",)
    gates = 4
    scratch_rows = 7
    results = 3
    default_activations = ("Sigmoid", "Tanh", "Tanh")

    input_forget: int = attribute(0)
    output_sequence: int = attribute(0)

    def emit(self, cpp: Writer) -> None:
        _, _, _, _, _, initial_h, initial_c, peepholes = self.arguments(8)
        weights = self.weights(cpp, self.joined_bias())
        default = self.is_default and peepholes is None and not self.input_forget
        options = ["LstmDefaults()"] * 2 if default else self._options(cpp, None if peepholes is None else peepholes.constant())
        y, y_h, y_c = (self.optional_output(i) for i in range(3))
        cpp.call(
            "lstm", self.cpp_sizes(cpp), self.lengths(cpp), self.rows(cpp, self.x, "const float", whole=True), weights,
            self.rows(cpp, initial_h, "const float"), self.rows(cpp, initial_c, "const float"), self.rows(cpp, y, "float", whole=True),
            self.rows(cpp, y_h, "float"), self.rows(cpp, y_c, "float"), *options, self.scratch_pointer(cpp),
        )  # fmt: skip

    def _options(self, cpp: Writer, peepholes: np.ndarray | None) -> list[str]:
        made = []
        for d, functions in enumerate(self.functions()):
            p = "nullptr"
            if peepholes is not None:
                units = np.pad(peepholes[d].reshape(3, -1), ((0, 0), (0, -self.units % BLOCK)))
                p = cpp.weight(f"{self.name or self.op_type}_P{d}", units)
            made.append(f"LstmOptions{{{', '.join(functions)}, {p}, {self.clip_literal()}, {'true' if self.input_forget else 'false'}}}")
        return made * 2 if len(made) == 1 else made

    cases = (
        case(x=("T", "N", 5), w=small(1, 64, 5), r=small(1, 64, 16), attributes={"hidden_size": 16}, outputs=3),
        case(x=("T", "N", 7), w=small(2, 80, 7), r=small(2, 80, 20), b=weight(2, 160), outputs=3,
             attributes={"hidden_size": 20, "direction": "bidirectional"}),
        case(x=(6, 4, 3), w=small(1, 20, 3), r=small(1, 20, 5), b=weight(1, 40), lengths=given([6, 1, 3, 0], "int32"),
             h=(1, 4, 5), c=(1, 4, 5), p=weight(1, 15), attributes={"hidden_size": 5, "direction": "reverse"}, outputs=3),
        case(x=(5, 2, 3), w=small(1, 20, 3), r=small(1, 20, 5), outputs=3,
             attributes={"hidden_size": 5, "activations": ["HardSigmoid", "Softsign", "Relu"], "clip": 0.5}),
    )  # fmt: skip
