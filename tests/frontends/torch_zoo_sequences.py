"""The zoo of PyTorch: recurrent layers, attention, transformers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch_cases import behind, integers, module_case

F = nn.functional

#: Sequences of several lengths, batch first; the length is another for each batch size.
LONG = {"input": lambda rng, n: rng.standard_normal((n, 4 + n % 3, 5)).astype("f")}
DYNAMIC = {"input": {0: "batch", 1: "time"}}


class Last(nn.Module):
    """The usual classifier: a recurrent layer, its last step, a dense layer."""

    def __init__(self, recurrent: nn.Module, units: int) -> None:
        super().__init__()
        self.recurrent = recurrent
        self.head = nn.Linear(units, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.recurrent(x)[0][:, -1])


class Packed(nn.Module):
    """Sequences of different lengths, packed: their last states, and their steps padded to `total`, or to the longest."""

    def __init__(self, kind: type[nn.Module], total: int | None = 5) -> None:
        super().__init__()
        self.recurrent = kind(5, 6, batch_first=True)
        self.total = total

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> Any:
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        y, state = self.recurrent(packed)
        return nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=self.total)[0], state


class Encoder(nn.Module):
    """Tokens, positions, transformer blocks, a mean, a dense layer."""

    def __init__(self, causal: bool = False) -> None:
        super().__init__()
        self.tokens = nn.Embedding(13, 8)
        self.positions = nn.Parameter(torch.zeros(6, 8))
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, activation="gelu", batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2, nn.LayerNorm(8), enable_nested_tensor=False)
        self.head = nn.Linear(8, 4)
        self.causal = causal

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.tokens(tokens) + self.positions
        mask = nn.Transformer.generate_square_subsequent_mask(6) if self.causal else None
        return self.head(self.blocks(x, mask=mask, is_causal=self.causal).mean(1))


class Attention(nn.Module):
    """F.scaled_dot_product_attention."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, **self.options)


class SelfAttention(nn.Module):
    """nn.MultiheadAttention of x with itself."""

    def __init__(self, weights: bool = False, masked: bool = False, **options: Any) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True, **options)
        self.weights = weights
        self.masked = masked

    def forward(self, x: torch.Tensor) -> Any:
        mask = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1) if self.masked else None
        y, weights = self.attention(x, x, x, need_weights=self.weights, attn_mask=mask)
        return (y, weights) if self.weights else y


class Padded(nn.Module):
    """nn.MultiheadAttention with a mask of padding."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: torch.Tensor, padding: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, key_padding_mask=padding, need_weights=False)[0]


class ByHand(nn.Module):
    """Attention as papers write it."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(8, 24)
        self.out = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, time, _ = x.shape
        q, k, v = self.qkv(x).view(batch, time, 3, 2, 4).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.transpose(-2, -1) / 2, dim=-1)
        return self.out((weights @ v).transpose(1, 2).reshape(batch, time, 8))


