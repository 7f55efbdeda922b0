"""RnnKernel: a plain recurrent layer with its weights packed."""

from __future__ import annotations

from dataclasses import dataclass

from onnx_bridge.ir.roperator import Writer
from onnx_bridge.kernel_operators.recurrent import RecurrentKernel, both
from onnx_bridge.kernels import recurrent as kernels


@dataclass(eq=False, kw_only=True)
class RnnKernel(RecurrentKernel):
    """h = f(x W + h R + Wb + Rb)."""

    op_type = "RNN"
    kernel = kernels.RNN

    def emit(self, cpp: Writer) -> None:
        initial_h = self.arguments(3)[2]
        weights = self.weights(cpp, self.joined_bias())
        options = ["RnnDefaults()"] * 2
        if not self.is_default:
            options = both([f"RnnOptions{{{functions}, {self.clip_literal()}}}" for functions in self.activations()])
        y, y_h = self.made(0), self.made(1)
        cpp.call(
            self.kernel.function, self.sizes(cpp), self.lengths(cpp), self.rows(cpp, self.x, "const float", whole=True), weights,
            self.rows(cpp, initial_h, "const float"), self.rows(cpp, y, "float", whole=True), self.rows(cpp, y_h, "float"), *options,
            self.scratch_pointer(cpp),
        )  # fmt: skip
