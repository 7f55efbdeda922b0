"""Recurrent layers of Flax as LSTM, GRU and RNN of ONNX, which jax2onnx exports as loops, if it does.

Flax gives LSTM its bias with the hidden product; GRU resets after the hidden product, whose candidate has a bias of its own.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from onnx_bridge.frontends.exported import require
from onnx_bridge.frontends.jax.worlds import untouched
from onnx_bridge.frontends.opaque import Layer, Node, Tracer, replaced
from onnx_bridge.frontends.recurrent import Activation, Cell, attributes, cell_of, weights

#: Functions of JAX and Flax that ONNX's recurrent operators have, by name.
_ACTIVATIONS = {
    "sigmoid": Activation("Sigmoid"), "tanh": Activation("Tanh"), "relu": Activation("Relu"), "soft_sign": Activation("Softsign"),
}  # fmt: skip

#: The order of the gates in Flax, in ONNX's letters.
_GATES = {"LSTM": "ifco", "GRU": "rzh", "RNN": "h"}


@contextlib.contextmanager
def opaque_layers(tracer: Tracer, note: Callable[[str], None]) -> Iterator[None]:
    """Makes layers of RNN, of flax.linen and flax.nnx, whose cell ONNX has opaque nodes inside the block; the others stay loops."""
    of_linen, of_nnx = (Layer("RNN", partial(recurrent, reader=reader, note=note)) for reader in (_linen_cell, _nnx_cell))
    linen, nnx = sys.modules.get("flax.linen"), sys.modules.get("flax.nnx")
    with contextlib.ExitStack() as stack:
        if linen is not None:

            def intercept(original: Callable[..., Any], args: Any, kwargs: Any, context: Any) -> Any:
                if type(context.module) is not linen.RNN or context.method_name != "__call__":
                    return original(*args, **kwargs)
                made = of_linen.runs(tracer, context.module, *args, **kwargs)
                return original(*args, **kwargs) if made is None else made

            stack.enter_context(linen.intercept_methods(intercept))
        if nnx is not None:
            layer = nnx.RNN.__call__

            def called(self: Any, *args: Any, **kwargs: Any) -> Any:
                made = of_nnx.runs(tracer, self, *args, **kwargs)
                return layer(self, *args, **kwargs) if made is None else made

            stack.enter_context(replaced(nnx.RNN, "__call__", called))
        yield


def recurrent(
    tracer: Tracer, layer: Any, inputs: Any, *, reader: Callable[[Any], Cell | None], note: Callable[[str], None],
    initial_carry: Any = None, seq_lengths: Any = None, return_carry: bool | None = None, time_major: bool | None = None,
    reverse: bool | None = None, keep_order: bool | None = None, **_: Any,
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
    states = [] if initial_carry is None else list(initial_carry[::-1]) if cell.op_type == "LSTM" else [initial_carry]  # (c, h): h first
    x = inputs if time_major else numpy.transpose(inputs, (1, 0, 2))
    given = [x, *weights([cell]), *([None] if states else []), *(numpy.expand_dims(state, 0) for state in states)]
    node = Node.of(cell.op_type, given, attributes([cell], "reverse" if reverse else "forward"))
    outputs = tracer.place(node, [value for value in given if value is not None], partial(_run, cell, bool(reverse)))
    y = numpy.squeeze(outputs[0], 1)
    y = numpy.flip(y, 0) if reverse and not keep_order else y
    y = y if time_major else numpy.transpose(y, (1, 0, 2))
    if not return_carry:
        return y
    last = [numpy.squeeze(state, 0) for state in outputs[1:]]
    return (tuple(last[::-1]) if cell.op_type == "LSTM" else last[0]), y


def _run(cell: Cell, reverse: bool, x: Any, kernel: Any, recurrent: Any, bias: Any, *initial: Any) -> tuple[Any, ...]:
    """What ONNX's operator computes, in JAX: (Y, Y_h) or (Y, Y_h, Y_c) with an axis of directions."""
    jax = require("jax", "JAX", "jax")
    numpy, op, units = jax.numpy, cell.op_type, cell.units
    kernel, recurrent = kernel[0], recurrent[0]
    named = {"Sigmoid": jax.nn.sigmoid, "Tanh": numpy.tanh, "Relu": jax.nn.relu, "Softsign": jax.nn.soft_sign}
    act = [named[activation.name] for activation in cell.activations]
    of_inputs, of_hidden = numpy.split(bias[0], 2)
    zeros = numpy.zeros((x.shape[1], units), x.dtype)
    start = tuple(state[0] for state in initial) or (zeros,) * (2 if op == "LSTM" else 1)

    def step(carry: tuple[Any, ...], row: Any) -> tuple[tuple[Any, ...], Any]:
        h = carry[0]
        a, b = row @ kernel.T + of_inputs, h @ recurrent.T + of_hidden
        if op == "LSTM":
            i, o, f, c = numpy.split(a + b, 4, axis=-1)
            state = act[0](f) * carry[1] + act[0](i) * act[1](c)
            h = act[0](o) * act[2](state)
            return (h, state), h
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
    named = [found for function in functions if (found := _activation(getattr(cell, function))) is not None]
    if kernel is None or recurrent is None or len(named) < len(functions) or cell.dtype not in (None, np.float32):
        return None
    if getattr(cell, "residual", False):
        recurrent = recurrent + np.eye(len(recurrent), dtype=np.float32)
    none = np.zeros(kernel.shape[1], np.float32)
    biases = none if of_inputs is None else of_inputs, none if of_hidden is None else of_hidden
    return cell_of(op, _GATES[op], kernel.T, recurrent.T, biases, named, reset_after=op == "GRU")


def _activation(function: Any) -> Activation | None:
    module = str(getattr(function, "__module__", "")).partition(".")[0]
    return _ACTIVATIONS.get(getattr(function, "__name__", "")) if module in ("jax", "flax", "jaxlib") else None
