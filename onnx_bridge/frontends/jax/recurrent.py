"""Recurrent layers of Flax as LSTM, GRU and RNN of ONNX, which jax2onnx exports as loops, if it does.

Flax gives LSTM its bias with the hidden product, and the gates in the order i, f, g, o (ONNX: i, o, f, c); GRU resets after the hidden
product, whose candidate has a bias of its own, with gates r, z, n (ONNX: z, r, h, and linear_before_reset).
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnx_bridge.frontends.exported import require
from onnx_bridge.frontends.jax.nodes import Node, call
from onnx_bridge.frontends.jax.worlds import replaced, untouched

#: Functions of JAX and Flax that ONNX's recurrent operators have, by name.
_ACTIVATIONS = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "soft_sign": "Softsign"}


@dataclass(frozen=True)
class Cell:
    """A cell as ONNX has it.

    Attributes:
        op: LSTM, GRU or RNN.
        kernel: [gates * units, inputs].
        recurrent: [gates * units, units].
        bias: [2 * gates * units]: of the inputs, then of the hidden state.
        activations: ONNX's names.
    """

    op: str
    kernel: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray
    activations: tuple[str, ...]

    @property
    def units(self) -> int:
        return int(self.recurrent.shape[1])


@contextlib.contextmanager
def recurrent(note: Callable[[str], None]) -> Iterator[None]:
    """Exports layers of RNN, of flax.linen and flax.nnx, whose cell ONNX has; the others stay loops."""
    linen, nnx = sys.modules.get("flax.linen"), sys.modules.get("flax.nnx")
    with contextlib.ExitStack() as stack:
        if linen is not None:

            def intercept(original: Callable[..., Any], args: Any, kwargs: Any, context: Any) -> Any:
                if type(context.module) is not linen.RNN or context.method_name != "__call__":
                    return original(*args, **kwargs)
                made = _layer(context.module, _linen_cell, note, *args, **kwargs)
                return original(*args, **kwargs) if made is None else made

            stack.enter_context(linen.intercept_methods(intercept))
        if nnx is not None:
            layer = nnx.RNN.__call__

            def called(self: Any, *args: Any, **kwargs: Any) -> Any:
                made = _layer(self, _nnx_cell, note, *args, **kwargs)
                return layer(self, *args, **kwargs) if made is None else made

            stack.enter_context(replaced(nnx.RNN, "__call__", called))
        yield


def _layer(
    layer: Any, reader: Callable[[Any], Cell | None], note: Callable[[str], None], inputs: Any, *, initial_carry: Any = None,
    seq_lengths: Any = None, return_carry: bool | None = None, time_major: bool | None = None, reverse: bool | None = None,
    keep_order: bool | None = None, **_: Any,
) -> Any:  # fmt: skip
    """What a layer of RNN gives, from one node; None where ONNX has no such layer.

    Flax runs through the padding behind `seq_lengths` and gives what comes out there; ONNX gives zeros.
    """
    jax = require("jax", "JAX", "jax")
    name = type(layer.cell).__name__
    cell = reader(layer.cell) if seq_lengths is None and getattr(inputs, "ndim", 0) == 3 and inputs.dtype == np.float32 else None
    if cell is None or (initial_carry is None and not _starts_at_zero(layer.cell)):
        note(f"RNN of {name}, in this form, is no recurrent operator of ONNX: it was left to jax2onnx, which makes a loop of it")
        return None
    return_carry, time_major, reverse, keep_order = (
        getattr(layer, attribute) if said is None else said
        for attribute, said in (
            ("return_carry", return_carry), ("time_major", time_major), ("reverse", reverse), ("keep_order", keep_order),
        )
    )  # fmt: skip
    numpy = jax.numpy
    states = [] if initial_carry is None else list(initial_carry[::-1]) if cell.op == "LSTM" else [initial_carry]  # (c, h): h first
    x = inputs if time_major else numpy.transpose(inputs, (1, 0, 2))
    outputs = call(_node(cell, bool(reverse), len(states)), x, cell.kernel[None], cell.recurrent[None], cell.bias[None],
                   *[numpy.expand_dims(state, 0) for state in states])  # fmt: skip
    y = numpy.squeeze(outputs[0], 1)
    y = numpy.flip(y, 0) if reverse and not keep_order else y
    y = y if time_major else numpy.transpose(y, (1, 0, 2))
    if not return_carry:
        return y
    last = [numpy.squeeze(state, 0) for state in outputs[1:]]
    return (tuple(last[::-1]) if cell.op == "LSTM" else last[0]), y


def _node(cell: Cell, reverse: bool, states: int) -> Node:
    attributes: dict[str, Any] = {"hidden_size": cell.units, "direction": "reverse" if reverse else "forward"}
    default = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}[cell.op]
    if cell.activations != default:
        attributes["activations"] = cell.activations
    if cell.op == "GRU":
        attributes["linear_before_reset"] = 1

    def function(x: Any, kernel: Any, recurrent: Any, bias: Any, *initial: Any) -> tuple[Any, ...]:
        return _run(cell.op, cell.activations, reverse, x, kernel[0], recurrent[0], bias[0], initial)

    present = (True, True, True, True, False, *[True] * states)
    return Node(cell.op, function, tuple(attributes.items()), slots=present if states else present[:4])


def _run(
    op: str, activations: Sequence[str], reverse: bool, x: Any, kernel: Any, recurrent: Any, bias: Any, initial: Sequence[Any]
) -> tuple[Any, ...]:
    """What ONNX's operator computes, in JAX: (Y, Y_h) or (Y, Y_h, Y_c) with an axis of directions."""
    jax = require("jax", "JAX", "jax")
    numpy, units = jax.numpy, recurrent.shape[-1]
    act = [{"Sigmoid": jax.nn.sigmoid, "Tanh": numpy.tanh, "Relu": jax.nn.relu, "Softsign": jax.nn.soft_sign}[name] for name in activations]
    of_inputs, of_hidden = numpy.split(bias, 2)
    zeros = numpy.zeros((x.shape[1], units), x.dtype)
    start = tuple(state[0] for state in initial) or (zeros,) * (2 if op == "LSTM" else 1)

    def step(carry: tuple[Any, ...], row: Any) -> tuple[tuple[Any, ...], Any]:
        h = carry[0]
        a, b = row @ kernel.T + of_inputs, h @ recurrent.T + of_hidden
        if op == "LSTM":
            i, o, f, c = numpy.split(a + b, 4, axis=-1)
            cell = act[0](f) * carry[1] + act[0](i) * act[1](c)
            h = act[0](o) * act[2](cell)
            return (h, cell), h
        if op == "GRU":
            (za, ra, na), (zb, rb, nb) = numpy.split(a, 3, axis=-1), numpy.split(b, 3, axis=-1)
            z = act[0](za + zb)
            h = (1 - z) * act[1](na + act[0](ra + rb) * nb) + z * h
        else:
            h = act[0](a + b)
        return (h,), h

    last, y = jax.lax.scan(step, start, x, reverse=reverse)
    return (numpy.expand_dims(y, 1), *[numpy.expand_dims(state, 0) for state in last])


