"""How a Keras model or TensorFlow function is called: the names, types and shapes of its tensors, flat, and the call made of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.arrays import array
from onnx_bridge.frontends.exported import require
from onnx_bridge.frontends.request import BATCH, Dynamic, Request, dynamic_axes

#: Names that Keras made up for a tensor that nobody named.
_MADE_UP = re.compile(r"keras_tensor(_\d+)?|args_\d+(_\d+)?")

#: What Keras calls the arguments of models that are no graphs of layers.
_NUMBERED = re.compile(r"(input|inputs)(_\d+)?")


@dataclass
class Signature:
    """Flat inputs and the call that they are for.

    Attributes:
        names: of the inputs, unique.
        shapes: None for sizes that the model leaves open.
        dtypes: of TensorFlow.
        call: flat tensors to whatever the model returns.
        examples: what the caller gave, flat; empty if nothing.
        open: whether the shapes are the model's own, with the open sizes that it has; else they are those of one call.
    """

    names: list[str]
    shapes: list[tuple[int | None, ...]]
    dtypes: list[Any]
    call: Callable[..., Any]
    examples: list[np.ndarray] = field(default_factory=list)
    open: bool = True

    def axes(self, dynamic: Dynamic | None) -> list[dict[int, str]]:
        """For each input its dynamic axes and their names.

        Sizes that the model leaves open are dynamic, whatever else is said: the leading one is the batch, others are called after
        their input. `dynamic` renames them and opens others; an empty mapping fixes the input to its example.

        Raises:
            ExportError: `dynamic` speaks of what there is not, or fixes an input without an example.
        """
        sizes = [tuple(1 if size is None else size for size in shape) for shape in self.shapes]
        said = dynamic_axes(self.names, sizes, dynamic)
        if not self.open:
            return said
        keys = set(dynamic or {})
        made = []
        for index, (name, shape) in enumerate(zip(self.names, self.shapes, strict=True)):
            left_open = {axis: BATCH if axis == 0 else f"{name}_{axis}" for axis, size in enumerate(shape) if size is None}
            if not keys & {name, index, index - len(self.names)}:
                made.append(left_open)
            elif said[index] or not left_open:
                made.append({**left_open, **said[index]})
            elif self.examples:
                self.shapes[index] = self.examples[index].shape
                made.append({})
            else:
                raise ExportError(f"dynamic: the shape of {name!r} {_spelt(shape)} is to be fixed, but not at what: give example_inputs")
        return made


def of_model(model: Any, request: Request) -> Signature:
    """The signature of a Keras model or layer.

    Raises:
        ExportError: it was never built, or the example inputs do not fit.
    """
    keyword = {"training": False} if _takes(model.call, "training") or _is_functional(model) else {}

    def call(*args: Any, **kwargs: Any) -> Any:
        return model(*args, **kwargs, **keyword)

    if _is_functional(model):
        structure = model.input if hasattr(model, "input") else model.inputs
        if isinstance(structure, (list, tuple)) and len(structure) == 1:
            structure = structure[0]
        given = _from_structure(call, structure, _given_name)
        return _with_examples(given, structure, request.example_inputs)
    if request.example_inputs is not None:
        return from_examples(call, model.call, request.example_inputs)
    specs = _recorded(model)
    if specs is None:
        raise ExportError(
            f"the model {model.name!r} ({type(model).__name__}) was never built, so that the shapes of its inputs are not known: call it "
            f"once, or model.build(input_shape), or give convert its example_inputs"
        )
    return from_specs(call, model.call, *specs)


def of_function(function: Any, specs: tuple[tuple[Any, ...], dict[str, Any]] | None, request: Request) -> Signature:
    """The signature of a tf.function, a concrete one, or a callable tf.Module.

    Raises:
        ExportError: it has no signature of its own, and there are no example inputs.
    """
    target = getattr(function, "python_function", function)
    if request.example_inputs is not None and specs is None:
        return from_examples(function, target, request.example_inputs)
    if specs is None:
        raise ExportError(
            "this TensorFlow function or module does not say what it takes: give convert its example_inputs, or the tf.function an "
            "input_signature"
        )
    made = from_specs(function, target, *specs)
    if request.example_inputs is not None:
        made.examples = [array(value) for value in require("tensorflow", "Keras", "keras").nest.flatten(request.example_inputs)]
        _fitting(made)
    return made


def _is_functional(model: Any) -> bool:
    return bool(getattr(model, "inputs", None))


def _takes(call: Callable[..., Any], name: str) -> bool:
    return name in inspect.signature(call).parameters


def _given_name(tensor: Any) -> str:
    """The name of an input of a graph of layers."""
    name = str(getattr(tensor, "name", "") or "").partition(":")[0]
    return "" if _MADE_UP.fullmatch(name) else name


def _tensor_name(tensor: Any) -> str:
    """The name of a tensor's specification, if a person gave it."""
    name = _given_name(tensor)
    return "" if _NUMBERED.fullmatch(name) else name


