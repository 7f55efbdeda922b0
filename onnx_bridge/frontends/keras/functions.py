"""Functions and modules of TensorFlow, live or out of a SavedModel: what of them is to be called, and with what."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from onnx_bridge.errors import ExportError

#: Positional and named arguments, as specifications of tensors.
Specs: TypeAlias = "tuple[tuple[Any, ...], dict[str, Any]]"


def callable_of(thing: Any) -> tuple[Callable[..., Any], Specs | None]:
    """What is to be called, and the specifications of its arguments if it says them.

    Of a SavedModel that is the function which takes and returns what the model did: `serve` of Keras' export, or the call itself. Its
    serving signature is the last resort, for a signature knows its outputs by their names alone, sorted.

    Raises:
        ExportError: there is nothing to call.
    """
    if hasattr(thing, "structured_input_signature"):  # a concrete function
        return _concrete(thing)
    call = thing.__call__ if callable(thing) else None
    for candidate in (getattr(thing, "serve", None), call):
        found = [function for function in getattr(candidate, "concrete_functions", ()) if not _trains(function)]
        if found:
            return _concrete(max(found, key=_openness))
    signatures = dict(getattr(thing, "signatures", None) or {})
    if signatures:
        return _by_name(signatures.get("serving_default") or next(iter(signatures.values())))
    function = thing if hasattr(thing, "python_function") else call
    if function is None:
        raise ExportError(
            f"a {type(thing).__name__} without __call__, `serve` or signatures cannot be converted: convert one of its functions, or "
            f"save it with signatures"
        )
    given = getattr(function, "input_signature", None)
    return function, None if given is None else (tuple(given), {})


def _trains(function: Any) -> bool:
    """Whether a concrete function was traced for training, with True bound to one of its arguments."""
    args, kwargs = function.structured_input_signature
    return any(value is True for value in (*args, *kwargs.values()))


def _openness(function: Any) -> int:
    """How many sizes a concrete function leaves open: of several, the most general one is wanted."""
    return sum(size is None for tensor in function.inputs if tensor.shape.rank is not None for size in tensor.shape)


def _concrete(function: Any) -> tuple[Callable[..., Any], Specs]:
    """A concrete function called with its tensors alone; what else it was traced with is bound."""
    args, kwargs = function.structured_input_signature

    def call(*given: Any, **named: Any) -> Any:
        tensors = iter(given)
        whole = [next(tensors) if _is_spec(value) else value for value in args]
        return function(*whole, **{name: named.get(name, value) for name, value in kwargs.items()})

    return call, (tuple(value for value in args if _is_spec(value)), {name: value for name, value in kwargs.items() if _is_spec(value)})


def _by_name(function: Any) -> tuple[Callable[..., Any], Specs]:
    """A signature; numbered inputs and outputs in the order of their numbers, where TensorFlow sorts 10 before 2."""
    _, kwargs = function.structured_input_signature
    names = sorted(kwargs, key=_natural)

    def call(**given: Any) -> Any:
        made = function(**given)
        numbered = all(re.fullmatch(r"output_\d+", name) for name in made)
        return [made[name] for name in sorted(made, key=_natural)] if numbered else made

    return call, ((), {name: kwargs[name] for name in names})


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _is_spec(value: Any) -> bool:
    """Whether it is a specification of tensors, or a structure of them."""
    if isinstance(value, Mapping):
        return any(map(_is_spec, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_is_spec, value))
    return hasattr(value, "dtype") and hasattr(value, "shape")
