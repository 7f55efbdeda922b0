"""What LSTM, GRU and RNN share: attributes, shapes, and the packing of weights for kernels/recurrent.hxx."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32, int32
from onnx_bridge.ir.literals import literal
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute
from onnx_bridge.ir.tensor import BLOCK, ShapeError, Tensor, Type, fits, same
from onnx_bridge.library.loops import contiguous_strides
from onnx_bridge.library.view import View
from onnx_bridge.library.view import whole as view_of
from onnx_bridge.operators.cases import Data, weight

#: ONNX name -> enumerator of recurrent_activation.hxx, default alpha, default beta (onnxruntime's where ONNX names none).
ACTIVATIONS: dict[str, tuple[str, float, float]] = {
    "relu": ("relu", 0.0, 0.0), "tanh": ("tanh", 0.0, 0.0), "sigmoid": ("sigmoid", 0.0, 0.0), "affine": ("affine", 0.0, 0.0),
    "leakyrelu": ("leaky_relu", 0.01, 0.0), "thresholdedrelu": ("thresholded_relu", 0.0, 0.0), "scaledtanh": ("scaled_tanh", 0.0, 0.0),
    "hardsigmoid": ("hard_sigmoid", 0.2, 0.5), "elu": ("elu", 1.0, 0.0), "softsign": ("softsign", 0.0, 0.0),
    "softplus": ("softplus", 0.0, 0.0),
}  # fmt: skip

#: Activations that take an alpha, and those that take a beta, in the order in which the attributes' lists are consumed.
_WITH_ALPHA = {"affine", "leakyrelu", "thresholdedrelu", "scaledtanh", "hardsigmoid", "elu"}
_WITH_BETA = {"affine", "scaledtanh", "hardsigmoid"}


@dataclass(eq=False, kw_only=True)
class Recurrent(ROperator):
    """A recurrent operator over x [T, N, I] (layout 0) or [N, T, I] (layout 1); W and R constant.

    Outputs Y [T, D, N, H] or [N, T, D, H], Y_h and, for LSTM, Y_c [D, N, H] or [N, D, H]; each may be absent. The pass `recurrences`
    may have x read where it lies (`x_view`), and Y written with other strides along time, direction and batch (`y_strides`).
    """

    computes = (*[(float32,)] * 4, (int32,), (float32,))
    gates: ClassVar[int] = 1
    scratch_rows: ClassVar[int] = 3
    default_activations: ClassVar[Sequence[str]] = ()
    #: How many outputs there can be.
    results: ClassVar[int] = 2

    activation_alpha: list[float] | None = attribute(None)
    activation_beta: list[float] | None = attribute(None)
    activations: list[str] | None = attribute(None)
    clip: float | None = attribute(None)
    direction: str = attribute("forward")
    hidden_size: int | None = attribute(None)
    layout: int = attribute(0)

    x_view: View | None = None
    y_strides: tuple[Size, Size, Size] | None = None

    @property
    def directions(self) -> int:
        return 2 if self.direction == "bidirectional" else 1

    @property
    def units(self) -> int:
        return int(np.asarray(self.input(2).shape[2]))

    def time_and_batch(self) -> tuple[Size, Size]:
        """T and N."""
        first, second, _ = (self.x_view or self.x).shape
        return (second, first) if self.layout else (first, second)

    def types(
        self,
        x: Tensor,
        w: Tensor,
        r: Tensor,
        b: Tensor | None = None,
        sequence_lens: Tensor | None = None,
        initial_h: Tensor | None = None,
        initial_c: Tensor | None = None,
        p: Tensor | None = None,
    ) -> Sequence[Type]:
        if self.direction not in ("forward", "reverse", "bidirectional"):
            raise ShapeError(f"direction must be forward, reverse or bidirectional, got {self.direction!r}")
        if any(tensor is not None and not tensor.is_constant for tensor in (w, r, b, p)):
            raise UnsupportedForm("W, R, B and P must be constants")
        if x.rank != 3 or w.rank != 3 or r.rank != 3:
            raise ShapeError(f"x, W and R must have rank 3, got {x.type}, {w.type}, {r.type}")
        d, h = self.directions, self.units
        if self.hidden_size not in (None, h) or r.shape != (d, self.gates * h, h) or w.shape[:2] != (d, self.gates * h):
            raise ShapeError(f"W and R do not fit hidden_size {self.hidden_size} and {d} directions: {w.type}, {r.type}")
        same(x.shape[2], w.shape[2])
        self.functions()
        steps, batch = self.time_and_batch()
        state_shape = (batch, d, h) if self.layout else (d, batch, h)
        for tensor, shape, what in (
            (b, (d, 2 * self.gates * h), "B"),
            (sequence_lens, (batch,), "sequence_lens"),
            (initial_h, state_shape, "initial_h"),
            (initial_c, state_shape, "initial_c"),
            (p, (d, 3 * h), "P"),
        ):
            if tensor is not None:
                fits(tensor, shape, what)
        if self.layout:
            whole, state = Type(x.dtype, (batch, steps, d, h)), Type(x.dtype, (batch, d, h))
        else:
            whole, state = Type(x.dtype, (steps, d, batch, h)), Type(x.dtype, (d, batch, h))
        return [whole, *[state] * (self.results - 1)]

    def scratch_bytes(self) -> Size:
        steps, batch = self.time_and_batch()
        padded = -(-self.units // BLOCK) * BLOCK
        return 4 * padded * (dims.minimum(steps * batch, dims.maximum(96, batch)) * self.gates + self.scratch_rows * batch)

    # ---- emission

    def cpp_sizes(self, cpp: Writer) -> str:
        steps, batch = self.time_and_batch()
        parts = [cpp.size(s) for s in (steps, batch, (self.x_view or self.x).shape[2], self.units, self.directions)]
        return f"RecurrentSizes{{{', '.join(parts)}, {'true' if self.direction == 'reverse' else 'false'}}}"

    def rows(self, cpp: Writer, tensor: Tensor | None, kind: str, whole: bool = False) -> str:
        """A RecurrentRows: of x or Y (`whole`: with a time axis), or of a state; of nothing if the tensor is absent."""
        if tensor is None:
            return f"RecurrentRows<{kind}>{{nullptr, 0, 0, 0}}"
        pointer = cpp.pointer(tensor)
        if whole and tensor is self.x and kind.startswith("const"):
            view = self.x_view or view_of(tensor)
            pointer, s = view.pointer(cpp, tensor), view.strides
            strides: tuple[Size, Size, Size] = (s[1], 0, s[0]) if self.layout else (s[0], 0, s[1])
        elif whole:
            strides = self.y_strides or self.own_strides(tensor)
        else:
            s = tuple(contiguous_strides(tensor.shape))
            strides = (0, s[1], s[0]) if self.layout else (0, s[0], s[1])
        return f"RecurrentRows<{kind}>{{{pointer}, {', '.join(map(cpp.size, strides))}}}"

    def own_strides(self, y: Tensor) -> tuple[Size, Size, Size]:
        """Strides of Y along time, direction and batch where it has ONNX's shape."""
        s = contiguous_strides(y.shape)
        return (s[1], s[2], s[0]) if self.layout else (s[0], s[1], s[2])

    def optional_output(self, index: int) -> Tensor | None:
        return self.outputs[index] if index < len(self.outputs) else None

    def weights(
        self, cpp: Writer, bias: np.ndarray | None, recurrent_bias: np.ndarray | None = None, kernel: np.ndarray | None = None
    ) -> str:
        """The RecurrentWeights: packed W, bias, R."""
        name = self.name or self.op_type
        w = cpp.weight(f"{name}_W", pack_gates(self.input(1).constant(), self.gates))
        r = cpp.weight(f"{name}_R", pack_gates(self.input(2).constant(), self.gates) if kernel is None else kernel)
        b = "nullptr" if bias is None else cpp.weight(f"{name}_bias", pack_bias(bias, self.gates))
        rb = "nullptr" if recurrent_bias is None else cpp.weight(f"{name}_recurrent_bias", pack_bias(recurrent_bias, 1))
        return f"RecurrentWeights{{{w}, {b}, {r}, {rb}}}"

    def lengths(self, cpp: Writer) -> str:
        tensor = self.arguments(5)[4]
        return "nullptr" if tensor is None else cpp.pointer(tensor)

    def bias(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Wb and Rb, [D, gates * H] each."""
        tensor = self.arguments(4)[3]
        if tensor is None:
            return None
        wb, rb = np.split(tensor.constant(), 2, axis=1)
        return wb, rb

    def joined_bias(self) -> np.ndarray | None:
        """Wb + Rb."""
        biases = self.bias()
        with np.errstate(all="ignore"):  # weights may be infinite
            return None if biases is None else biases[0] + biases[1]

    @property
    def is_default(self) -> bool:
        """Whether the fast form of the kernel serves."""
        given = [name.lower() for name in self.activations or self.default_activations]
        usual = [name.lower() for name in self.default_activations]
        return not self.clip and given in (usual, usual * self.directions)

    def functions(self) -> list[list[str]]:
        """The RecurrentActivation of each function, for each direction."""
        usual = list(self.default_activations)
        names = list(self.activations) if self.activations else usual * self.directions
        if len(names) == len(usual):
            names = names * self.directions
        if len(names) != len(usual) * self.directions:
            raise ShapeError(f"activations must have {len(usual) * self.directions} names, got {names}")
        alphas, betas = list(self.activation_alpha or []), list(self.activation_beta or [])
        made = []
        for name in names:
            key = name.lower()
            if key not in ACTIVATIONS:
                raise UnsupportedForm(f"activation {name!r} is not known")
            function, alpha, beta = ACTIVATIONS[key]
            if key in _WITH_ALPHA and alphas:
                alpha = alphas.pop(0)
            if key in _WITH_BETA and betas:
                beta = betas.pop(0)
            made.append(f"RecurrentActivation{{RecurrentFunction::{function}, {literal(alpha, float32)}, {literal(beta, float32)}}}")
        return [made[i : i + len(usual)] for i in range(0, len(made), len(usual))]

    def clip_literal(self) -> str:
        return literal(self.clip if self.clip else float("inf"), float32)

    def scratch_pointer(self, cpp: Writer) -> str:
        return f"reinterpret_cast<float*>({cpp.scratch()})"


def pack_gates(weights: np.ndarray, gates: int) -> np.ndarray:
    """[D, gates * H, K] as [D][gates * ceil(H / 16)][K][16], gates interleaved by groups of 16 units."""
    d, rows, k = weights.shape
    h = rows // gates
    padded = np.pad(weights.reshape(d, gates, h, k), ((0, 0), (0, 0), (0, -h % BLOCK), (0, 0)))
    panels = padded.reshape(d, gates, -1, BLOCK, k).transpose(0, 2, 1, 4, 3)
    return np.ascontiguousarray(panels.reshape(d, -1, k, BLOCK))


def pack_bias(bias: np.ndarray, gates: int) -> np.ndarray:
    """[D, gates * H] in the order of the packed columns."""
    return np.ascontiguousarray(pack_gates(bias[:, :, None], gates).reshape(bias.shape[0], -1))


def small(*shape: int) -> Data:
    """Weights of a test case that keep a state within bounds: larger ones make it chaotic, and rounding grows with every step."""
    return weight(*shape, low=-0.3, high=0.3)
