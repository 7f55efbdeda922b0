"""Cells of recurrent layers as ONNX has them: their gates in ONNX's order, W, R and B, activations.

The gates are called by ONNX's letters: of an LSTM i (input), o (output), f (forget), c (the candidate, g elsewhere); of a GRU z (update), r
(reset), h (the candidate, n elsewhere). ONNX has the rows of a matrix in the order "iofc" and "zrh".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: ONNX's gates, in ONNX's order.
GATES = {"LSTM": "iofc", "GRU": "zrh", "RNN": "h"}

#: ONNX's activations where none are said.
USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}


@dataclass(frozen=True)
class Activation:
    """An activation by ONNX's name, with what ONNX calls alpha and beta, if it has them."""

    name: str
    alpha: float | None = None
    beta: float | None = None


@dataclass(frozen=True)
class Cell:
    """One direction of a recurrent layer as ONNX has it; arrays of numpy, or of the framework.

    Attributes:
        op_type: LSTM, GRU or RNN.
        kernel: [gates * units, inputs].
        recurrent: [gates * units, units].
        biases: two of [gates * units]: of the inputs, and of the hidden state; None where there are none.
        activations: of the gates, then of the candidate, then, of an LSTM, of the cell.
        reset_after: whether a GRU resets what the hidden state's product gives, rather than the hidden state.
    """

    op_type: str
    kernel: Any
    recurrent: Any
    biases: tuple[Any, Any] | None
    activations: tuple[Activation, ...]
    reset_after: bool = False

    @property
    def units(self) -> int:
        return int(self.recurrent.shape[1])


def rows(op_type: str, gates: str, units: int) -> np.ndarray:
    """Where the rows of ONNX's matrices stand in a framework's, int64 [gates * units].

    Args:
        op_type: LSTM, GRU or RNN.
        gates: the framework's order of the gates, in ONNX's letters.
        units: how many rows a gate has.
    """
    return np.concatenate([np.arange(units) + gates.index(gate) * units for gate in GATES[op_type]])


def cell_of(
    op_type: str, gates: str, kernel: Any, recurrent: Any, biases: tuple[Any, Any] | None, activations: Sequence[Activation],
    reset_after: bool = False,
) -> Cell:  # fmt: skip
    """A cell of a framework's matrices.

    Args:
        op_type: LSTM, GRU or RNN.
        gates: their order among the rows, in ONNX's letters.
        kernel: [gates * units, inputs].
        recurrent: [gates * units, units].
        biases: two of [gates * units], or none.
        activations: that of the gates, unless it is an RNN, and that of the candidate; an LSTM's cell has the candidate's.
        reset_after: as in `Cell`.
    """
    order = rows(op_type, gates, recurrent.shape[1])
    used = (*activations, activations[-1]) if op_type == "LSTM" else tuple(activations)
    ordered = None if biases is None else (biases[0][order], biases[1][order])
    return Cell(op_type, kernel[order], recurrent[order], ordered, used, reset_after)


def weights(cells: Sequence[Cell], library: Any = np) -> list[Any]:
    """W, R and B of a node, with an axis of directions in front; B is None where there are no biases.

    Args:
        cells: the directions, the one that goes forward first.
        library: of the arrays: numpy, or what has its `stack` and `concatenate`.
    """
    joined = [library.concatenate(cell.biases) for cell in cells if cell.biases is not None]
    return [
        library.stack([cell.kernel for cell in cells]), library.stack([cell.recurrent for cell in cells]),
        library.stack(joined) if joined else None,
    ]  # fmt: skip


def attributes(cells: Sequence[Cell], direction: str) -> dict[str, Any]:
    """The attributes of a node of these cells; see `attributes_of`."""
    first, functions = cells[0], [activation for cell in cells for activation in cell.activations]
    return attributes_of(first.op_type, first.units, functions, direction, first.reset_after)


def attributes_of(op_type: str, units: int, activations: Sequence[Activation], direction: str, reset_after: bool) -> dict[str, Any]:
    """The attributes of a node, but for those that are as ONNX has them unsaid.

    Args:
        op_type: LSTM, GRU or RNN.
        units: of the hidden state.
        activations: of all directions, one direction after the other.
        direction: "forward", "reverse" or "bidirectional".
        reset_after: as in `Cell`.
    """
    said: dict[str, Any] = {"hidden_size": units}
    if direction != "forward":
        said["direction"] = direction
    names = [activation.name for activation in activations]
    if names != [*USUAL[op_type]] * (2 if direction == "bidirectional" else 1):
        said["activations"] = names
    if alphas := [activation.alpha for activation in activations if activation.alpha is not None]:
        said["activation_alpha"] = alphas
    if betas := [activation.beta for activation in activations if activation.beta is not None]:
        said["activation_beta"] = betas
    if op_type == "GRU" and reset_after:
        said["linear_before_reset"] = 1
    return said
