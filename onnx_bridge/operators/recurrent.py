"""What LSTM, GRU and RNN share: attributes and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS, int32
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, attribute
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits, same
from onnx_bridge.operators.cases import Data, data, weight

#: The activations that there are, with default alpha and beta (onnxruntime's where ONNX names none).
ACTIVATIONS: dict[str, tuple[float, float]] = {
    "relu": (0.0, 0.0), "tanh": (0.0, 0.0), "sigmoid": (0.0, 0.0), "affine": (0.0, 0.0), "leakyrelu": (0.01, 0.0),
    "thresholdedrelu": (0.0, 0.0), "scaledtanh": (0.0, 0.0), "hardsigmoid": (0.2, 0.5), "elu": (1.0, 0.0), "softsign": (0.0, 0.0),
    "softplus": (0.0, 0.0),
}  # fmt: skip

#: Activations that take an alpha, and those that take a beta, in the order in which the attributes' lists are consumed.
_WITH_ALPHA = {"affine", "leakyrelu", "thresholdedrelu", "scaledtanh", "hardsigmoid", "elu"}
_WITH_BETA = {"affine", "scaledtanh", "hardsigmoid"}


@dataclass(eq=False, kw_only=True)
class Recurrent(ROperator):
    """A recurrent operator over x [T, N, I] (layout 0) or [N, T, I] (layout 1). W, R, B and P may be known only at run time.

    Outputs Y [T, D, N, H] or [N, T, D, H], Y_h and, for LSTM, Y_c [D, N, H] or [N, D, H]; each may be absent. The kernels are those of
    select/recurrent.py.
    """

    computes = (*[WIDE_FLOATS] * 4, (int32,), WIDE_FLOATS)
    gates: ClassVar[int] = 1
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

    @property
    def directions(self) -> int:
        return 2 if self.direction == "bidirectional" else 1

    @property
    def units(self) -> Size:
        return self.input(2).shape[2]

    def time_and_batch(self) -> tuple[Size, Size]:
        """T and N."""
        first, second, _ = self.x.shape
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
        if x.rank != 3 or w.rank != 3 or r.rank != 3:
            raise ShapeError(f"x, W and R must have rank 3, got {x.type}, {w.type}, {r.type}")
        d, h = self.directions, self.units
        try:
            same(h, h if self.hidden_size is None else self.hidden_size)
            fits(r, (d, self.gates * h, h), "R")
            fits(w, (d, self.gates * h, w.shape[2]), "W")
        except ShapeError:
            raise ShapeError(f"W and R do not fit hidden_size {self.hidden_size} and {d} directions: {w.type}, {r.type}") from None
        same(x.shape[2], w.shape[2])
        return self.results_of(x, b, sequence_lens, initial_h, initial_c, p)

    def results_of(
        self,
        x: Tensor,
        b: Tensor | None,
        sequence_lens: Tensor | None,
        initial_h: Tensor | None,
        initial_c: Tensor | None,
        p: Tensor | None,
    ) -> Sequence[Type]:
        """The types of the outputs, once W and R are looked at: looks at all others.

        Raises:
            ShapeError: one of them does not fit.
        """
        if self.direction not in ("forward", "reverse", "bidirectional"):
            raise ShapeError(f"direction must be forward, reverse or bidirectional, got {self.direction!r}")
        self.functions()
        d, h = self.directions, self.units
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

    @property
    def is_default(self) -> bool:
        """Whether the functions are the usual ones, and nothing is clipped."""
        given = [name.lower() for name in self.activations or self.default_activations]
        usual = [name.lower() for name in self.default_activations]
        return not self.clip and given in (usual, usual * self.directions)

    def functions(self) -> list[list[tuple[str, float, float]]]:
        """Name, alpha and beta of each function, for each direction."""
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
            alpha, beta = ACTIVATIONS[key]
            if key in _WITH_ALPHA and alphas:
                alpha = alphas.pop(0)
            if key in _WITH_BETA and betas:
                beta = betas.pop(0)
            made.append((key, alpha, beta))
        return [made[i : i + len(usual)] for i in range(0, len(made), len(usual))]


def small(*shape: int) -> Data:
    """Weights of a test case that keep a state within bounds: larger ones make it chaotic, and rounding grows with every step."""
    return weight(*shape, low=-0.3, high=0.3)


def open_(*shape: int | str) -> Data:
    """The same, known only at run time."""
    return data(*shape, low=-0.3, high=0.3)