def _starts_at_zero(cell: Any) -> bool:
    """Whether the state that a cell begins with is zeros, as ONNX's is."""
    jax = require("jax", "JAX", "jax")
    nnx = sys.modules.get("flax.nnx")
    with untouched(), jax.ensure_compile_time_eval():
        if nnx is not None and isinstance(cell, nnx.Module):
            carry = cell.initialize_carry((1, 1), nnx.Rngs(0))
        else:
            carry = cell.initialize_carry(jax.random.key(0), (1, 1))
        return not any(np.asarray(leaf).any() for leaf in jax.tree_util.tree_leaves(carry))


def _linen_cell(cell: Any) -> Cell | None:
    linen = require("flax.linen", "Flax", "jax")
    parameters = _numbers(cell.variables.get("params", {}))
    if parameters is None:
        return None

    def joined(names: Sequence[str], part: str) -> np.ndarray | None:
        found = [parameters[name].get(part) for name in names]
        return None if any(value is None for value in found) else np.concatenate(found, axis=-1)

    if type(cell) in (linen.LSTMCell, linen.OptimizedLSTMCell):
        kernel, hidden = [f"i{n}" for n in "ifgo"], [f"h{n}" for n in "ifgo"]
        return _cell("LSTM", cell, joined(kernel, "kernel"), joined(hidden, "kernel"), None, joined(hidden, "bias"))
    if type(cell) is linen.GRUCell:
        candidate = parameters["hn"]["bias"]
        of_hidden = np.concatenate([np.zeros(2 * len(candidate), np.float32), candidate])
        kernels = [joined([f"{side}{n}" for n in "rzn"], "kernel") for side in "ih"]
        return _cell("GRU", cell, kernels[0], kernels[1], joined([f"i{n}" for n in "rzn"], "bias"), of_hidden)
    if type(cell) is linen.SimpleCell:
        return _cell("RNN", cell, parameters["i"]["kernel"], parameters["h"]["kernel"], parameters["i"].get("bias"), None)
    return None


