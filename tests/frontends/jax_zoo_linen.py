"""Modules of flax.linen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from harness import Case
from jax_making import integers, linen


class Captured(nn.Module):
    """A layer whose activation is a function object that was taken before the export."""

    activation: Callable[..., Any]

    @nn.compact
    def __call__(self, x: Any) -> Any:
        x = nn.Dense(8)(x)
        x = self.activation(x)
        return nn.Dense(3)(x)


class Called(nn.Module):
    """A layer whose activation is looked up when it is called."""

    activation: str

    @nn.compact
    def __call__(self, x: Any) -> Any:
        x = nn.Dense(8)(x)
        x = getattr(nn, self.activation)(x)
        return nn.Dense(3)(x)


class Apply(nn.Module):
    """A function of the module and its inputs, as `@nn.compact` runs it."""

    body: Callable[..., Any]

    @nn.compact
    def __call__(self, *xs: Any) -> Any:
        return self.body(*xs)


ACTIVATIONS = (
    "celu", "elu", "gelu", "glu", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu", "log_sigmoid", "log_softmax",
    "relu", "relu6", "selu", "sigmoid", "silu", "soft_sign", "softmax", "softplus", "standardize", "swish", "tanh",
)  # fmt: skip


class Mnist(nn.Module):
    """A convolutional net, with positional arguments of pools."""

    pool: Callable[..., Any] | None = None

    @nn.compact
    def __call__(self, x: Any, train: bool = True) -> Any:
        x = nn.Conv(4, (3, 3))(x)
        x = nn.BatchNorm(use_running_average=not train)(x)
        x = nn.relu(x)
        x = nn.avg_pool(x, (2, 2), (2, 2)) if self.pool is None else self.pool(x)
        x = nn.Conv(5, (3, 3))(x)
        x = nn.Dropout(0.5, deterministic=not train)(nn.relu(x))
        x = nn.max_pool(x, (2, 2), (2, 2))
        x = x.reshape((x.shape[0], -1))
        return nn.log_softmax(nn.Dense(7)(x))


POOLS: dict[str, Callable[[Any], Any]] = {
    "max": lambda x: nn.max_pool(x, (2, 2), (2, 2)),
    "max_same": lambda x: nn.max_pool(x, (3, 3), (2, 2), "SAME"),
    "max_keywords": lambda x: nn.max_pool(x, window_shape=(2, 3), strides=(1, 2), padding="SAME"),
    "max_padded": lambda x: nn.max_pool(x, (3, 3), (2, 2), ((1, 1), (0, 2))),
    "avg": lambda x: nn.avg_pool(x, (2, 2), (2, 2)),
    "avg_same": lambda x: nn.avg_pool(x, (3, 3), (2, 2), "SAME"),
    "avg_same_without_padding_counted": lambda x: nn.avg_pool(x, (3, 3), (2, 2), "SAME", count_include_pad=False),
    "avg_padded": lambda x: nn.avg_pool(x, (3, 3), (2, 2), ((1, 1), (0, 2))),
    "avg_padded_without_padding_counted": lambda x: nn.avg_pool(x, (3, 3), (1, 1), ((1, 1), (0, 2)), False),
    "min": lambda x: nn.pooling.min_pool(x, (2, 2), (2, 2)),
    "min_padded": lambda x: nn.pooling.min_pool(x, (2, 2), (1, 1), ((1, 0), (0, 1))),
    "global_avg": lambda x: nn.avg_pool(x, x.shape[1:3]),
}
POOL_CAPTURED = nn.max_pool


def _convolutions() -> list[Case]:
    image = {"inputs": (7, 6, 4)}
    made = {
        "same": (nn.Conv(5, (3, 3)), image),
        "valid_strided": (nn.Conv(5, (3, 2), strides=(2, 1), padding="VALID"), image),
        "padded": (nn.Conv(5, (3, 3), padding=((1, 2), (0, 1))), image),
        "dilated": (nn.Conv(5, (3, 3), kernel_dilation=2), image),
        "grouped": (nn.Conv(6, (3, 3), feature_group_count=2), image),
        "depthwise": (nn.Conv(4, (3, 3), feature_group_count=4, use_bias=False), image),
        "circular": (nn.Conv(3, (3, 3), padding="CIRCULAR"), image),
        "1d": (nn.Conv(5, (3,)), {"inputs": (11, 3)}),
        "1d_causal": (nn.Conv(5, (3,), padding="CAUSAL"), {"inputs": (11, 3)}),
        "3d": (nn.Conv(3, (2, 3, 2)), {"inputs": (4, 5, 4, 2)}),
        "transpose": (nn.ConvTranspose(5, (3, 3), strides=(2, 2)), image),
        "transpose_valid": (nn.ConvTranspose(3, (2, 2), strides=(2, 2), padding="VALID"), image),
        "transpose_kernel": (nn.ConvTranspose(3, (3, 3), strides=(2, 2), transpose_kernel=True), image),
        "transpose_1d": (nn.ConvTranspose(3, (4,), strides=(2,)), {"inputs": (6, 3)}),
    }
    return [linen(f"conv_{name}", module, inputs) for name, (module, inputs) in made.items()]


class Recurrent(nn.Module):
    """Two layers of RNN and a head."""

    cell: Any
    bidirectional: bool = False

    @nn.compact
    def __call__(self, x: Any) -> Any:
        x = nn.RNN(self.cell(6))(x)
        x = nn.Bidirectional(nn.RNN(self.cell(5)), nn.RNN(self.cell(5)))(x) if self.bidirectional else nn.RNN(self.cell(5))(x)
        return nn.Dense(2)(x[:, -1])


class Carried(nn.Module):
    """A layer of RNN that begins with a state of the caller's and gives its last one."""

    cell: Any
    time_major: bool = False

    @nn.compact
    def __call__(self, x: Any, h: Any) -> Any:
        carry = (h * 0.5, h) if "LSTM" in self.cell.__name__ else h
        last, y = nn.RNN(self.cell(4), return_carry=True)(x, initial_carry=carry)
        return {"last": last[1] if isinstance(last, tuple) else last, "y": y}


