"""GruKernel: a GRU with its weights packed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onnx_bridge.ir.roperator import Writer
from onnx_bridge.kernel_operators.recurrent import RecurrentKernel, both
from onnx_bridge.kernels import recurrent as kernels


@dataclass(eq=False, kw_only=True)
class GruKernel(RecurrentKernel):
    """Gated recurrent unit, gates z r h; `linear`: the reset comes behind the product."""

    op_type = "GRU"
    kernel = kernels.GRU
    gates = 3

    linear: bool

    def emit(self, cpp: Writer) -> None:
        initial_h = self.arguments(3)[2]
        options = ["GruDefaults()"] * 2
        if not self.is_default:
            options = both([f"GruOptions{{{functions}, {self.clip_literal()}}}" for functions in self.activations()])
        y, y_h = self.made(0), self.made(1)
        cell = "GruLinearCell" if self.linear else "GruResetCell"
        cpp.call(
            f"{self.kernel.function}<{cell}>", self.sizes(cpp), self.lengths(cpp),
            self.rows(cpp, self.x, "const float", whole=True), self._weights(cpp), self.rows(cpp, initial_h, "const float"),
            self.rows(cpp, y, "float", whole=True), self.rows(cpp, y_h, "float"), *options, self.scratch_pointer(cpp),
        )  # fmt: skip

    def _weights(self, cpp: Writer) -> str:
        if self.r is None:
            return self.weights(cpp, None)
        h = self.r.shape[2]
        if self.linear:
            biases = self.biases()
            wb, rb = biases if biases is not None else (np.zeros((self.directions, 3 * h), np.float32),) * 2
            # Rb of the candidate stays within the reset's reach; those of z and r join Wb.
            with np.errstate(all="ignore"):  # weights may be infinite
                joined = wb + np.concatenate([rb[:, : 2 * h], np.zeros_like(rb[:, 2 * h :])], axis=1)
            return self.weights(cpp, joined, rb[:, 2 * h :])
        return self.weights(cpp, self.joined_bias(), None, kernels.pack_reset(self.r.reshape(self.directions, 3, h, h)))