def _recorded(model: Any) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """The arguments that a model which is no graph of layers was built or called with: what Keras keeps of them."""
    tf = require("tensorflow", "Keras", "keras")
    if callable(getattr(model, "save_spec", None)):  # Keras 2, of a model that was called
        found = model.save_spec()
        if found is not None:
            kept = {name: spec for name, spec in found[1].items() if name not in ("training", "mask")}
            return tuple(found[0]), kept
    config = model.get_build_config() if getattr(model, "built", False) and hasattr(model, "get_build_config") else None
    if not config:
        return None

    def spec(shape: Any) -> Any:
        if isinstance(shape, dict):
            return {key: spec(value) for key, value in shape.items()}
        if isinstance(shape, (list, tuple)) and shape and isinstance(shape[0], (list, tuple, dict)):
            return [spec(value) for value in shape]
        return tf.TensorSpec([None, *list(shape)[1:]], model.compute_dtype)

    if config.get("input_shape") is not None:
        return (spec(config["input_shape"]),), {}
    if config.get("shapes_dict"):
        return (), {name.removesuffix("_shape"): spec(shape) for name, shape in config["shapes_dict"].items()}
    return None


def from_examples(call: Callable[..., Any], target: Callable[..., Any], examples: Any) -> Signature:
    """The signature that example inputs show.

    A tuple holds positional arguments, unless there is only one to take them all; a mapping goes by the parameters' names, or is
    the one argument.
    """
    tf = require("tensorflow", "Keras", "keras")
    values = tf.nest.map_structure(array, examples)
    names = _positional(target)
    if isinstance(values, dict):
        args, kwargs = ((), values) if set(values) <= set(names) else ((values,), {})
    elif isinstance(values, tuple):
        args, kwargs = (values, {}) if len(values) == 1 or len(names) >= len(values) or not names else ((values,), {})
    else:
        args, kwargs = (values,), {}
    made = from_specs(call, target, args, kwargs)
    made.examples, made.open = [np.asarray(value) for value in tf.nest.flatten((args, kwargs))], False
    return made


def from_specs(call: Callable[..., Any], target: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Signature:
    """The signature of a call with positional and named arguments, which are tensors' specifications or structures of them."""
    spare = ["input"] if len(args) == 1 else [f"input_{index}" for index in range(len(args))]
    names = [*_positional(target), *spare]
    named = {names[index]: value for index, value in enumerate(args)} | dict(kwargs)
    count = len(args)

    def flat(structure: Any) -> Any:
        values = list(structure.values())
        return call(*values[:count], **dict(list(structure.items())[count:]))

    return _from_structure(flat, named, _tensor_name, ordered=True)


def _positional(target: Callable[..., Any]) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind in kinds and p.name not in ("self", "training", "mask") and p.kind in kinds]


def _from_structure(call: Callable[[Any], Any], structure: Any, name: Callable[[Any], str], ordered: bool = False) -> Signature:
    """The signature of a call that takes one structure. An input is called as its tensor is, else by its path in the structure."""
    tf = require("tensorflow", "Keras", "keras")
    leaves = list(_walk(structure, (), ordered))
    for path, leaf in leaves:
        called = name(leaf) or "_".join(map(str, path))
        dense = hasattr(leaf, "shape") and hasattr(leaf, "dtype") and not re.match("Ragged|Sparse", type(leaf).__name__)
        if not dense or getattr(leaf, "sparse", False) or getattr(leaf, "ragged", False):
            raise ExportError(f"the input {called!r} is a {type(leaf).__name__}: only dense tensors can be converted")
        if tf.as_dtype(leaf.dtype) == tf.string:
            raise ExportError(f"the input {called!r} holds strings: look them up before the model, and give it their indices")

    def repacked(*tensors: Any) -> Any:
        flat = iter(tensors)
        return call(_rebuilt(structure, flat, ordered))

    found = []
    for path, leaf in leaves:
        inner = path[1:] if ordered else path
        by_key = any(isinstance(part, str) for part in inner)
        found.append("_".join(map(str, inner)) if by_key else name(leaf) or "_".join(map(str, path if ordered else ("input", *path))))
    shapes = [tuple(None if size is None else int(size) for size in _shape(leaf)) for _, leaf in leaves]
    return Signature(unique(found), shapes, [tf.as_dtype(leaf.dtype) for _, leaf in leaves], repacked)


