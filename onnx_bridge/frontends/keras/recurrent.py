"""LSTM, GRU and SimpleRNN of Keras as LSTM, GRU and RNN of ONNX.

Inputs and outputs differ in their layout: Keras has the batch first, ONNX the time; Keras gives the steps of a layer that goes
backwards in the order in which it took them, ONNX in that of its input. The gates of an LSTM stand in another order: i f c o in
Keras, i o f c in ONNX; those of a GRU in the same: z r h.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnx_bridge.frontends.exported import require
from onnx_bridge.frontends.keras.marks import Marks

#: Activations of Keras by their names, as ONNX's, with alpha and beta.
_ACTIVATIONS: dict[str, tuple[str, float | None, float | None]] = {
    "tanh": ("Tanh", None, None),
    "sigmoid": ("Sigmoid", None, None),
    "relu": ("Relu", None, None),
    "linear": ("Affine", 1.0, 0.0),
    "softsign": ("Softsign", None, None),
    "elu": ("Elu", 1.0, None),
}

#: hard_sigmoid is another function in Keras 3 than it was in Keras 2.
_HARD_SIGMOID = {2: (0.2, 0.5), 3: (1.0 / 6.0, 0.5)}

#: Cells: ONNX's operator, and the order of ONNX's gates among Keras'.
_CELLS = {"LSTMCell": ("LSTM", (0, 3, 1, 2)), "GRUCell": ("GRU", (0, 1, 2)), "SimpleRNNCell": ("RNN", (0,))}


@dataclass
class _Cell:
    """A cell in ONNX's words: W, R, B of one direction, without its axis."""

    op_type: str
    units: int
    w: np.ndarray
    r: np.ndarray
    b: np.ndarray
    activations: list[tuple[str, float | None, float | None]]
    attributes: dict[str, Any]


def recurrent(marks: Marks, layer: Any, inputs: Any, arguments: dict[str, Any]) -> Any:
    """A layer in one direction; None where it is not ONNX's."""
    x, state = _split(inputs, arguments)
    cells = getattr(layer.cell, "cells", [layer.cell])
    plain = [_cell(cell) for cell in cells]
    if not _applies(layer, x, arguments) or None in plain or (len(plain) > 1 and (layer.return_state or state)):
        return None
    if state and len(state) != (2 if plain[0].op_type == "LSTM" else 1):  # type: ignore[union-attr]
        return None
    tf = require("tensorflow", "Keras", "keras")
    backwards = bool(layer.go_backwards)
    for index, cell in enumerate(plain):
        steps, *states = _node(marks, x, [cell], "reverse" if backwards and index == 0 else "forward", [state])
        y = tf.transpose(tf.squeeze(steps, [1]), [1, 0, 2])
        x = tf.reverse(y, [1]) if backwards and index == 0 else y
    last = [tf.squeeze(value, [0]) for value in states]
    output = x if layer.return_sequences else last[0]
    return _results(layer, output, last)


def bidirectional(marks: Marks, layer: Any, inputs: Any, arguments: dict[str, Any]) -> Any:
    """Two layers, the second backwards, as one node; None where they are not ONNX's."""
    tf = require("tensorflow", "Keras", "keras")
    forward, backward = layer.forward_layer, layer.backward_layer
    x, state = _split(inputs, arguments)
    pair = [_cell(getattr(one, "cell", None)) for one in (forward, backward)]
    if None in pair or not all(_applies(one, x, arguments) for one in (forward, backward)):
        return None
    kinds = {(cell.op_type, cell.units, str(cell.attributes)) for cell in pair if cell is not None}
    if len(kinds) > 1 or forward.go_backwards or not backward.go_backwards or forward.return_sequences != backward.return_sequences:
        return None
    each = 2 if pair[0].op_type == "LSTM" else 1  # type: ignore[union-attr]
    if state and len(state) != 2 * each:
        return None
    steps, *states = _node(marks, x, pair, "bidirectional", [state[:each], state[each:]] if state else [[], []])
    if forward.return_sequences:
        y, reverse = (tf.transpose(steps[:, direction], [1, 0, 2]) for direction in (0, 1))
    else:
        y, reverse = states[0][0], states[0][1]
    last = [value[direction] for direction in (0, 1) for value in states]
    if layer.merge_mode is None:
        return [y, reverse, *last] if forward.return_state else [y, reverse]
    merged: dict[str, Callable[[], Any]] = {
        "concat": lambda: tf.concat([y, reverse], -1),
        "sum": lambda: y + reverse,
        "mul": lambda: y * reverse,
        "ave": lambda: (y + reverse) / 2,
    }
    return _results(forward, merged[layer.merge_mode](), last)