def _nnx_cell(cell: Any) -> Cell | None:
    nnx = require("flax.nnx", "Flax", "jax")
    parameters = _numbers(nnx.to_pure_dict(nnx.state(cell, nnx.Param)))
    if parameters is None:
        return None
    ops = {nnx.OptimizedLSTMCell: "LSTM", nnx.GRUCell: "GRU", nnx.SimpleCell: "RNN"}
    if type(cell) in ops:
        inputs, hidden = parameters["dense_i"], parameters["dense_h"]
        return _cell(ops[type(cell)], cell, inputs["kernel"], hidden["kernel"], inputs.get("bias"), hidden.get("bias"))
    if type(cell) is nnx.LSTMCell:
        kernel = np.concatenate([parameters[name]["kernel"] for name in ("ii", "if_", "ig", "io")], axis=-1)
        recurrent = np.concatenate([parameters[name]["kernel"] for name in ("hi", "hf", "hg", "ho")], axis=-1)
        bias = np.concatenate([parameters[name]["bias"] for name in ("hi", "hf", "hg", "ho")], axis=-1)
        return _cell("LSTM", cell, kernel, recurrent, None, bias)
    return None


def _numbers(parameters: Mapping[str, Any]) -> Any:
    """Parameters as arrays; None where they are not known while tracing, as under `nn.scan` and `nn.vmap`."""
    jax = require("jax", "JAX", "jax")
    leaves = jax.tree_util.tree_leaves(parameters)
    if not leaves or any(isinstance(leaf, jax.core.Tracer) or leaf.dtype != np.float32 for leaf in leaves):
        return None
    return jax.tree_util.tree_map(np.asarray, parameters)


def _cell(op: str, cell: Any, kernel: Any, recurrent: Any, of_inputs: Any, of_hidden: Any) -> Cell | None:
    """A cell from Flax's matrices: [inputs, gates * units], [units, gates * units], and biases, absent ones None."""
    functions = ("activation_fn",) if op == "RNN" else ("gate_fn", "activation_fn")
    names = [_activation(getattr(cell, function)) for function in functions]
    if kernel is None or recurrent is None or None in names or cell.dtype not in (None, np.float32):
        return None
    units = recurrent.shape[0]
    if getattr(cell, "residual", False):
        recurrent = recurrent + np.eye(units, dtype=np.float32)
    order = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}[op]

    def arranged(matrix: Any) -> np.ndarray:
        if matrix is None:
            return np.zeros(len(order) * units, np.float32)
        gates = np.split(np.asarray(matrix), len(order), axis=-1)
        return np.ascontiguousarray(np.concatenate([gates[gate] for gate in order], axis=-1).T)

    activations = tuple(str(name) for name in names)
    bias = np.concatenate([arranged(of_inputs), arranged(of_hidden)])
    return Cell(op, arranged(kernel), arranged(recurrent), bias, (*activations, activations[1]) if op == "LSTM" else activations)


def _activation(function: Any) -> str | None:
    module = str(getattr(function, "__module__", "")).partition(".")[0]
    return _ACTIVATIONS.get(getattr(function, "__name__", "")) if module in ("jax", "flax", "jaxlib") else None
