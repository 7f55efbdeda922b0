"""LSTM, GRU and SimpleRNN of Keras as LSTM, GRU and RNN of ONNX.

Inputs and outputs differ in their layout: Keras has the batch first, ONNX the time; Keras gives the steps of a layer that goes
backwards in the order in which it took them, ONNX in that of its input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from onnx_bridge.frontends.exported import require
from onnx_bridge.frontends.opaque import Node, Output, Tracer
from onnx_bridge.frontends.recurrent import Activation, Cell, attributes, cell_of, weights

#: Activations of Keras by their names.
_ACTIVATIONS = {
    "tanh": Activation("Tanh"), "sigmoid": Activation("Sigmoid"), "relu": Activation("Relu"), "linear": Activation("Affine", 1.0, 0.0),
    "softsign": Activation("Softsign"), "elu": Activation("Elu", 1.0),
}  # fmt: skip

#: hard_sigmoid is another function in Keras 3 than it was in Keras 2.
_HARD_SIGMOID = {2: (0.2, 0.5), 3: (1.0 / 6.0, 0.5)}

#: Cells: ONNX's operator, and the order of the gates in Keras.
_CELLS = {"LSTMCell": ("LSTM", "ifco"), "GRUCell": ("GRU", "zrh"), "SimpleRNNCell": ("RNN", "h")}


def recurrent(tracer: Tracer, layer: Any, inputs: Any, arguments: dict[str, Any]) -> Any:
    """A layer in one direction; None where it is not ONNX's."""
    x, state = _split(inputs, arguments)
    cells = getattr(layer.cell, "cells", [layer.cell])
    known = [_cell(cell) for cell in cells]
    plain = [cell for cell in known if cell is not None]
    if not _applies(layer, x, arguments) or len(plain) < len(known) or (len(plain) > 1 and (layer.return_state or state)):
        return None
    if state and len(state) != (2 if plain[0].op_type == "LSTM" else 1):
        return None
    tf = require("tensorflow", "Keras", "keras")
    backwards = bool(layer.go_backwards)
    for index, cell in enumerate(plain):
        steps, *states = _node(tracer, x, [cell], "reverse" if backwards and index == 0 else "forward", [state])
        y = tf.transpose(tf.squeeze(steps, [1]), [1, 0, 2])
        x = tf.reverse(y, [1]) if backwards and index == 0 else y
    last = [tf.squeeze(value, [0]) for value in states]
    output = x if layer.return_sequences else last[0]
    return _results(layer, output, last)


def bidirectional(tracer: Tracer, layer: Any, inputs: Any, arguments: dict[str, Any]) -> Any:
    """Two layers, the second backwards, as one node; None where they are not ONNX's."""
    tf = require("tensorflow", "Keras", "keras")
    forward, backward = layer.forward_layer, layer.backward_layer
    x, state = _split(inputs, arguments)
    pair = [cell for one in (forward, backward) if (cell := _cell(getattr(one, "cell", None))) is not None]
    if len(pair) < 2 or not all(_applies(one, x, arguments) for one in (forward, backward)):
        return None
    kinds = {(cell.op_type, cell.units, cell.reset_after) for cell in pair}
    if len(kinds) > 1 or forward.go_backwards or not backward.go_backwards or forward.return_sequences != backward.return_sequences:
        return None
    each = 2 if pair[0].op_type == "LSTM" else 1
    if state and len(state) != 2 * each:
        return None
    steps, *states = _node(tracer, x, pair, "bidirectional", [state[:each], state[each:]] if state else [[], []])
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


def _cell(cell: Any) -> Cell | None:
    """A cell of Keras' own, built, with activations that ONNX has; None for any other."""
    root = type(cell).__module__.partition(".")[0]
    if root not in ("keras", "tf_keras") or type(cell).__name__ not in _CELLS or not getattr(cell, "built", False):
        return None
    op_type, gates = _CELLS[type(cell).__name__]
    functions = [cell.activation] if op_type == "RNN" else [cell.recurrent_activation, cell.activation]
    named = [found for function in functions if (found := _activation(function)) is not None]
    kernel, hidden = _value(cell.kernel).T, _value(cell.recurrent_kernel).T
    if len(named) < len(functions) or kernel.dtype != np.float32:
        return None
    none = np.zeros(len(kernel), np.float32)
    # Only a GRU that resets after its product has a bias of its own in the recurrence.
    biases = [*_value(cell.bias).reshape(-1, len(kernel)), none] if cell.use_bias else [none, none]
    return cell_of(op_type, gates, kernel, hidden, (biases[0], biases[1]), named, bool(getattr(cell, "reset_after", False)))


def _value(variable: Any) -> np.ndarray:
    """What a variable holds, also while a function is traced."""
    with require("tensorflow", "Keras", "keras").init_scope():
        return np.asarray(variable)


def _activation(function: Any) -> Activation | None:
    """One of Keras' own activations, if ONNX has it."""
    module, name = getattr(function, "__module__", ""), getattr(function, "__name__", "")
    if module.partition(".")[0] not in ("keras", "tf_keras"):
        return None
    if name == "hard_sigmoid":
        return Activation("HardSigmoid", *_HARD_SIGMOID[_generation(module)])
    return _ACTIVATIONS.get(name)


def _generation(module: str) -> int:
    """Which Keras something is of."""
    root = module.partition(".")[0]
    version = str(require(root, "Keras", "keras").__version__)
    return 2 if version.startswith("2.") else 3


def _node(tracer: Tracer, x: Any, cells: list[Cell], direction: str, states: list[list[Any]]) -> list[Any]:
    """Y and the last states. A state that starts at zero is an input that is absent."""
    tf = require("tensorflow", "Keras", "keras")
    first = cells[0]
    inputs = [tf.transpose(x, [1, 0, 2]), *weights(cells)]
    if any(states):
        inputs += [None, *(tf.stack([tf.cast(value, tf.float32) for value in pair]) for pair in zip(*states, strict=True))]
    batch, length, directions = x.shape[0], x.shape[1], len(cells)
    last = Output(tf.float32, [directions, batch, first.units])
    outputs = [Output(tf.float32, [length, directions, batch, first.units]), last, *([last] if first.op_type == "LSTM" else [])]
    node = Node.of(first.op_type, inputs, attributes(cells, direction))
    return tracer.place(node, [value for value in inputs if value is not None], outputs)