class Steps(nn.Module):
    """A cell in a loop of Python."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = x.new_zeros(x.shape[0], 6)
        state = (state, state) if isinstance(self.cell, nn.LSTMCell) else state
        for step in range(4):
            state = self.cell(x[:, step], state)
        return state[0] if isinstance(state, tuple) else state


def recurrent(
    name: str, build: Callable[[], nn.Module], kind: str, inputs: Mapping[str, Any] = LONG, dynamic: Any = None, **more: Any
) -> Any:
    return module_case(name, build, inputs, dynamic=DYNAMIC if dynamic is None else dynamic, operators=[kind], **more)


def lengths(rng: np.random.Generator, batch: int) -> np.ndarray:
    made = rng.integers(1, 6, batch)
    made[0] = 5
    return made


def words(rng: np.random.Generator, batch: int) -> np.ndarray:
    return rng.standard_normal((batch, 3 + batch, 8)).astype("f")


def with_state(module: nn.Module, t: Mapping[str, torch.Tensor]) -> Any:
    return module(t["input"], (t["hx_0"], t["hx_1"])) if "hx_1" in t else module(t["input"], t["hx"])


def block() -> nn.Module:
    return nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)


KINDS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
QKV = {"q": (2, 5, 4), "k": (2, 7, 4), "v": (2, 7, 4)}
EQUAL = {"q": (2, 5, 4), "k": (2, 5, 4), "v": (2, 5, 4)}

CASES = [
    *(recurrent(name, lambda kind=kind: kind(5, 6, batch_first=True), name.upper()) for name, kind in KINDS.items()),
    *(recurrent(f"{name}_stacked", lambda kind=kind: kind(5, 6, 3, batch_first=True), name.upper()) for name, kind in KINDS.items()),
    *(
        recurrent(f"{name}_bidirectional", lambda kind=kind: kind(5, 6, 2, batch_first=True, bidirectional=True), name.upper())
        for name, kind in KINDS.items()
    ),
    *(
        recurrent(f"{name}_without_bias", lambda kind=kind: kind(5, 6, bias=False, batch_first=True), name.upper())
        for name, kind in KINDS.items()
    ),
    *(
        recurrent(f"{name}_last", lambda kind=kind: Last(kind(5, 6, batch_first=True), 6), name.upper(), {"x": (7, 5)}, {"x": {0: "batch"}})
        for name, kind in KINDS.items()
    ),
    *(
        recurrent(f"{name}_time_first", lambda kind=kind: kind(5, 6), name.upper(), {"input": behind(4, 5)}, {"input": {1: "batch"}})
        for name, kind in KINDS.items()
    ),
    recurrent("rnn_relu", lambda: nn.RNN(5, 6, nonlinearity="relu", batch_first=True), "RNN"),
    recurrent("lstm_norm", lambda: Last(nn.LSTM(5, 6, batch_first=True, dropout=0.3, num_layers=2), 6), "LSTM", {"x": (4, 5)}, {}),
    recurrent(
        "lstm_state", lambda: nn.LSTM(5, 6, batch_first=True), "LSTM", {"input": (4, 5), "hx_0": behind(1, 6), "hx_1": behind(1, 6)},
        {"input": {0: "batch"}, "hx_0": {1: "batch"}, "hx_1": {1: "batch"}}, call=with_state,
        examples=lambda a: (a["input"], (a["hx_0"], a["hx_1"])),
    ),
    recurrent(
        "gru_state", lambda: nn.GRU(5, 6, 2), "GRU", {"input": behind(4, 5), "hx": behind(2, 6)},
        {"input": {1: "batch", 0: "time"}, "hx": {1: "batch"}}, call=with_state,
    ),
    recurrent("lstm_projected", lambda: nn.LSTM(5, 6, proj_size=3, batch_first=True), "Sigmoid", {"input": (4, 5)}, {}),
    *(
        recurrent(
            f"{name}_{saved}", lambda kind=kind: Last(kind(5, 6, 2, batch_first=True), 6), name.upper(), {"x": (4, 5)}, {}, saved=saved
        )
        for name, kind in KINDS.items()
        for saved in ("script", "trace", "program")
    ),
    *(
        recurrent(
            f"{name}_packed", lambda kind=kind: Packed(kind), name.upper(), {"x": (5, 5), "lengths": lengths},
            {"x": {0: "batch"}, "lengths": {0: "batch"}},
        )
        for name, kind in KINDS.items()
    ),
    recurrent(
        "lstm_packed_to_longest", lambda: Packed(nn.LSTM, None), "LSTM", {"x": (5, 5), "lengths": lengths},
        {"x": {0: "batch"}, "lengths": {0: "batch"}}, refused="PyTorch gives",
        reason="ONNX's LSTM gives as many steps as its input has, not as the longest has",
    ),
    module_case("lstm_cell", lambda: Steps(nn.LSTMCell(5, 6)), (4, 5)),
    module_case("gru_cell", lambda: Steps(nn.GRUCell(5, 6)), (4, 5)),
    module_case("rnn_cell", lambda: Steps(nn.RNNCell(5, 6)), (4, 5)),
    # attention
    module_case("attention", Attention, QKV, operators=["Attention"]),
    module_case("attention_causal", lambda: Attention(is_causal=True), EQUAL, operators=["Attention"]),
    module_case("attention_scaled", lambda: Attention(scale=0.3), QKV, operators=["Attention"]),
    module_case("attention_float_mask", Attention, {**QKV, "mask": (2, 5, 7)}),
    module_case("attention_bool_mask", Attention, {**QKV, "mask": lambda rng, n: rng.random((n, 1, 5, 7)) < 0.8}),
    module_case("attention_grouped", lambda: Attention(enable_gqa=True), {**QKV, "q": (4, 5, 4)}, operators=["Attention"]),
    module_case("attention_by_hand", ByHand, {"x": words}, dynamic={0: {0: "batch", 1: "time"}}),
    module_case(
        "multihead_attention", lambda: nn.MultiheadAttention(8, 2, batch_first=True), {"query": (5, 8), "key": (7, 8), "value": (7, 8)}
    ),
    module_case("self_attention", SelfAttention, {"x": (5, 8)}, operators=["Attention"]),
    module_case("self_attention_weights", lambda: SelfAttention(True), {"x": (5, 8)}),
    module_case("self_attention_masked", lambda: SelfAttention(masked=True), {"x": (5, 8)}),
    module_case("self_attention_padded", Padded, {"x": (5, 8), "padding": lambda rng, n: np.arange(5) >= rng.integers(1, 6, (n, 1))}),
    module_case(
        "transformer_encoder_layer", block,
        {"src": words}, dynamic={"src": {0: "batch", 1: "time"}},
        operators=["Attention", "LayerNormalization"], small=False,
    ),
    *(
        module_case(
            f"transformer_encoder{'_causal' * causal}", lambda causal=causal: Encoder(causal), {"tokens": integers(13, 6)},
            operators=["LayerNormalization"], small=False,
        )
        for causal in (False, True)
    ),
    module_case(
        "transformer_decoder_layer", lambda: nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), {"tgt": (4, 8), "memory": (6, 8)},
        small=False,
    ),
    module_case("transformer", lambda: nn.Transformer(8, 2, 1, 1, 16, batch_first=True), {"src": (6, 8), "tgt": (4, 8)}, small=False),
    *(
        module_case(f"transformer_{saved}", block, {"src": (5, 8)}, saved=saved, small=False)
        for saved in ("pt2", "trace")
    ),
    module_case(
        "transformer_trace_without_gradients", block, {"src": (5, 8)},
        saved="trace without gradients", refused="_transformer_encoder_layer_fwd",
        reason="traced under no_grad it is one fused operator of PyTorch's own; traced as it comes it converts",
    ),
]  # fmt: skip
