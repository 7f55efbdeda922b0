"""Modules of flax.nnx, all handed over in training mode, and of Equinox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from flax import nnx
from harness import Case
from jax_making import Shape, answered, examples, integers, nnx_case, numbers


class Net(nnx.Module):
    """Layers, and what is done with them."""

    def __init__(self, layers: list[Any], body: Callable[..., Any]) -> None:
        self.layers = nnx.List(layers)
        self.body = body

    def __call__(self, *xs: Any) -> Any:
        return self.body(self.layers, *xs)


class Block(nnx.Module):
    """A block of a transformer with dropout."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.attention = nnx.MultiHeadAttention(2, 8, decode=False, rngs=rngs)
        self.first, self.second = nnx.LayerNorm(8, rngs=rngs), nnx.LayerNorm(8, rngs=rngs)
        self.up, self.down = nnx.Linear(8, 12, rngs=rngs), nnx.Linear(12, 8, rngs=rngs)
        self.dropout = nnx.Dropout(0.1, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = self.first(x + self.dropout(self.attention(x)))
        return self.second(x + self.dropout(self.down(nnx.gelu(self.up(x)))))


class Convolutions(nnx.Module):
    """A convolutional net."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv1, self.conv2 = nnx.Conv(1, 4, (3, 3), rngs=rngs), nnx.Conv(4, 5, (3, 3), rngs=rngs)
        self.norm, self.dropout = nnx.BatchNorm(4, rngs=rngs), nnx.Dropout(0.5, rngs=rngs)
        self.head = nnx.Linear(5 * 3 * 3, 7, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = nnx.avg_pool(nnx.relu(self.norm(self.conv1(x))), (2, 2), (2, 2))
        x = nnx.max_pool(nnx.relu(self.conv2(x)), (2, 2), (2, 2))
        return self.head(self.dropout(x.reshape(x.shape[0], -1)))


def _recurrent(cell: Any, bidirectional: bool) -> Callable[[nnx.Rngs], Any]:
    def build(rngs: nnx.Rngs) -> Any:
        first = nnx.RNN(cell(3, 6, rngs=rngs))
        second = nnx.RNN(cell(6, 5, rngs=rngs))
        if bidirectional:
            second = nnx.Bidirectional(second, nnx.RNN(cell(6, 5, rngs=rngs)))
        head = nnx.Linear(10 if bidirectional else 5, 2, rngs=rngs)
        return Net([first, second, head], lambda layers, x: layers[2](layers[1](layers[0](x))[:, -1]))

    return build


def one(layer: Callable[[nnx.Rngs], Any]) -> Callable[[nnx.Rngs], Any]:
    return lambda rngs: Net([layer(rngs)], lambda layers, *xs: layers[0](*xs))


CELLS = {
    "lstm": (nnx.LSTMCell, "LSTM"), "optimized_lstm": (nnx.OptimizedLSTMCell, "LSTM"), "gru": (nnx.GRUCell, "GRU"),
    "rnn": (nnx.SimpleCell, "RNN"),
}  # fmt: skip
IMAGE = {"x": (7, 6, 4)}
LAYERS: dict[str, tuple[Callable[[nnx.Rngs], Any], Mapping[str, Shape]]] = {
    "linear": (lambda r: nnx.Linear(5, 3, rngs=r), {"x": (5,)}),
    "linear_3d": (lambda r: nnx.Linear(5, 3, use_bias=False, rngs=r), {"x": (4, 5)}),
    "linear_general": (lambda r: nnx.LinearGeneral(5, (2, 3), rngs=r), {"x": (5,)}),
    "einsum": (lambda r: nnx.Einsum("nta,hab->nthb", (2, 8, 4), (2, 4), rngs=r), {"x": (3, 8)}),
    "conv": (lambda r: nnx.Conv(4, 5, (3, 3), strides=2, rngs=r), IMAGE),
    "conv_padded": (lambda r: nnx.Conv(4, 5, (3, 3), padding=((1, 2), (0, 1)), rngs=r), IMAGE),
    "conv_1d": (lambda r: nnx.Conv(3, 5, (3,), rngs=r), {"x": (9, 3)}),
    "conv_transpose": (lambda r: nnx.ConvTranspose(4, 3, (2, 2), strides=(2, 2), rngs=r), IMAGE),
    "batch_norm": (lambda r: nnx.BatchNorm(4, rngs=r), IMAGE),
    "rms_norm": (lambda r: nnx.RMSNorm(4, rngs=r), IMAGE),
    "group_norm": (lambda r: nnx.GroupNorm(4, num_groups=2, rngs=r), IMAGE),
    "embed": (lambda r: nnx.Embed(9, 4, rngs=r), {"x": integers(9, 5)}),
    "dropout": (lambda r: nnx.Dropout(0.5, rngs=r), {"x": (5,)}),
    "lora": (lambda r: nnx.LoRALinear(5, 3, lora_rank=2, rngs=r), {"x": (5,)}),
    "max_pool_padded": (lambda r: lambda x: nnx.max_pool(x, (3, 3), (2, 2), ((1, 1), (0, 2))), IMAGE),
    "min_pool": (lambda r: lambda x: nnx.min_pool(x, (2, 2), (2, 2)), IMAGE),
}


def equinox(name: str, build: Callable[[Any], Any], inputs: Mapping[str, Shape], **rest: Any) -> Case:
    """A module of Equinox, which is written for one example."""

    def make() -> Any:
        module = build(jax.random.key(0))
        arrays, others = eqx.partition(module, eqx.is_array)
        module = eqx.combine(numbers(arrays), others)
        return module, {"example_inputs": examples(inputs)}, answered(jax.vmap(eqx.nn.inference_mode(module)))

    return Case(f"equinox_{name}", make, inputs, **rest)


class Gated(eqx.Module):
    """A recurrent cell of Equinox in a scan."""

    cell: eqx.nn.GRUCell
    head: eqx.nn.Linear

    def __init__(self, key: Any) -> None:
        self.cell, self.head = eqx.nn.GRUCell(3, 4, key=key), eqx.nn.Linear(4, 2, key=key)

    def __call__(self, x: Any) -> Any:
        last, _ = jax.lax.scan(lambda h, row: (self.cell(row, h), None), jnp.zeros(4), x)
        return self.head(last)


CASES = [
    *[nnx_case(name, one(layer), inputs) for name, (layer, inputs) in LAYERS.items()],
    *[nnx_case(f"{name}_stacked", _recurrent(cell, False), {"x": (5, 3)}, operators=(op,)) for name, (cell, op) in CELLS.items()],
    *[nnx_case(f"{name}_bidirectional", _recurrent(cell, True), {"x": (5, 3)}, operators=(op,)) for name, (cell, op) in CELLS.items()],
    nnx_case("encoder", Block, {"x": (5, 8)}, small=False, operators=("LayerNormalization",)),
    nnx_case("convolutions", Convolutions, {"x": (12, 12, 1)}),
    # Flax's variance is the difference of two means: of four numbers, it keeps fewer digits than the small nets' limit.
    nnx_case("layer_norm", one(lambda r: nnx.LayerNorm(4, rngs=r)), IMAGE, small=False, operators=("LayerNormalization",)),
    nnx_case("sequential", lambda r: nnx.Sequential(nnx.Linear(5, 6, rngs=r), nnx.gelu, nnx.Linear(6, 2, rngs=r)), {"x": (5,)}),
    equinox("mlp", lambda key: eqx.nn.MLP(4, 2, 8, 2, key=key), {"x": (4,)}),
    equinox("convolutions", lambda key: eqx.nn.Sequential([
        eqx.nn.Conv2d(1, 4, 3, key=key), eqx.nn.Lambda(jax.nn.relu), eqx.nn.MaxPool2d(2, 2), eqx.nn.Lambda(jnp.ravel),
        eqx.nn.Linear(4 * 4 * 4, 3, key=key),
    ]), {"x": (1, 10, 10)}),
    equinox("gru", Gated, {"x": (5, 3)}),
    equinox("layer_norm", lambda key: eqx.nn.LayerNorm(6), {"x": (6,)}),
    equinox("dropout", lambda key: eqx.nn.Sequential([eqx.nn.Linear(4, 4, key=key), eqx.nn.Dropout(0.5)]), {"x": (4,)}),
]  # fmt: skip
