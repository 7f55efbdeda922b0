"""LstmKernel: an LSTM with its weights packed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.roperator import Writer
from onnx_bridge.ir.tensor import BLOCK
from onnx_bridge.kernel_operators.recurrent import RecurrentKernel, both
from onnx_bridge.kernels import recurrent as kernels


@dataclass(eq=False, kw_only=True)
class LstmKernel(RecurrentKernel):
    """Long short-term memory, gates i o f c; `peepholes` [D, 3 * H], or packed as its last input."""

    op_type = "LSTM"
    kernel = kernels.LSTM
    gates = 4

    peepholes: np.ndarray | None
    input_forget: bool

    def emit(self, cpp: Writer) -> None:
        initial_h, initial_c, *_, peepholes = self.arguments(9)[2:]
        weights = self.weights(cpp, self.joined_bias())
        default = self.is_default and self.peepholes is None and peepholes is None and not self.input_forget
        options = ["LstmDefaults()"] * 2 if default else self._options(cpp)
        y, y_h, y_c = (self.made(i) for i in range(3))
        cpp.call(
            self.kernel.function, self.sizes(cpp), self.lengths(cpp), self.rows(cpp, self.x, "const float", whole=True), weights,
            self.rows(cpp, initial_h, "const float"), self.rows(cpp, initial_c, "const float"), self.rows(cpp, y, "float", whole=True),
            self.rows(cpp, y_h, "float"), self.rows(cpp, y_c, "float"), *options, self.scratch_pointer(cpp),
        )  # fmt: skip

    def _options(self, cpp: Writer) -> list[str]:
        made = []
        for d, functions in enumerate(self.activations()):
            p = "nullptr"
            packed = self.arguments(9)[8]
            if packed is not None:
                p = cpp.pointer(packed) + (f" + {cpp.size(dims.product(packed.shape[1:]))}" if d else "")
            elif self.peepholes is not None:
                each = self.peepholes[d].reshape(3, -1)
                units = np.pad(each, ((0, 0), (0, -each.shape[1] % BLOCK)))
                p = cpp.weight(f"{self.name or self.op_type}_P{d}", units)
            made.append(f"LstmOptions{{{functions}, {p}, {self.clip_literal()}, {'true' if self.input_forget else 'false'}}}")
        return both(made)
