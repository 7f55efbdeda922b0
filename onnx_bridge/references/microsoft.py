"""Operators of com.microsoft in numpy, for onnx.reference, which has none of them: in the type of their inputs, float64 among them.

They are what onnxruntime documents, and share nothing with how `operators/` reads such nodes. A form that is not here is refused, so that
nothing is decided by it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from onnx.reference.op_run import OpRun

from onnx_bridge.graphs import attribute

_ERF = np.vectorize(math.erf, otypes=[np.float64])


class _Microsoft(OpRun):
    """What they share: attributes come from the node, no schema has their defaults."""

    op_domain = "com.microsoft"

    def said(self, name: str, default: Any) -> Any:
        """An attribute."""
        return attribute(self.onnx_node, name, default)

    def given(self, *outputs: np.ndarray) -> tuple[np.ndarray, ...]:
        """As many outputs as the node has.

        Raises:
            NotImplementedError: it has more.
        """
        count = len(self.onnx_node.output)
        if count > len(outputs):
            raise NotImplementedError(f"{self.onnx_node.op_type} with {count} outputs")
        return outputs[:count]


def _inputs(inputs: tuple[Any, ...], count: int) -> tuple[Any, ...]:
    """Inputs, with None for those that are not there; more than `count` are none that is known."""
    if any(one is not None for one in inputs[count:]):
        raise NotImplementedError(f"more than {count} inputs")
    return (*inputs, *[None] * count)[:count]


class Gelu(_Microsoft):
    """x by the normal distribution's function of x."""

    def _run(self, *inputs: Any, **_: Any) -> tuple[np.ndarray, ...]:
        x, bias = _inputs(inputs, 2)
        x = x if bias is None else x + bias
        return self.given(np.asarray(0.5 * x * (1 + _ERF(x / math.sqrt(2))), x.dtype))


class BiasGelu(Gelu):
    """See Gelu, of a sum."""


class FastGelu(_Microsoft):
    """Gelu by tanh, of a sum where there is a bias."""

    def _run(self, *inputs: Any, **_: Any) -> tuple[np.ndarray, ...]:
        x, bias = _inputs(inputs, 2)
        x = x if bias is None else x + bias
        return self.given(np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x))), x.dtype))


class QuickGelu(_Microsoft):
    """x * sigmoid(alpha x)."""

    def _run(self, x: np.ndarray, **_: Any) -> tuple[np.ndarray, ...]:
        return self.given(np.asarray(x / (1 + np.exp(-self.said("alpha", 1.702) * x)), x.dtype))


class FusedMatMul(_Microsoft):
    """alpha * a b, each of them with its last two axes the other way round, if asked for."""

    def _run(self, a: np.ndarray, b: np.ndarray, **_: Any) -> tuple[np.ndarray, ...]:
        if self.said("transBatchA", 0) or self.said("transBatchB", 0):
            raise NotImplementedError("batches among the last axes")
        a, b = (np.swapaxes(x, -1, -2) if self.said(name, 0) and x.ndim > 1 else x for x, name in ((a, "transA"), (b, "transB")))
        return self.given(np.asarray(self.said("alpha", 1.0) * np.matmul(a, b), a.dtype))


class SkipLayerNormalization(_Microsoft):
    """The rows of x + skip + bias, normalised."""

    def _run(self, *inputs: Any, **_: Any) -> tuple[np.ndarray, ...]:
        x, skip, gamma, beta, bias = _inputs(inputs, 5)
        total = x + skip if bias is None else x + skip + bias
        mean = total.mean(-1, keepdims=True)
        inverse = 1 / np.sqrt(np.square(total - mean).mean(-1, keepdims=True) + self.said("epsilon", 1e-12))
        y = (total - mean) * inverse * gamma
        return self.given(*(np.asarray(one, x.dtype) for one in (y if beta is None else y + beta, mean, inverse, total)))


class SkipSimplifiedLayerNormalization(_Microsoft):
    """The rows of x + skip + bias, divided by the root of the mean of their squares."""

    def _run(self, *inputs: Any, **_: Any) -> tuple[np.ndarray, ...]:
        x, skip, gamma, bias = _inputs(inputs, 4)
        total = x + skip if bias is None else x + skip + bias
        inverse = 1 / np.sqrt(np.square(total).mean(-1, keepdims=True) + self.said("epsilon", 1e-12))
        return self.given(*(np.asarray(one, x.dtype) for one in (total * inverse * gamma, 0 * inverse, inverse, total)))


