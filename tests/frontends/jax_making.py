"""How cases of JAX are made: random numbers in every parameter and statistic, and JAX's own answer beside each model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from flax import nnx
from harness import Case

Shape = Sequence[int] | Callable[[np.random.Generator, int], np.ndarray]


def numbers(tree: Any, seed: int = 0) -> Any:
    """A pytree of floats filled with random numbers of a trained model's size; variances and scales are positive."""
    rng = np.random.default_rng(seed)

    def fill(path: Any, leaf: Any) -> Any:
        if not hasattr(leaf, "dtype") or not jax.numpy.issubdtype(leaf.dtype, jax.numpy.floating):
            return leaf
        name = jax.tree_util.keystr(path)
        if any(word in name for word in ("var", "scale")):
            value = rng.uniform(0.5, 1.5, leaf.shape)
        else:
            value = rng.standard_normal(leaf.shape) * (0.3 if leaf.ndim < 2 else 0.7 / np.sqrt(np.prod(leaf.shape[:-1])))
        return jax.numpy.asarray(value, leaf.dtype)

    return jax.tree_util.tree_map_with_path(fill, tree)


def examples(inputs: Mapping[str, Shape], batch: int = 2) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(7)
    return tuple(
        shape(rng, batch) if callable(shape) else rng.standard_normal((batch, *shape)).astype(np.float32) for shape in inputs.values()
    )


def answered(function: Callable[..., Any]) -> Callable[[Mapping[str, np.ndarray]], list[np.ndarray]]:
    """JAX's outputs, flat, from inputs in their order."""
    compiled = jax.jit(lambda *values: jax.tree_util.tree_leaves(function(*values)))

    def reference(feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        with jax.default_matmul_precision("float32"):
            return [np.asarray(value) for value in compiled(*feeds.values())]

    return reference


def linen(name: str, module: Any, inputs: Mapping[str, Shape], *, call: Mapping[str, Any] | None = None, **rest: Any) -> Case:
    """A module of flax.linen with its variables; `call` goes to `init` and to the reference alone."""

    def make() -> Any:
        given, said = examples(inputs), dict(call or {})
        variables = numbers(module.init(jax.random.key(0), *given, **said))
        return (module, variables), {"example_inputs": given}, answered(lambda *xs: module.apply(variables, *xs, **said))

    return Case(f"linen_{name}", make, inputs, **rest)


def nnx_case(name: str, build: Callable[[nnx.Rngs], Any], inputs: Mapping[str, Shape], **rest: Any) -> Case:
    """A module of flax.nnx, left in training mode; the reference is in inference mode."""

    def make() -> Any:
        module = build(nnx.Rngs(0))
        definition, state = nnx.split(module)
        module = nnx.merge(definition, numbers(state))
        evaluated = nnx.merge(*nnx.split(module))
        evaluated.eval()
        definition, state = nnx.split(evaluated)

        def evaluate(*xs: Any) -> Any:
            return nnx.merge(definition, jax.tree.map(lambda leaf: leaf, state))(*xs)

        return module, {"example_inputs": examples(inputs)}, answered(evaluate)

    return Case(f"nnx_{name}", make, inputs, **rest)


def function(name: str, call: Callable[..., Any], inputs: Mapping[str, Shape], **rest: Any) -> Case:
    """A function of arrays."""

    def make() -> Any:
        return call, {"example_inputs": examples(inputs)}, answered(call)

    return Case(f"function_{name}", make, inputs, **rest)


def integers(high: int, *shape: int, dtype: Any = np.int32) -> Callable[[np.random.Generator, int], np.ndarray]:
    return lambda rng, batch: rng.integers(0, high, (batch, *shape)).astype(dtype)
