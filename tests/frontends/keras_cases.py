"""What the Keras zoo is written with: tables of layers become cases of the harness."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from harness import Case

#: The Keras that the zoo is run with, as (3, 15).
KERAS = tuple(int(part) for part in re.findall(r"\d+", importlib.metadata.version("keras"))[:2])

#: What a size that the model leaves open is tried with.
LENGTH = 5


@dataclass(frozen=True)
class Ids:
    """An input of whole numbers below `below`."""

    shape: tuple[int | None, ...]
    below: int
    dtype: str = "int32"

    def __call__(self, rng: np.random.Generator, batch: int) -> np.ndarray:
        return rng.integers(0, self.below, (batch, *_sizes(self.shape))).astype(self.dtype)


@dataclass(frozen=True)
class Drawn:
    """An input of floats of one's own distribution."""

    shape: tuple[int | None, ...]
    draw: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
    dtype: str = "float32"

    def __call__(self, rng: np.random.Generator, batch: int) -> np.ndarray:
        return self.draw(rng, (batch, *_sizes(self.shape))).astype(self.dtype)


#: Sizes of an input without its batch, None for those that the model leaves open; or what draws it.
Given = Sequence[int | None] | Ids | Drawn


def _sizes(shape: Sequence[int | None]) -> tuple[int, ...]:
    return tuple(LENGTH if size is None else size for size in shape)


def inputs_of(given: Mapping[str, Given]) -> dict[str, Any]:
    """Inputs as a case has them."""
    return {name: one if callable(one) else _sizes(one) for name, one in given.items()}


def tensor(name: str, given: Given, framework: Any = keras) -> Any:
    """A Keras input."""
    if isinstance(given, (Ids, Drawn)):
        return framework.layers.Input(given.shape, dtype=given.dtype, name=name)
    return framework.layers.Input(tuple(given), name=name)


def randomised(model: Any, seed: int = 0) -> Any:
    """The model with every weight, bias and statistic away from zero and one."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        shape, name = tuple(weight.shape), str(getattr(weight, "path", weight.name))
        if "float" not in str(weight.dtype):
            continue
        value = rng.standard_normal(shape) / np.sqrt(max(1, np.prod(shape[:-1]))) if len(shape) > 1 else rng.standard_normal(shape) * 0.3
        if "variance" in name:
            value = rng.uniform(0.5, 1.5, shape)
        elif "gamma" in name or "scale" in name:
            value = 1 + 0.3 * rng.standard_normal(shape)
        weight.assign(value.astype(np.float32))
    return model


def flat(result: Any) -> list[np.ndarray]:
    """What a model returned, in TensorFlow's order."""
    return [np.asarray(value) for value in tf.nest.flatten(result)]


def answer(call: Callable[..., Any], pack: Callable[[Mapping[str, Any]], Any]) -> Callable[[Mapping[str, np.ndarray]], list[np.ndarray]]:
    """The framework's own answer, by hand: nothing here is of the front end that is under test."""

    def reference(feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        return flat(call(pack({name: tf.constant(value) for name, value in feeds.items()})))

    return reference


def single_or_list(feeds: Mapping[str, Any]) -> Any:
    values = list(feeds.values())
    return values[0] if len(values) == 1 else values


def graph(given: Mapping[str, Given], outputs: Callable[..., Any], framework: Any = keras) -> Any:
    """A model of named inputs; `outputs` is given keras.layers and the inputs."""
    inputs = [tensor(name, one, framework) for name, one in given.items()]
    return randomised(framework.Model(inputs if len(inputs) > 1 else inputs[0], outputs(framework.layers, *inputs)))


class Zoo:
    """Cases, of those that the Keras at hand has the layers for."""

    def __init__(self) -> None:
        self.cases: list[Case] = []

    def add(
        self,
        name: str,
        given: Mapping[str, Given],
        make: Callable[[], Any],
        *,
        since: tuple[int, ...] = (2,),
        until: tuple[int, ...] = (9,),
        **rest: Any,
    ) -> None:
        """A case from what `make` gives: (model, arguments of convert, reference); of the Keras from `since` to `until`."""
        if since <= KERAS and KERAS[: len(until)] <= until:
            self.cases.append(Case(name, make, inputs_of(given), **rest))

    def graph(self, name: str, given: Mapping[str, Given], outputs: Callable[..., Any], **rest: Any) -> None:
        """A functional model."""

        def make() -> Any:
            model = graph(given, outputs)
            return model, {}, answer(lambda value: model(value, training=False), single_or_list)

        self.add(name, given, make, **rest)

    def first(self, name: str, given: Sequence[int], layers: Callable[..., Sequence[Any]], **rest: Any) -> None:
        """Layers with the channels first, one behind the other; the reference is the same chain with the channels last.

        So asked, TensorFlow answers on every processor. `layers` is given keras.layers, the order of axes and the axis of the channels.
        """

        def make() -> Any:
            model = chained({"x": given}, lambda L: layers(L, {"data_format": "channels_first"}, 1))
            twin = chained({"x": (*given[1:], given[0])}, lambda L: layers(L, {"data_format": "channels_last"}, -1))
            twin.set_weights(model.get_weights())

            def reference(feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
                (made,) = flat(twin(np.moveaxis(feeds["x"], 1, -1), training=False))
                return [np.moveaxis(made, -1, 1)]

            return model, {}, reference

        self.add(name, {"x": given}, make, **rest)

    def chain(self, name: str, given: Given, layers: Callable[[Any], Sequence[Any]], **rest: Any) -> None:
        """Layers one behind the other."""
        self.graph(name, {"x": given}, _behind(layers), **rest)


def chained(given: Mapping[str, Given], layers: Callable[[Any], Sequence[Any]]) -> Any:
    """A model of layers one behind the other."""
    return graph(given, _behind(layers))


def _behind(layers: Callable[[Any], Sequence[Any]]) -> Callable[[Any, Any], Any]:
    def outputs(module: Any, x: Any) -> Any:
        for layer in layers(module):
            x = layer(x)
        return x

    return outputs