class _Attending(_Microsoft):
    """softmax(scale q k^T + what hides keys) v."""

    def attended(self, q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: Any, added: Any) -> np.ndarray:
        """[N, S, heads * D], of q, k and v as [N, heads, S, D]; S of the queries are the last ones of the keys where they are in order."""
        queries, keys = q.shape[2], k.shape[2]
        scores = (self.said("scale", 0.0) or 1 / math.sqrt(q.shape[3])) * np.matmul(q, np.swapaxes(k, 2, 3))
        if mask is not None:
            scores = scores + self.said("mask_filter_value", -10000.0) * ~_seen(mask, len(q), keys)
        scores = scores if added is None else scores + added
        if self.said("unidirectional", 0):
            scores = np.where(np.arange(keys) <= np.arange(queries)[:, None] + keys - queries, scores, -np.inf)
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        y = np.matmul(powers / powers.sum(-1, keepdims=True), v).transpose(0, 2, 1, 3)
        return np.asarray(y.reshape(*y.shape[:2], -1), q.dtype)

    def parted(self, x: np.ndarray) -> np.ndarray:
        """[N, S, heads * D] as [N, heads, S, D]."""
        return x.reshape(*x.shape[:2], self.said("num_heads", 0), -1).transpose(0, 2, 1, 3)


def _seen(mask: np.ndarray, batch: int, keys: int) -> np.ndarray:
    """Which keys are seen, as it broadcasts to [N, heads, S, T]: of ends, ends and beginnings, or of numbers that are 1 or 0."""
    if mask.ndim == 1 and len(mask) in (batch, 2 * batch):
        ends, begins = mask[:batch, None], mask[batch:, None] if len(mask) == 2 * batch else 0
        return np.asarray((np.arange(keys) < ends) & (np.arange(keys) >= begins))[:, None, None]
    if mask.ndim not in (2, 3):
        raise NotImplementedError(f"a mask of the shape {mask.shape}")
    return np.asarray(mask > 0)[:, None, None] if mask.ndim == 2 else np.asarray(mask > 0)[:, None]


class Attention(_Attending):
    """q, k and v are x w + b, side by side."""

    def _run(self, *inputs: Any, **_: Any) -> tuple[np.ndarray, ...]:
        x, w, b, mask, past, added = _inputs(inputs, 6)
        if self.said("do_rotary", 0) or self.said("past_present_share_buffer", 0):
            raise NotImplementedError("Attention with positions, or a shared buffer")
        widths = self.said("qkv_hidden_sizes", None) or [w.shape[1] // 3] * 3
        flat = np.matmul(x, w) if b is None else np.matmul(x, w) + b
        q, k, v = (self.parted(part) for part in np.split(flat, np.cumsum(widths)[:2], -1))
        if past is not None:
            k, v = np.concatenate([past[0], k], 2), np.concatenate([past[1], v], 2)
        y = self.attended(q, k, v, mask, added)
        return self.given(y) if len(self.onnx_node.output) < 2 else self.given(y, np.stack([k, v]))


class MultiHeadAttention(_Attending):
    """q, k and v are given, apart."""

    def _run(self, *inputs: Any, **_: Any) -> tuple[np.ndarray, ...]:
        q, k, v, bias, mask, added, past_key, past_value = _inputs(inputs, 8)
        if any(one is None or one.ndim != 3 for one in (q, k, v)):
            raise NotImplementedError("MultiHeadAttention of what is packed")
        if bias is not None:
            q, k, v = (x + b for x, b in zip((q, k, v), np.split(bias, [q.shape[2], q.shape[2] + k.shape[2]]), strict=True))
        q, k, v = self.parted(q), self.parted(k), self.parted(v)
        if past_key is not None:
            k, v = np.concatenate([past_key, k], 2), np.concatenate([past_value, v], 2)
        return self.given(self.attended(q, k, v, mask, added), k, v)


#: All of them.
OPERATORS: list[Any] = [
    Gelu, BiasGelu, FastGelu, QuickGelu, FusedMatMul, SkipLayerNormalization, SkipSimplifiedLayerNormalization, Attention,
    MultiHeadAttention,
]  # fmt: skip