def _results(layer: Any, output: Any, states: list[Any]) -> Any:
    return [output, *states] if layer.return_state else output


def _split(inputs: Any, arguments: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The sequences and the initial state, which Keras 2 hands over together when they are tensors of a model."""
    tf = require("tensorflow", "Keras", "keras")
    if isinstance(inputs, (list, tuple)):
        return inputs[0], list(inputs[1:])
    state = arguments.get("initial_state")
    return inputs, [] if state is None else tf.nest.flatten(state)


def _applies(layer: Any, x: Any, arguments: dict[str, Any]) -> bool:
    tf = require("tensorflow", "Keras", "keras")
    if not isinstance(x, tf.Tensor) or x.dtype != tf.float32 or len(x.shape) != 3 or x.shape[2] is None or x.shape[1] == 0:
        return False
    if arguments.get("mask") is not None or arguments.get("constants") is not None:
        return False
    return not layer.stateful and not getattr(layer, "time_major", False)


def _cell(cell: Any) -> _Cell | None:
    """A cell of Keras' own, built, with activations that ONNX has; None for any other."""
    root = type(cell).__module__.partition(".")[0]
    if root not in ("keras", "tf_keras") or type(cell).__name__ not in _CELLS or not getattr(cell, "built", False):
        return None
    op_type, order = _CELLS[type(cell).__name__]
    gates = [] if op_type == "RNN" else [cell.recurrent_activation]
    named = [_activation(function) for function in (*gates, cell.activation, *([cell.activation] if op_type == "LSTM" else []))]
    if None in named:
        return None
    kernel, recurrent_kernel = _value(cell.kernel), _value(cell.recurrent_kernel)
    bias = _value(cell.bias) if cell.use_bias else np.zeros(kernel.shape[1], np.float32)
    if kernel.dtype != np.float32:
        return None
    reset_after = bool(getattr(cell, "reset_after", False))
    rows = bias.reshape(-1, kernel.shape[1])
    if len(rows) == 1:  # only a GRU that resets after its product has a bias of its own in the recurrence
        rows = np.concatenate([rows, np.zeros_like(rows)])
    return _Cell(
        op_type, int(cell.units), _gates(kernel, order).T, _gates(recurrent_kernel, order).T, _gates(rows, order).reshape(-1),
        [one for one in named if one is not None], {"linear_before_reset": int(reset_after)} if op_type == "GRU" else {},
    )  # fmt: skip


def _gates(array: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    parts = np.split(array, len(order), axis=-1)
    return np.concatenate([parts[index] for index in order], axis=-1)


def _value(variable: Any) -> np.ndarray:
    """What a variable holds, also while a function is traced."""
    with require("tensorflow", "Keras", "keras").init_scope():
        return np.asarray(variable)


def _activation(function: Any) -> tuple[str, float | None, float | None] | None:
    """ONNX's name of one of Keras' own activations, with alpha and beta."""
    module, name = getattr(function, "__module__", ""), getattr(function, "__name__", "")
    if module.partition(".")[0] not in ("keras", "tf_keras"):
        return None
    if name == "hard_sigmoid":
        return ("HardSigmoid", *_HARD_SIGMOID[_generation(module)])
    return _ACTIVATIONS.get(name)


def _generation(module: str) -> int:
    """Which Keras something is of."""
    root = module.partition(".")[0]
    version = str(require(root, "Keras", "keras").__version__)
    return 2 if version.startswith("2.") else 3


def _node(marks: Marks, x: Any, cells: list[Any], direction: str, states: list[list[Any]]) -> list[Any]:
    """Y and the last states. A state that starts at zero is an input that is absent."""
    tf = require("tensorflow", "Keras", "keras")
    first = cells[0]
    inputs = [tf.transpose(x, [1, 0, 2]), *(np.stack([getattr(cell, name) for cell in cells]) for name in ("w", "r", "b"))]
    if any(states):
        inputs += [None, *(tf.stack([tf.cast(value, tf.float32) for value in pair]) for pair in zip(*states, strict=True))]
    named = [activation for cell in cells for activation in cell.activations]
    attributes = {
        "hidden_size": first.units, "direction": direction, "activations": [name for name, _, _ in named],
        **first.attributes,
    }  # fmt: skip
    for position, attribute in ((1, "activation_alpha"), (2, "activation_beta")):
        if values := [activation[position] for activation in named if activation[position] is not None]:
            attributes[attribute] = values
    batch, length, directions = x.shape[0], x.shape[1], len(cells)
    last = (tf.float32, [directions, batch, first.units])
    outputs = [(tf.float32, [length, directions, batch, first.units]), last, *([last] if first.op_type == "LSTM" else [])]
    return marks.node(first.op_type, inputs, outputs, attributes)
