"""Layers of PyTorch that its exporter takes apart, exported as the operators that they are.

While a module is exported, the `forward` of these layers is another one that names ONNX's operator. The exporter would unroll nn.RNN for
the length of the example, build the zero states of nn.LSTM and nn.GRU from a dozen nodes, and make loops over sequences of nn.EmbeddingBag.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

#: Gates in ONNX's order, by their position in PyTorch's.
_GATES = {"RNN": (0,), "GRU": (1, 0, 2), "LSTM": (0, 3, 1, 2)}


@contextlib.contextmanager
def as_operators(torch: Any, module: Any) -> Iterator[None]:
    """Replaces `forward` of recurrent layers and bags of embeddings inside the block; afterwards they are as they were."""
    with contextlib.ExitStack() as stack:
        for layer in list(module.modules()):
            kind = type(layer).__name__
            if kind in _GATES and type(layer).forward is getattr(torch.nn, kind).forward and not getattr(layer, "proj_size", 0):
                weights = _weights(torch, layer, kind)
                for name, value in weights.items():
                    layer.register_buffer(name, value, persistent=False)
                    stack.callback(delattr, layer, name)
                _forward(stack, layer, lambda x, hx=None, layer=layer, kind=kind: recurrent(torch, layer, kind, x, hx))
            elif type(layer) is torch.nn.EmbeddingBag and layer.max_norm is None:
                _forward(stack, layer, lambda *args, layer=layer, **kwargs: bags(torch, layer, *args, **kwargs))
        yield


def _forward(stack: contextlib.ExitStack, layer: Any, forward: Any) -> None:
    layer.forward = forward
    stack.callback(delattr, layer, "forward")


def _weights(torch: Any, layer: Any, kind: str) -> dict[str, Any]:
    """W, R and B of each level, as ONNX lays them out; named after what they hold."""
    made = {}
    for level in range(layer.num_layers):
        suffixes = [f"l{level}", f"l{level}_reverse"][: 2 if layer.bidirectional else 1]

        def stacked(prefix: str, suffixes: list[str] = suffixes) -> Any:
            parts = [getattr(layer, f"{prefix}_{suffix}").detach() for suffix in suffixes]
            return torch.stack([torch.cat([part.chunk(len(_GATES[kind]))[gate] for gate in _GATES[kind]]) for part in parts])

        made[f"W_l{level}"], made[f"R_l{level}"] = stacked("weight_ih"), stacked("weight_hh")
        if layer.bias:
            made[f"B_l{level}"] = torch.cat([stacked("bias_ih"), stacked("bias_hh")], 1)
    return made


def recurrent(torch: Any, layer: Any, kind: str, x: Any, hx: Any) -> Any:
    """What nn.RNN, nn.LSTM or nn.GRU computes, as one ONNX operator a level; absent states stay absent."""
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"{type(x).__name__}: packed sequences are not among what this exporter takes")
    batched = x.dim() == 3
    if not batched:
        x = x.unsqueeze(0 if layer.batch_first else 1)
    if layer.batch_first:
        x = x.transpose(0, 1)
    given = [] if hx is None else list(hx) if kind == "LSTM" else [hx]
    states = [state if state.dim() == 3 else state.unsqueeze(1) for state in given]
    directions = 2 if layer.bidirectional else 1
    last: list[list[Any]] = []
    for level in range(layer.num_layers):
        x, finals = _level(torch, layer, kind, level, x, [state[level * directions : (level + 1) * directions] for state in states])
        last.append(finals)
    hidden = [parts[0] if len(parts) == 1 else torch.cat(parts) for parts in zip(*last, strict=True)]
    y = x.transpose(0, 1) if layer.batch_first else x
    if not batched:
        y, hidden = y.squeeze(0 if layer.batch_first else 1), [state.squeeze(1) for state in hidden]
    return y, tuple(hidden) if kind == "LSTM" else hidden[0]


def _level(torch: Any, layer: Any, kind: str, level: int, x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
    """One level: its sequence and its last states."""
    steps, batch, directions, units = x.shape[0], x.shape[1], 2 if layer.bidirectional else 1, layer.hidden_size
    inputs = [x, getattr(layer, f"W_l{level}"), getattr(layer, f"R_l{level}"), getattr(layer, f"B_l{level}", None), None, *states]
    while inputs[-1] is None:
        inputs.pop()
    attributes: dict[str, Any] = {"hidden_size": units}
    if directions == 2:
        attributes["direction"] = "bidirectional"
    if kind == "GRU":
        attributes["linear_before_reset"] = 1
    if kind == "RNN" and layer.nonlinearity == "relu":
        attributes["activations"] = ["Relu"] * directions
    count = 3 if kind == "LSTM" else 2
    y, *finals = torch.onnx.ops.symbolic_multi_out(
        kind, tuple(inputs), attributes, dtypes=(x.dtype,) * count,
        shapes=((steps, directions, batch, units), *((directions, batch, units),) * (count - 1)),
    )  # fmt: skip
    y = y.squeeze(1) if directions == 1 else y.transpose(1, 2).reshape(steps, batch, directions * units)
    return y, finals


def bags(torch: Any, layer: Any, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Any:
    """What nn.EmbeddingBag computes, without a loop: a bag is a row of `input`, or what lies between two offsets."""
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
