"""Example inputs of a model of JAX: bound to its parameters, flattened, named."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends import arrays
from onnx_bridge.frontends.exported import require
from onnx_bridge.frontends.jax.models import Model


@dataclass(frozen=True)
class Inputs:
    """A model's inputs.

    Attributes:
        names: of the arrays among its arguments, in the order of its parameters.
        values: the examples, in the types that JAX computes with.
        arguments: from such arrays to (args, kwargs) of the model.
    """

    names: list[str]
    values: list[np.ndarray]
    arguments: Callable[[Sequence[Any]], tuple[tuple[Any, ...], dict[str, Any]]]

    def __str__(self) -> str:
        return ", ".join(f"{name}: {value.dtype}{list(value.shape)}" for name, value in zip(self.names, self.values, strict=True))


def bind(model: Model, examples: Any, constants: Mapping[str, Any]) -> Inputs:
    """Binds examples to parameters: arrays are inputs; Python's numbers, text and None are constants.

    Raises:
        ExportError: there are none, or they do not fit the parameters.
    """
    signature = inspect.Signature(list(model.parameters.values()))
    spelt = f"{model.name}{signature}"
    if examples is None:
        raise ExportError(f"{spelt}: a model of JAX is exported with example_inputs: an array, a tuple of them, or a mapping by name")
    args, kwargs = _given(model, examples, spelt)
    try:
        bound = signature.bind(*args, **kwargs, **{name: value for name, value in constants.items() if name not in kwargs})
    except TypeError as error:
        raise ExportError(f"{spelt}: the example inputs do not fit the parameters: {error}") from None
    tree_util = require("jax.tree_util", "JAX", "jax")
    leaves, tree = tree_util.tree_flatten_with_path((bound.args, bound.kwargs))
    places = [index for index, (_, leaf) in enumerate(leaves) if arrays.is_array(leaf)]
    if not places:
        raise ExportError(f"{spelt}: there is no array among the example inputs; Python's numbers are constants of the exported model")

    def arguments(values: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        filled = [leaf for _, leaf in leaves]
        for index, value in zip(places, values, strict=True):
            filled[index] = value
        return tree_util.tree_unflatten(tree, filled)  # type: ignore[no-any-return]

    named = list(map(str, examples)) if isinstance(examples, Mapping) and len(args) == len(examples) else None
    tops = named or [*_positional(model, len(bound.args)), *bound.kwargs]
    paths = [_path(leaves[index][0], tops) for index in places]
    return Inputs(names_of(paths), [_as_jax_has_it(leaves[index][1]) for index in places], arguments)


def _given(model: Model, examples: Any, spelt: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Examples as the caller spelt them, as args and kwargs."""
    if isinstance(examples, Mapping):
        kinds = {parameter.kind for parameter in model.parameters.values()}
        named = [name for name, p in model.parameters.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        if not named and inspect.Parameter.VAR_POSITIONAL in kinds:  # (*args): in the order in which they are given
            return tuple(examples.values()), {}
        if inspect.Parameter.VAR_KEYWORD in kinds or all(name in named for name in examples):
            only = [name for name in named if name in examples and model.parameters[name].kind is inspect.Parameter.POSITIONAL_ONLY]
            return tuple(examples[name] for name in only), {str(k): v for k, v in examples.items() if k not in only}
        required = [name for name in named if model.parameters[name].default is inspect.Parameter.empty]
        if len(required) == 1 and required[0] not in examples:  # a model of one argument, which is a mapping
            return (dict(examples),), {}
        unknown = ", ".join(repr(name) for name in examples if name not in named)
        raise ExportError(f"{spelt}: the example inputs do not fit the parameters: there is no parameter {unknown}")
    return (examples if isinstance(examples, tuple) else (examples,)), {}


def _as_jax_has_it(value: Any) -> np.ndarray:
    """The array as JAX takes it: without x64, 64 bits become 32."""
    dtypes = require("jax.dtypes", "JAX", "jax")
    array = arrays.array(value)
    return array.astype(dtypes.canonicalize_dtype(array.dtype))


def _positional(model: Model, count: int) -> list[str]:
    """A name for each positional argument."""
    names: list[str] = []
    for name, parameter in model.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            more = count - len(names)
            names += ["x"] if more == 1 else [f"x_{index}" for index in range(more)]  # "args" says nothing
        elif len(names) < count:
            names.append(name)
    return names[:count]


def _path(path: Sequence[Any], tops: Sequence[str]) -> list[str | int]:
    """A leaf's place: the parameter's name, then keys and indices."""
    which, argument, *rest = [key_of(entry) for entry in path]
    top = tops[int(argument)] if which == 0 else str(argument)
    return [top, *rest]


def key_of(entry: Any) -> str | int:
    """The key of one step into a pytree."""
    for attribute in ("key", "idx", "name"):
        if hasattr(entry, attribute):
            key = getattr(entry, attribute)
            return key if isinstance(key, int) else str(key)
    return str(entry)


def names_of(paths: Sequence[Sequence[str | int]]) -> list[str]:
    """Names for leaves: the last key where that is text and no other leaf's, else the whole path."""
    last = [path[-1] if path else "" for path in paths]
    names: list[str] = []
    for path, key in zip(paths, last, strict=True):
        short = isinstance(key, str) and last.count(key) == 1
        name = re.sub(r"\W", "_", str(key) if short else "_".join(map(str, path))) or "output"
        while name in names:
            name += "_"
        names.append(name)
    return names
