"""LSTM, GRU and RNN for onnx.reference, whose own ignore activations, clip, lengths and the direction.

Written from ONNX's formulas, apart from the kernels, a row at a time. A row without steps ends with the state 0, as in onnxruntime.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from onnx.reference.op_run import OpRun

Function = Callable[[np.ndarray], np.ndarray]

#: Functions by name, of x, alpha and beta; then alpha and beta where none is given (float32, as attributes are), None of what takes none.
_FUNCTIONS: dict[str, tuple[Callable[[Any, Any, Any], Any], float | None, float | None]] = {
    "relu": (lambda x, a, b: np.where(x < 0, 0, x), None, None),
    "tanh": (lambda x, a, b: np.tanh(x), None, None),
    "sigmoid": (lambda x, a, b: 1 / (1 + np.exp(-x)), None, None),
    "affine": (lambda x, a, b: a * x + b, 0.0, 0.0),
    "leakyrelu": (lambda x, a, b: np.where(x < 0, a * x, x), 0.01, None),
    "thresholdedrelu": (lambda x, a, b: np.where(x > a, x, 0), 0.0, None),
    "scaledtanh": (lambda x, a, b: a * np.tanh(b * x), 0.0, 0.0),
    "hardsigmoid": (lambda x, a, b: np.clip(a * x + b, 0, 1), 0.2, 0.5),
    "elu": (lambda x, a, b: np.where(x < 0, a * np.expm1(np.minimum(x, 0)), x), 1.0, None),
    "softsign": (lambda x, a, b: x / (1 + np.abs(x)), None, None),
    "softplus": (lambda x, a, b: np.logaddexp(0, x), None, None),
}


class _Layer(OpRun):
    """A layer over x [T, N, I], or [N, T, I] with layout 1."""

    op_domain = ""
    usual: ClassVar[tuple[str, ...]]

    def _run(self, x: Any, w: Any, r: Any, b: Any = None, lengths: Any = None, *rest: Any, **said: Any) -> tuple[np.ndarray, ...]:
        initial_h, initial_c, p = [*rest, *[None] * 3][:3]
        kind = x.dtype.type
        if said.get("layout"):
            x = x.transpose(1, 0, 2)
            initial_h, initial_c = (state if state is None else state.transpose(1, 0, 2) for state in (initial_h, initial_c))
        (steps, batch, _), (ways, _, units) = x.shape, r.shape
        functions = self._functions(ways, said, kind)
        y = np.zeros((steps, ways, batch, units), x.dtype)
        last = np.zeros((2, ways, batch, units), x.dtype)
        limit = kind(said.get("clip") or np.inf)
        counts = np.full(batch, steps) if lengths is None else np.clip(lengths, 0, steps)
        for d in range(ways):
            biases = np.zeros((2, w.shape[1]), x.dtype) if b is None else b[d].reshape(2, -1)
            peepholes = np.zeros((3, units), x.dtype) if p is None else p[d].reshape(3, -1)
            projected = x @ w[d].T
            backwards = d == 1 or said.get("direction") == "reverse"
            for row, count in enumerate(counts):
                h, c = (np.zeros(units, x.dtype) if state is None else state[d, row] for state in (initial_h, initial_c))
                for t in reversed(range(count)) if backwards else range(count):
                    parts = (projected[t, row], biases[0], r[d], biases[1])
                    h, c = self._step(parts, h, c, functions[d], lambda v: np.clip(v, -limit, limit), peepholes, said)
                    y[t, d, row] = h
                if count:
                    last[:, d, row] = h, c
        ends = list(last)
        if said.get("layout"):
            y, ends = y.transpose(2, 0, 1, 3), [end.transpose(1, 0, 2) for end in ends]
        return (y, *ends)[: len(self.onnx_node.output)]

    def _functions(self, ways: int, said: dict[str, Any], kind: type) -> list[list[Function]]:
        """Those of each direction."""
        names = [name.lower() for name in said.get("activations") or self.usual]
        names = names if len(names) == len(self.usual) * ways else names * ways
        given = [list(said.get(f"activation_{which}") or []) for which in ("alpha", "beta")]
        made: list[Function] = []
        for name in names:
            function, *numbers = _FUNCTIONS[name]
            pairs = zip(numbers, given, strict=True)
            taken = [None if usual is None else kind(np.float32(values.pop(0) if values else usual)) for usual, values in pairs]
            made.append(lambda x, of=function, ab=taken: np.asarray(of(x, *ab), x.dtype))  # type: ignore[misc]
        return [made[d * len(self.usual) : (d + 1) * len(self.usual)] for d in range(ways)]

    def _step(self, parts: Any, h: Any, c: Any, functions: list[Function], clip: Function, p: Any, said: dict[str, Any]) -> tuple[Any, Any]:
        """h and c of the next step; parts: x W, Wb, R, Rb."""
        raise NotImplementedError


class LSTM(_Layer):
    """Gates i o f c."""

    usual = ("sigmoid", "tanh", "tanh")

    def _step(self, parts: Any, h: Any, c: Any, functions: list[Function], clip: Function, p: Any, said: dict[str, Any]) -> tuple[Any, Any]:
        wx, wb, r, rb = parts
        f, g, out = functions
        i, o, forget, candidate = np.split(wx + r @ h + wb + rb, 4)
        i = f(clip(i + p[0] * c))
        forget = 1 - i if said.get("input_forget") else f(clip(forget + p[2] * c))
        c = forget * c + i * g(clip(candidate))
        return f(clip(o + p[1] * c)) * out(c), c


class GRU(_Layer):
    """Gates z r h."""

    usual = ("sigmoid", "tanh")

    def _step(self, parts: Any, h: Any, c: Any, functions: list[Function], clip: Function, p: Any, said: dict[str, Any]) -> tuple[Any, Any]:
        wx, wb, r, rb = parts
        units = h.size
        f, g = functions
        z, reset = np.split(f(clip((wx + wb + rb)[: 2 * units] + r[: 2 * units] @ h)), 2)
        rest = slice(2 * units, None)
        linear = said.get("linear_before_reset")
        hidden = reset * (r[rest] @ h + rb[rest]) if linear else r[rest] @ (reset * h) + rb[rest]
        return (1 - z) * g(clip(wx[rest] + wb[rest] + hidden)) + z * h, c


class RNN(_Layer):
    """One gate."""

    usual = ("tanh",)

    def _step(self, parts: Any, h: Any, c: Any, functions: list[Function], clip: Function, p: Any, said: dict[str, Any]) -> tuple[Any, Any]:
        wx, wb, r, rb = parts
        return functions[0](clip(wx + r @ h + wb + rb)), c
