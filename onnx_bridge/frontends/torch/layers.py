"""Layers of PyTorch that its exporter takes apart, exported as the operators that they are.

While a module is exported, the `forward` of these layers is another one that names ONNX's operator. The exporter would unroll nn.RNN for
the length of the example, build the zero states of nn.LSTM and nn.GRU from a dozen nodes, and make loops over sequences of nn.EmbeddingBag.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from onnx_bridge.frontends.opaque import Layer, Node, Output, replaced
from onnx_bridge.frontends.recurrent import Activation, Cell, attributes_of, cell_of, weights
from onnx_bridge.frontends.torch.opaque import SymbolicTracer

#: The order of the gates in PyTorch, in ONNX's letters.
_GATES = {"RNN": "h", "GRU": "rzh", "LSTM": "ifco"}

_ACTIVATIONS = {"RNN_TANH": ("Tanh",), "RNN_RELU": ("Relu",), "GRU": ("Sigmoid", "Tanh"), "LSTM": ("Sigmoid", "Tanh")}


@contextlib.contextmanager
def opaque_layers(tracer: SymbolicTracer, module: Any) -> Iterator[None]:
    """Replaces `forward` of recurrent layers and bags of embeddings inside the block; afterwards they are as they were."""
    kinds = {layer.name: layer for layer in LAYERS}
    with contextlib.ExitStack() as stack:
        for layer in list(module.modules()):
            kind = kinds.get(type(layer).__name__)
            if kind is not None and type(layer).forward is getattr(tracer.torch.nn, kind.name).forward:
                stack.enter_context(_packed(tracer.torch, layer))
                stack.enter_context(replaced(layer, "forward", _forward(tracer, layer, kind)))
        yield


def _forward(tracer: SymbolicTracer, layer: Any, kind: Layer) -> Any:
    original = layer.forward

    def forward(*args: Any, **kwargs: Any) -> Any:
        made = kind.runs(tracer, layer, *args, **kwargs)
        return original(*args, **kwargs) if made is None else made

    return forward


@contextlib.contextmanager
def _packed(torch: Any, layer: Any) -> Iterator[None]:
    """Buffers for W, R and B of each level of a recurrent layer, so that weights are captured and not how they are arranged."""
    levels = getattr(layer, "num_layers", 0) if _is_operator(layer) else 0
    names: list[str] = []
    for level in range(levels):
        cells = [_cell(layer, suffix) for suffix in (f"l{level}", f"l{level}_reverse")[: 2 if layer.bidirectional else 1]]
        for letter, value in zip("WRB", weights(cells, torch), strict=True):
            if value is not None:
                names.append(f"{letter}_l{level}")
                layer.register_buffer(names[-1], value, persistent=False)
    try:
        yield
    finally:
        for name in names:
            delattr(layer, name)


def _is_operator(layer: Any) -> bool:
    """Whether a recurrent layer is ONNX's: without a projection of its state."""
    return not getattr(layer, "proj_size", 0)


def _cell(layer: Any, suffix: str) -> Cell:
    """One direction of one level."""
    kernel, hidden = (getattr(layer, f"weight_{side}_{suffix}").detach() for side in ("ih", "hh"))
    biases = [getattr(layer, f"bias_{side}_{suffix}").detach() for side in ("ih", "hh")] if layer.bias else []
    kind = layer.mode.partition("_")[0]
    activations = [Activation(name) for name in _ACTIVATIONS[layer.mode]]
    return cell_of(kind, _GATES[kind], kernel, hidden, (biases[0], biases[1]) if biases else None, activations, reset_after=kind == "GRU")


