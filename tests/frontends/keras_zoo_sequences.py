"""Recurrent layers, attention, and what is made of them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras_cases import Drawn, Ids, Zoo

zoo = Zoo()
chain, graph = zoo.chain, zoo.graph

ONNX = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "RNN"}

for name, operator in ONNX.items():
    low, here = name.lower(), {"operators": [operator]}
    chain(low, (6, 4), lambda L, R=name: [getattr(L, R)(5), L.Dense(2)], **here)
    chain(f"{low}_sequences", (6, 4), lambda L, R=name: [getattr(L, R)(5, return_sequences=True)], **here)
    chain(f"{low}_open", (None, 4), lambda L, R=name: [getattr(L, R)(5, return_sequences=True), L.Dense(3), getattr(L, R)(2)], **here)
    chain(f"{low}_stacked", (6, 4), lambda L, R=name: [getattr(L, R)(5, return_sequences=True), getattr(L, R)(3), L.Dense(2)], **here)
    chain(f"{low}_backwards", (6, 4), lambda L, R=name: [getattr(L, R)(5, go_backwards=True)], **here)
    chain(f"{low}_backwards_sequences", (6, 4), lambda L, R=name: [getattr(L, R)(5, go_backwards=True, return_sequences=True)], **here)
    chain(f"{low}_no_bias", (6, 4), lambda L, R=name: [getattr(L, R)(5, use_bias=False)], **here)
    chain(f"{low}_relu", (6, 4), lambda L, R=name: [getattr(L, R)(5, activation="relu")], **here)
    chain(f"{low}_dropouts", (6, 4), lambda L, R=name: [getattr(L, R)(5, dropout=0.3, recurrent_dropout=0.2)], **here)
    chain(f"{low}_unrolled", (4, 3), lambda L, R=name: [getattr(L, R)(5, unroll=True)], **here)
    graph(f"{low}_state", {"x": (6, 4)}, lambda L, x, R=name: getattr(L, R)(5, return_sequences=True, return_state=True)(x), **here)
    states = {"h": (5,), "c": (5,)} if name == "LSTM" else {"h": (5,)}
    graph(
        f"{low}_initial_state", {"x": (6, 4), **states},
        lambda L, x, *state, R=name: getattr(L, R)(5, return_sequences=True)(x, initial_state=list(state)), **here,
    )  # fmt: skip
    graph(
        f"{low}_encoder_decoder", {"x": (6, 4), "y": (None, 3)},
        lambda L, x, y, R=name: L.Dense(2)(getattr(L, R)(5, return_sequences=True)(
            y, initial_state=list(getattr(L, R)(5, return_state=True)(x)[1:]))), **here,
    )  # fmt: skip
    for merge in ("concat", "sum", "mul", "ave"):
        chain(
            f"{low}_bidirectional_{merge}", (6, 4),
            lambda L, R=name, merge=merge: [
                L.Bidirectional(getattr(L, R)(5, return_sequences=True), merge_mode=merge),
                L.Bidirectional(getattr(L, R)(3), merge_mode=merge),
            ], **here,
        )  # fmt: skip
    graph(f"{low}_bidirectional_apart", {"x": (6, 4)}, lambda L, x, R=name: L.Bidirectional(getattr(L, R)(5), merge_mode=None)(x), **here)
    graph(
        f"{low}_bidirectional_state", {"x": (None, 4)},
        lambda L, x, R=name: L.Bidirectional(getattr(L, R)(5, return_sequences=True, return_state=True))(x), **here,
    )  # fmt: skip
    chain(f"{low}_cell", (6, 4), lambda L, R=name: [L.RNN(getattr(L, f"{R}Cell")(5), return_sequences=True)], **here)
    chain(f"{low}_cells", (6, 4), lambda L, R=name: [L.RNN([getattr(L, f"{R}Cell")(5), getattr(L, f"{R}Cell")(3)])], **here)
    chain(f"{low}_masked", Drawn((6, 4), lambda rng, shape: _padded(rng, shape)), lambda L, R=name: [L.Masking(), getattr(L, R)(5)])
    chain(f"{low}_embedded", Ids((None,), 9), lambda L, R=name: [L.Embedding(9, 4), getattr(L, R)(5), L.Dense(2, "softmax")], **here)
    chain(f"{low}_mask_zero", Ids((6,), 3), lambda L, R=name: [L.Embedding(9, 4, mask_zero=True), getattr(L, R)(5), L.Dense(2)])


def _padded(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Sequences that end in zeros."""
    lengths = rng.integers(1, shape[1] + 1, (shape[0], 1, 1))
    return np.asarray(rng.standard_normal(shape) * (np.arange(shape[1])[:, None] < lengths))


chain("gru_reset_before", (6, 4), lambda L: [L.GRU(5, reset_after=False, return_sequences=True)], operators=["GRU"])
chain("gru_reset_before_no_bias", (6, 4), lambda L: [L.GRU(5, reset_after=False, use_bias=False)], operators=["GRU"])
for name, bounded in (("hard_sigmoid", True), ("softsign", True), ("elu", False), ("linear", False)):
    # Gates without bounds multiply the state, and what it is off by, from step to step: 1e-6 is asked of the others.
    chain(f"lstm_{name}", (6, 4), lambda L, name=name: [L.LSTM(5, recurrent_activation=name)], operators=["LSTM"], small=bounded)
    chain(f"gru_{name}", (6, 4), lambda L, name=name: [L.GRU(5, recurrent_activation=name)], operators=["GRU"], small=bounded)
