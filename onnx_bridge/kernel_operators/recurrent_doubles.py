"""RecurrentDoubles: LSTM, GRU or RNN in double precision, with its weights as ONNX has them."""

from __future__ import annotations

from dataclasses import dataclass

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import Writer
from onnx_bridge.kernel_operators.recurrent import RecurrentKernel, both
from onnx_bridge.kernels.recurrent import GRU_DOUBLES, LSTM_DOUBLES, RNN_DOUBLES
from onnx_bridge.library.kernel import Kernel

_KERNELS = {"LSTM": LSTM_DOUBLES, "GRU": GRU_DOUBLES, "RNN": RNN_DOUBLES}


@dataclass(eq=False, kw_only=True)
class RecurrentDoubles(RecurrentKernel):
    """Inputs x, lengths, initial_h, initial_c as RecurrentKernel has them, then W, R, B and P, constants or not.

    Attributes:
        layer: LSTM, GRU or RNN.
        variant: input_forget of LSTM, linear_before_reset of GRU.
    """

    op_type = "RecurrentDoubles"

    layer: str
    variant: bool

    @property
    def kernel(self) -> Kernel:  # type: ignore[override]
        return _KERNELS[self.layer]

    def scratch_bytes(self) -> Size:
        return self.kernel.scratch_bytes(self.units)

    def emit(self, cpp: Writer) -> None:
        initial_h, initial_c, *weights = self.arguments(8)[2:]
        held = ", ".join("nullptr" if tensor is None else cpp.pointer(tensor) for tensor in weights)
        options = []
        for functions in self.activations():
            count = len(self.functions[0])
            padded = ", ".join([functions, *["RecurrentActivation()"] * (3 - count)])
            options.append(f"RecurrentDoubleOptions{{{padded}, {self.clip_literal()}, {'true' if self.variant else 'false'}}}")
        is_lstm = self.layer == "LSTM"
        states = [initial_h, initial_c] if is_lstm else [initial_h]
        last = [self.made(1), self.made(2)] if is_lstm else [self.made(1)]
        cpp.call(
            self.kernel.function, self.sizes(cpp), self.lengths(cpp), self.rows(cpp, self.x, "const double", whole=True),
            f"RecurrentDoubleWeights{{{held}}}", *(self.rows(cpp, state, "const double") for state in states),
            self.rows(cpp, self.made(0), "double", whole=True), *(self.rows(cpp, state, "double") for state in last), *both(options),
            f"reinterpret_cast<double*>({cpp.scratch()})" if self.scratch_bytes() != 0 else "nullptr",
        )  # fmt: skip