def packed(structure: Any, values: Sequence[Any]) -> Any:
    """A structure with other leaves."""
    return _rebuilt(structure, iter(values), False)


def _shape(leaf: Any) -> Sequence[int | None]:
    try:
        return list(leaf.shape)
    except ValueError:
        raise ExportError("an input of unknown rank cannot be converted: give its tf.TensorSpec a shape") from None


def _walk(structure: Any, path: tuple[Any, ...], ordered: bool) -> Any:
    """Paths and leaves; keys of mappings sorted, as TensorFlow and Keras do, but for the outermost one where it holds arguments."""
    if isinstance(structure, Mapping):
        for key in structure if ordered else sorted(structure):
            yield from _walk(structure[key], (*path, key), False)
    elif isinstance(structure, (list, tuple)):
        for index, value in enumerate(structure):
            yield from _walk(value, (*path, index), False)
    elif structure is not None:
        yield path, structure


def _rebuilt(structure: Any, flat: Any, ordered: bool) -> Any:
    if isinstance(structure, Mapping):
        made = {key: _rebuilt(structure[key], flat, False) for key in (structure if ordered else sorted(structure))}
        return {key: made[key] for key in structure}
    if isinstance(structure, (list, tuple)):
        items = [_rebuilt(value, flat, False) for value in structure]
        return type(structure)(*items) if hasattr(structure, "_fields") else type(structure)(items)
    return None if structure is None else next(flat)


def _with_examples(given: Signature, structure: Any, examples: Any) -> Signature:
    """Checks example inputs against a model that knows its inputs."""
    if examples is None:
        return given
    if isinstance(examples, Mapping):
        missing = set(given.names) ^ set(examples)
        if missing and not isinstance(structure, Mapping):
            named = ", ".join(map(str, examples)) or "none"
            raise ExportError(f"example_inputs: the inputs are {', '.join(given.names)}; given are {named}")
        flat = [examples[name] for name in given.names] if not missing else [value for _, value in _walk(examples, (), False)]
    else:
        flat = [value for _, value in _walk(examples, (), False)]
    given.examples = [array(value) for value in flat]
    _fitting(given)
    return given


def _fitting(given: Signature) -> None:
    if len(given.examples) != len(given.names):
        raise ExportError(f"example_inputs: {len(given.examples)} were given, the model takes {len(given.names)}: {', '.join(given.names)}")
    for index, (name, shape, value) in enumerate(zip(given.names, given.shapes, given.examples, strict=True)):
        fits = len(shape) == value.ndim and all(size in (None, found) for size, found in zip(shape, value.shape, strict=True))
        if not fits:
            raise ExportError(f"example_inputs: {name!r} must have the shape {_spelt(shape)}, the example has {_spelt(value.shape)}")
        given.examples[index] = value.astype(given.dtypes[index].as_numpy_dtype)


def _spelt(shape: Sequence[int | None]) -> str:
    return f"({', '.join('None' if size is None else str(size) for size in shape)}{',' if len(shape) == 1 else ''})"


def unique(names: Sequence[str]) -> list[str]:
    """The names as identifiers, told apart by numbers where they are the same."""
    made: list[str] = []
    for name in names:
        plain = re.sub(r"\W", "_", name) or "input"
        candidate, count = plain, 1
        while candidate in made:
            candidate, count = f"{plain}_{count}", count + 1
        made.append(candidate)
    return made


def outputs(result: Any) -> tuple[list[str], list[Any]]:
    """What a model returned, flat: names after the keys of mappings, else `output`, or `output_0`, `output_1`..."""
    leaves = list(_walk(result, (), False))
    keyed = [any(isinstance(part, str) for part in path) for path, _ in leaves]
    names = ["_".join(map(str, path if key else ("output", *path))) for key, (path, _) in zip(keyed, leaves, strict=True)]
    if len(names) == 1 and not isinstance(result, Mapping):
        names = ["output"]
    return unique(names), [leaf for _, leaf in leaves]
