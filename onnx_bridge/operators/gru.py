"""GRU."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.roperator import Writer, attribute, operator
from onnx_bridge.operators.cases import case, given, weight
from onnx_bridge.operators.recurrent import Recurrent, pack_gates, small


@operator("GRU", since=3)
class GRU(Recurrent):
    """Gated recurrent unit, gates z r h: h = (1 - z) * n + z * h; linear_before_reset says on which side of the product r stands."""

    kernels = ("gru.hxx",)
    gates = 3
    scratch_rows = 6
    default_activations = ("Sigmoid", "Tanh")

    linear_before_reset: int = attribute(0)
    output_sequence: int = attribute(0)

    def emit(self, cpp: Writer) -> None:
        initial_h = self.arguments(6)[5]
        linear = bool(self.linear_before_reset)
        options = ["GruDefaults()"] * 2
        if not self.is_default:
            options = [f"GruOptions{{{', '.join(functions)}, {self.clip_literal()}}}" for functions in self.functions()]
            options = options * 2 if len(options) == 1 else options
        y, y_h = self.optional_output(0), self.optional_output(1)
        cpp.call(
            "gru", f"Const<{int(linear)}>()", self.cpp_sizes(cpp), self.lengths(cpp), self.rows(cpp, self.x, "const float", whole=True),
            self._weights(cpp, linear), self.rows(cpp, initial_h, "const float"), self.rows(cpp, y, "float", whole=True),
            self.rows(cpp, y_h, "float"), *options, self.scratch_pointer(cpp),
        )  # fmt: skip

    def _weights(self, cpp: Writer, linear: bool) -> str:
        h = self.units
        r = self.input(2).constant()
        if linear:
            biases = self.bias()
            wb, rb = biases if biases is not None else (np.zeros((self.directions, 3 * h), np.float32),) * 2
            # Rb of the candidate stays within the reset's reach; those of z and r join Wb.
            with np.errstate(all="ignore"):  # weights may be infinite
                joined = wb + np.concatenate([rb[:, : 2 * h], np.zeros_like(rb[:, 2 * h :])], axis=1)
            return self.weights(cpp, joined, rb[:, 2 * h :])
        kernel = np.stack([self._reset_panels(part) for part in r])
        return self.weights(cpp, self.joined_bias(), None, kernel)

    def _reset_panels(self, r: np.ndarray) -> np.ndarray:
        """R of one direction where the reset comes before the product: z and r interleaved, the candidate behind them."""
        h = self.units
        gates = pack_gates(r[None, : 2 * h], 2)[0]
        candidate = pack_gates(r[None, 2 * h :], 1)[0]
        return np.concatenate([gates, candidate])

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
    )  # fmt: skip