def recurrent(tracer: SymbolicTracer, layer: Any, x: Any, hx: Any = None) -> Any:
    """What nn.RNN, nn.LSTM or nn.GRU computes, as one ONNX operator a level; absent states stay absent."""
    torch = tracer.torch
    if not _is_operator(layer):
        return None
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"{type(x).__name__}: packed sequences are not among what this exporter takes")
    batched = x.dim() == 3
    if not batched:
        x = x.unsqueeze(0 if layer.batch_first else 1)
    if layer.batch_first:
        x = x.transpose(0, 1)
    given = [] if hx is None else list(hx) if isinstance(layer, torch.nn.LSTM) else [hx]
    states = [state if state.dim() == 3 else state.unsqueeze(1) for state in given]
    directions = 2 if layer.bidirectional else 1
    last: list[list[Any]] = []
    for level in range(layer.num_layers):
        x, finals = _level(tracer, layer, level, x, [state[level * directions : (level + 1) * directions] for state in states])
        last.append(finals)
    hidden = [parts[0] if len(parts) == 1 else torch.cat(parts) for parts in zip(*last, strict=True)]
    y = x.transpose(0, 1) if layer.batch_first else x
    if not batched:
        y, hidden = y.squeeze(0 if layer.batch_first else 1), [state.squeeze(1) for state in hidden]
    return y, tuple(hidden) if isinstance(layer, torch.nn.LSTM) else hidden[0]


def _level(tracer: SymbolicTracer, layer: Any, level: int, x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
    """One level: its sequence and its last states."""
    steps, batch, directions, units = x.shape[0], x.shape[1], 2 if layer.bidirectional else 1, layer.hidden_size
    kind = layer.mode.partition("_")[0]
    names = [*_ACTIVATIONS[layer.mode], *(["Tanh"] if kind == "LSTM" else [])] * directions
    direction = "bidirectional" if directions == 2 else "forward"
    inputs = [x, *(getattr(layer, f"{letter}_l{level}", None) for letter in "WRB"), None, *states]
    said = attributes_of(kind, units, [Activation(name) for name in names], direction, reset_after=kind == "GRU")
    node, last = Node.of(kind, inputs, said), Output(x.dtype, (directions, batch, units))
    outputs = [Output(x.dtype, (steps, directions, batch, units)), last, *([last] if kind == "LSTM" else [])]
    y, *finals = tracer.place(node, [value for value in inputs if value is not None], outputs)
    y = y.squeeze(1) if directions == 1 else y.transpose(1, 2).reshape(steps, batch, directions * units)
    return y, finals


def bags(tracer: SymbolicTracer, layer: Any, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Any:
    """What nn.EmbeddingBag computes, without a loop: a bag is a row of `input`, or what lies between two offsets."""
    torch = tracer.torch
    if layer.max_norm is not None:
        return None
    vectors = torch.nn.functional.embedding(input, layer.weight)
    if per_sample_weights is not None:
        vectors = vectors * per_sample_weights.unsqueeze(-1)
    counted = None if layer.padding_idx is None else (input != layer.padding_idx).unsqueeze(-1).to(vectors.dtype)
    if offsets is None:
        return _reduced(torch, layer.mode, vectors, counted)
    places = torch.arange(input.shape[0])
    ends = offsets[1:] if layer.include_last_offset else torch.cat([offsets[1:], torch.full_like(offsets[:1], input.shape[0])])
    starts = offsets[:-1] if layer.include_last_offset else offsets
    inside = ((places >= starts.unsqueeze(1)) & (places < ends.unsqueeze(1))).unsqueeze(-1).to(vectors.dtype)
    return _reduced(torch, layer.mode, vectors.unsqueeze(0), inside if counted is None else counted * inside)


def _reduced(torch: Any, mode: str, vectors: Any, counted: Any) -> Any:
    """Sum, mean or largest over axis 1 of those that count; zero where none does, as PyTorch has it."""
    if counted is None:
        return vectors.amax(1) if mode == "max" else getattr(vectors, mode)(1)
    if mode == "sum":
        return (vectors * counted).sum(1)
    if mode == "mean":
        return (vectors * counted).sum(1) / counted.sum(1).clamp(min=1)
    largest = torch.where(counted > 0, vectors, torch.full_like(vectors[..., :1], torch.finfo(vectors.dtype).min)).amax(1)
    return torch.where(counted.sum(1) > 0, largest, torch.zeros_like(largest))


#: They are called with what `forward` is.
LAYERS = (Layer("RNN", recurrent), Layer("GRU", recurrent), Layer("LSTM", recurrent), Layer("EmbeddingBag", bags))
