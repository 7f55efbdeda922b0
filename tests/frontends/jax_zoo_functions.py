"""Functions of jax.numpy and jax.lax."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from harness import Case
from jax import lax
from jax_making import Shape, answered, examples, function, integers

rng = np.random.default_rng(5)
W = rng.standard_normal((5, 4)).astype(np.float32)
B = rng.standard_normal(4).astype(np.float32)
X: Mapping[str, Shape] = {"x": (5,)}


def positive(*shape: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    return lambda rng, batch: rng.uniform(0.1, 2.0, (batch, *shape)).astype(np.float32)


def loop(x: Any) -> Any:
    return lax.fori_loop(0, 4, lambda i, y: jnp.tanh(y * 0.5 + i), x)


def until(x: Any) -> Any:
    return lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * 0.5 + 1), (0, x))[1]


def scanned(x: Any) -> Any:
    total, rows = lax.scan(lambda s, row: (s * 0.5 + row, s + row), jnp.zeros((x.shape[0], x.shape[2])), jnp.swapaxes(x, 0, 1))
    return total, jnp.swapaxes(rows, 0, 1)


def chosen(x: Any) -> Any:
    return lax.cond(jnp.sum(x) > 0, lambda y: y * 2, lambda y: y - 1, x)


def windows(x: Any) -> Any:
    largest = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 3, 1), (1, 2, 1, 1), "SAME")
    return largest, lax.reduce_window(x, 0.0, lax.add, (1, 2, 2, 1), (1, 1, 2, 1), ((0, 0), (1, 0), (0, 1), (0, 0))) / 4


def nodes(rng: np.random.Generator, batch: int) -> np.ndarray:
    return rng.integers(0, batch, batch).astype(np.int32)


def messages(x: Any, senders: Any, receivers: Any) -> Any:
    """A step of a graph net: an axis that indices point into, and updates that are dropped where they point beyond it."""
    return x[:, :4] + jax.ops.segment_sum(jnp.tanh(x[senders] @ W), receivers, num_segments=x.shape[0])


@jax.jit
def jitted(x: Any) -> Any:
    return jax.nn.silu(x @ W + B)


def parameters(weights: Any, x: Any) -> Any:
    return jnp.tanh(x @ weights["w"] + weights["b"])


FUNCTIONS: dict[str, tuple[Callable[..., Any], Mapping[str, Shape]]] = {
    "affine": (lambda x: x @ W + B, X),
    "mlp": (lambda x: jnp.tanh(jax.nn.relu(x @ W + B) @ W.T), X),
    "jitted": (jitted, X),
    "partial": (functools.partial(parameters, {"w": W, "b": B}), X),
    "polynomial": (lambda x: x**3 - 2 * x**2 + x / 3 - 1, X),
    "exponentials": (lambda x: jnp.exp(x) + jnp.expm1(x) + jnp.log1p(jnp.abs(x)), X),
    "roots": (lambda x: jnp.sqrt(x) + lax.rsqrt(x) + jnp.log(x) + x**0.7, {"x": positive(5)}),
    "trigonometry": (lambda x: jnp.sin(x) + jnp.cos(x) * jnp.arctan(x) + jnp.sinh(x), X),
    "error_function": (lambda x: jax.scipy.special.erf(x), X),
    "rounding": (lambda x: jnp.floor(x) + 2 * jnp.ceil(x) + 3 * jnp.round(x) + jnp.sign(x), X),
    "clip": (lambda x: jnp.clip(x, -0.5, 0.8), X),
    "where": (lambda x, y: jnp.where((x > y) & (y < 1), x, -y), {"x": (5,), "y": (5,)}),
    "maximum": (lambda x, y: jnp.maximum(x, y) - jnp.minimum(x, 0.1), {"x": (5,), "y": (5,)}),
    "reductions": (lambda x: (x.sum(1), x.mean((1, 2)), x.max(2), x.min(1, keepdims=True), jnp.prod(x, 1)), {"x": (3, 4)}),
    "statistics": (lambda x: (jnp.std(x, axis=1), jnp.var(x, axis=1, ddof=1)), X),
    "norm": (lambda x: x / jnp.linalg.norm(x, axis=-1, keepdims=True), X),
    "logsumexp": (lambda x: jax.nn.logsumexp(x, axis=-1), X),
    "argmax": (lambda x: (jnp.argmax(x, axis=-1), jnp.argmin(x, axis=1)), X),
    "softmax_middle": (lambda x: jax.nn.softmax(x, axis=1), {"x": (3, 4)}),
    "einsum": (lambda x, y: jnp.einsum("bij,bjk->bik", x, y), {"x": (3, 4), "y": (4, 2)}),
    "matmul_batched": (lambda x, y: x @ jnp.swapaxes(y, 1, 2), {"x": (3, 4), "y": (2, 4)}),
    "transpose_reshape": (lambda x: jnp.transpose(x, (0, 2, 1)).reshape(x.shape[0], -1), {"x": (3, 4)}),
    "concatenate": (lambda x, y: jnp.concatenate([x, y * 2], axis=-1), {"x": (5,), "y": (3,)}),
    "stack_split": (lambda x: jnp.stack(jnp.split(x, 2, axis=1), axis=1), {"x": (6,)}),
    "slices": (lambda x: x[:, 1:4:2] + x[:, -1:], X),
    "flip_roll": (lambda x: jnp.flip(x, 1) + jnp.roll(x, 2, axis=1), X),
    "pad": (lambda x: jnp.pad(x, ((0, 0), (1, 2)), constant_values=3), X),
    "tile": (lambda x: jnp.tile(x, (1, 3)), X),
    "take": (lambda x: jnp.take(x, jnp.array([3, 0, 3]), axis=1), X),
    "indexed": (lambda i: jnp.asarray(W)[i], {"i": integers(5, 3)}),
    "one_hot": (lambda i: jax.nn.one_hot(i, 6), {"i": integers(6)}),
    "at_set": (lambda x: x.at[:, 1].set(0.5), X),
    "sort": (lambda x: jnp.sort(x, axis=-1), X),
    "sort_descending": (lambda x: jnp.sort(x, axis=-1, descending=True), X),
    "top_k": (lambda x: lax.top_k(x, 3), X),
    "remainder": (lambda x: (x % 1.5, jnp.mod(x + 3.1, 6.2) - 3.1, x // 0.7, lax.rem(x, 0.4 + 0 * x)), X),
    "remainder_of_integers": (lambda i: (i % 7, i // 5), {"i": integers(50, 4)}),
    "cumsum": (lambda x: jnp.cumsum(x, axis=1), X),
    "cumsum_positional": (lambda x: jnp.cumsum(x, 1), X),
    "cumprod": (lambda x: jnp.cumprod(x, axis=1), X),
    "select": (lambda x: jnp.select([x > 1, x > 0], [x, x * 2], -1.0), X),
    "integers": (lambda i: i * 3 + 1, {"i": integers(50, 4)}),
    "types": (lambda x: ((x > 0).astype(jnp.int32), x > 0.5), X),
    "scan": (scanned, {"x": (4, 3)}),
    "fori_loop": (loop, X),
    "while_loop": (until, X),
    "cond": (chosen, X),
    "vmap": (jax.vmap(lambda x: jnp.outer(x, x)), X),
    "gradient": (jax.vmap(jax.grad(lambda x: jnp.sum(jnp.tanh(x) ** 2))), X),
    "dict_output": (lambda x: {"logits": x @ W, "norm": jnp.sum(x * x, axis=-1)}, X),
    "passed_through": (lambda x, y: (x, x + y, y), {"x": (5,), "y": (5,)}),
    "unused_input": (lambda x, y: x * 2, {"x": (5,), "y": (3,)}),
    "windows": (windows, {"x": (6, 5, 3)}),
    "dynamic_slice": (lambda x, i: lax.dynamic_slice(x, (0, i[0, 0]), (x.shape[0], 2)), {"x": (5,), "i": integers(9, 1)}),
    "graph": (messages, {"x": (5,), "senders": nodes, "receivers": nodes}),
    "attention": (lambda q, k, v: jax.nn.dot_product_attention(q, k, v), {"q": (4, 2, 8), "k": (6, 2, 8), "v": (6, 2, 8)}),
}


def nested(batch: Any, scale: Any) -> Any:
    """An input that is a mapping, and one that is not."""
    return {"score": batch["track"] @ W + batch["hit"][:, :4], "sum": {"x": batch["hit"].sum(-1) * scale[:, 0]}}


def _nested() -> Any:
    inputs: dict[str, Shape] = {"hit": (6,), "track": (5,), "scale": (1,)}
    hit, track, scale = examples(inputs)
    given = ({"track": track, "hit": hit}, scale)
    return nested, {"example_inputs": given}, answered(lambda hit, track, scale: nested({"track": track, "hit": hit}, scale))


def _two_sizes() -> Any:
    def call(x: Any) -> Any:
        return jnp.tanh(x).sum(axis=1) + x[:, 0]

    return call, {"example_inputs": examples({"x": (4, 3)}), "dynamic": {"x": {0: "batch", 1: "time"}}}, answered(call)


CASES = [
    *[function(name, call, inputs) for name, (call, inputs) in FUNCTIONS.items()],
    Case("function_nested", _nested, {"hit": (6,), "track": (5,), "scale": (1,)}),
    Case("function_two_dynamic_sizes", _two_sizes, {"x": lambda rng, batch: rng.standard_normal((batch, batch + 2, 3)).astype(np.float32)}),
    function("fft", lambda x: jnp.abs(jnp.fft.fft(x)), X, refused="DFT", reason="onnxruntime has no Fourier transform of jax2onnx's kind"),
    function("switch", lambda x: lax.switch(jnp.argmax(x[0, :3]), [jnp.sin, jnp.cos, jnp.tanh], x), X),
]