CELLS = {
    "lstm": (nn.LSTMCell, "LSTM"), "optimized_lstm": (nn.OptimizedLSTMCell, "LSTM"), "gru": (nn.GRUCell, "GRU"),
    "rnn": (nn.SimpleCell, "RNN"),
}  # fmt: skip


def _recurrent() -> list[Case]:
    made = []
    sequence = {"x": (5, 3)}
    for name, (cell, op) in CELLS.items():
        made += [
            linen(f"{name}_stacked", Recurrent(cell), sequence, operators=(op,)),
            linen(f"{name}_bidirectional", Recurrent(cell, True), sequence, operators=(op,)),
            linen(f"{name}_carried", Carried(cell), {"x": (5, 3), "h": (4,)}, operators=(op,)),
        ]
    return [
        *made,
        linen("rnn_relu", nn.RNN(nn.SimpleCell(4, activation_fn=nn.relu)), {"inputs": (5, 3)}, operators=("RNN",)),
        linen("rnn_residual", nn.RNN(nn.SimpleCell(4, residual=True)), {"inputs": (5, 3)}, operators=("RNN",)),
        linen("rnn_reverse", nn.RNN(nn.GRUCell(4), reverse=True), {"inputs": (5, 3)}, operators=("GRU",)),
        linen("rnn_reverse_in_order", nn.RNN(nn.LSTMCell(4), reverse=True, keep_order=True), {"inputs": (5, 3)}, operators=("LSTM",)),
        linen("mgu", nn.RNN(nn.MGUCell(4)), {"inputs": (5, 3)}, operators=("Loop",)),
    ]  # fmt: skip


class Encoder(nn.Module):
    """A block of a transformer, normalised first."""

    mask: bool = False

    @nn.compact
    def __call__(self, x: Any) -> Any:
        y = nn.LayerNorm()(x)
        mask = nn.make_causal_mask(jnp.ones(x.shape[:2])) if self.mask else None
        x = x + nn.MultiHeadDotProductAttention(num_heads=2, deterministic=True)(y, mask=mask)
        y = nn.LayerNorm()(x)
        return x + nn.Dense(x.shape[-1])(nn.gelu(nn.Dense(12)(y)))