chain("lstm_swish", (6, 4), lambda L: [L.LSTM(5, activation="swish")], operators=["Loop"])
chain("conv_lstm1d", (4, 6, 2), lambda L: [L.ConvLSTM1D(3, 3)])
chain("conv_lstm2d", (3, 6, 5, 2), lambda L: [L.ConvLSTM2D(3, 3, padding="same", return_sequences=True)])
chain("time_distributed_dense", (6, 4), lambda L: [L.TimeDistributed(L.Dense(5, "relu")), L.LSTM(3)])
chain("time_distributed_open", (None, 4), lambda L: [L.TimeDistributed(L.Dense(5, "relu")), L.GRU(3)])
chain("time_distributed_conv", (3, 8, 7, 2), lambda L: [L.TimeDistributed(L.Conv2D(4, 3)), L.TimeDistributed(L.Flatten()), L.GRU(3)])
chain("time_distributed_gru", (3, 5, 4), lambda L: [L.TimeDistributed(L.GRU(3)), L.GRU(2)], operators=["GRU"])


@keras.utils.register_keras_serializable("zoo")
class LeakyCell(keras.layers.Layer):
    """A cell of one's own."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = self.state_size = self.output_size = units

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")
        self.recurrent = self.add_weight(shape=(self.units, self.units), name="recurrent")

    def call(self, inputs: Any, states: Any) -> Any:
        made = 0.5 * states[0] + 0.5 * keras.activations.tanh(inputs @ self.kernel + states[0] @ self.recurrent)
        return made, [made]


chain("rnn_own_cell", (6, 4), lambda L: [L.RNN(LeakyCell(5), return_sequences=True), L.Dense(2)])

# --- attention

TOKENS = {"x": (6, 8)}
graph("mha", TOKENS, lambda L, x: L.MultiHeadAttention(2, 4)(x, x), operators=["Softmax"])
graph("mha_open", {"x": (None, 8)}, lambda L, x: L.MultiHeadAttention(2, 4)(x, x), operators=["Softmax"])
graph("mha_cross", {"x": (6, 8), "y": (4, 5)}, lambda L, x, y: L.MultiHeadAttention(2, 4, value_dim=3, output_shape=7)(x, y))
graph("mha_causal", TOKENS, lambda L, x: L.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True))
graph("mha_causal_open", {"x": (None, 8)}, lambda L, x: L.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True))
graph("mha_scores", TOKENS, lambda L, x: L.MultiHeadAttention(2, 4)(x, x, return_attention_scores=True))
graph("mha_no_bias", TOKENS, lambda L, x: L.MultiHeadAttention(3, 4, use_bias=False)(x, x))
graph(
    "mha_mask", {"x": (6, 8), "mask": Drawn((6, 6), lambda rng, shape: rng.random(shape) < 0.7, "bool")},
    lambda L, x, mask: L.MultiHeadAttention(2, 4)(x, x, attention_mask=mask),
)  # fmt: skip
graph("attention", {"x": (6, 8), "y": (4, 8)}, lambda L, x, y: L.Attention(use_scale=True)([x, y]))
graph("attention_concat", {"x": (6, 8), "y": (4, 8)}, lambda L, x, y: L.Attention(score_mode="concat")([x, y]))
graph("attention_causal", TOKENS, lambda L, x: L.Attention()([x, x], use_causal_mask=True))
graph("additive_attention", {"x": (6, 8), "y": (4, 8)}, lambda L, x, y: L.AdditiveAttention()([x, y]))
graph("grouped_query_attention", TOKENS, lambda L, x: L.GroupQueryAttention(4, 4, 2)(x, x), since=(3, 3))


def encoder(L: Any, x: Any, heads: int = 2, causal: bool = False, first: bool = False) -> Any:
    """A transformer block, normalised before (`first`) or after."""
    y = L.LayerNormalization(epsilon=1e-6)(x) if first else x
    y = L.MultiHeadAttention(heads, x.shape[-1] // heads)(y, y, use_causal_mask=causal)
    x = L.Add()([x, L.Dropout(0.1)(y)])
    if not first:
        x = L.LayerNormalization(epsilon=1e-6)(x)
    y = L.LayerNormalization(epsilon=1e-6)(x) if first else x
    x = L.Add()([x, L.Dense(x.shape[-1])(L.Dense(4 * x.shape[-1], "gelu")(y))])
    return x if first else L.LayerNormalization(epsilon=1e-6)(x)


BLOCK = {"operators": ["LayerNormalization", "Softmax"]}
graph("transformer_encoder", {"x": (6, 8)}, lambda L, x: encoder(L, x), **BLOCK)
graph("transformer_encoder_open", {"x": (None, 8)}, lambda L, x: encoder(L, x), **BLOCK)
graph(
    "transformer_pre_norm",
    {"x": (6, 8)},
    lambda L, x: L.Dense(2)(L.GlobalAveragePooling1D()(encoder(L, encoder(L, x, first=True), first=True))),
    **BLOCK,
)
graph("transformer_decoder", {"x": (6, 8)}, lambda L, x: encoder(L, x, causal=True), **BLOCK)
graph(
    "text_classifier",
    {"ids": Ids((10,), 20)},
    lambda L, ids: L.Dense(3, "softmax")(L.GlobalMaxPooling1D()(encoder(L, L.Embedding(20, 8)(ids)))),
    **BLOCK,
)
graph(
    "vision_transformer",
    {"x": (8, 8, 3)},
    lambda L, x: L.Dense(5)(L.Flatten()(encoder(L, L.Reshape((4, 8))(L.Conv2D(8, 4, strides=4)(x))))),
    **BLOCK,
)