class Cross(nn.Module):
    """Attention of one sequence to another."""

    @nn.compact
    def __call__(self, query: Any, memory: Any) -> Any:
        return nn.MultiHeadDotProductAttention(num_heads=2)(query, memory)


class Words(nn.Module):
    """Embeddings, averaged."""

    @nn.compact
    def __call__(self, tokens: Any) -> Any:
        return nn.Dense(3)(nn.Embed(11, 6)(tokens).mean(axis=1))


class TwoByTwo(nn.Module):
    """Two inputs, two outputs."""

    @nn.compact
    def __call__(self, left: Any, right: Any, *, deterministic: bool) -> Any:
        both = jnp.concatenate([nn.relu(nn.Dense(5)(left)), nn.tanh(nn.Dense(4)(right))], axis=-1)
        both = nn.Dropout(0.5)(both, deterministic=deterministic)
        return nn.Dense(2)(both), nn.sigmoid(nn.Dense(3)(both))


Dense4 = nn.vmap(nn.Dense, variable_axes={"params": 0}, split_rngs={"params": True}, in_axes=1, out_axes=1)
SEQUENCE = {"x": (5, 8)}
CASES = [
    *[linen(f"{name}_called", Called(name), {"x": (5,)}) for name in ACTIVATIONS],
    *[linen(f"{name}_captured", Captured(getattr(nn, name)), {"x": (5,)}) for name in ACTIVATIONS],
    linen("prelu", nn.Sequential([nn.Dense(4), nn.PReLU(), nn.Dense(2)]), {"x": (5,)}),
    linen("sequential", nn.Sequential([nn.Dense(4), nn.relu, nn.Dense(4), nn.silu, nn.Dense(2)]), {"x": (5,)}),
    linen("mnist", Mnist(), {"x": (12, 12, 1)}, call={"train": False}),
    *[linen(f"pool_{name}", Apply(pool), {"x": (7, 8, 3)}) for name, pool in POOLS.items()],
    linen("pool_captured", Apply(lambda x: POOL_CAPTURED(x, (2, 2), (2, 2), ((1, 1), (0, 0)))), {"x": (7, 8, 3)}),
    linen("pool_1d", Apply(lambda x: nn.avg_pool(x, (3,), (2,), "SAME")), {"x": (9, 3)}),
    linen("pool_3d", Apply(lambda x: nn.max_pool(x, (2, 2, 2), (2, 2, 2))), {"x": (4, 5, 6, 2)}),
    *_convolutions(),
    *_recurrent(),
    linen("encoder", Encoder(), SEQUENCE, small=False),
    linen("encoder_masked", Encoder(True), SEQUENCE, small=False),
    linen("cross_attention", Cross(), {"query": (4, 8), "memory": (6, 8)}),
    linen("self_attention", nn.SelfAttention(num_heads=2, deterministic=True), {"inputs_q": (5, 8)}),
    linen("embed", Words(), {"tokens": integers(11, 6)}),
    linen("layer_norm", nn.LayerNorm(), SEQUENCE, operators=("LayerNormalization",)),
    linen("layer_norm_slow_variance", nn.LayerNorm(use_fast_variance=False), SEQUENCE),
    linen("rms_norm", nn.RMSNorm(), SEQUENCE),
    linen("group_norm", nn.GroupNorm(num_groups=4), {"x": (5, 6, 8)}),
    linen("instance_norm", nn.InstanceNorm(), {"x": (5, 6, 3)}),
    linen("batch_norm", nn.BatchNorm(use_running_average=True), {"x": (5,)}),
    linen("dense_general", nn.DenseGeneral((2, 3)), {"inputs": (4,)}),
    linen("dense_general_axes", nn.DenseGeneral(5, axis=(-2, -1)), {"inputs": (3, 4)}),
    linen("einsum", nn.Einsum((8, 3), "btf,fo->bto"), {"inputs": (5, 8)}),
    linen("two_by_two", TwoByTwo(), {"left": (5,), "right": (3,)}, call={"deterministic": True}),
    linen("remat", nn.remat(Called)("tanh"), {"x": (5,)}),
    linen("vmapped", Dense4(3), {"inputs": (4, 5)}),
]
