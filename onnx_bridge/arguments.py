"""What a caller of `convert` says, checked before it is used: nothing is ignored, and nothing is found wrong only after minutes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from onnx_bridge.errors import ArgumentError
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.optimise import OPTIONAL, STEPS


def check_without(without: Collection[str]) -> None:
    """Passes that are to be left out: they must exist, and a header must be possible without them.

    Raises:
        ArgumentError: they do not, or it is not.
    """
    said = _texts(without, "without", "attention")
    known = {step.name for step in STEPS}
    optional = ", ".join(OPTIONAL)
    for name in said:
        if name not in known:
            raise ArgumentError(f"without: no pass is called {name!r}; those that can be left out are {optional}")
        if name not in OPTIONAL:
            raise ArgumentError(f"without: nothing can be emitted without the pass {name!r}; those that can be left out are {optional}")


def check_imports(imports: Sequence[str]) -> None:
    """Modules to import before a file is read: a sequence of names.

    Raises:
        ArgumentError: it is something else.
    """
    _texts(imports, "imports", "my_package.layers")


def check_dynamic(dynamic: object) -> None:
    """The dynamic axes of inputs: a mapping from inputs to mappings from axes to names.

    Whether the model has them is seen when it is exported.

    Raises:
        ArgumentError: it is something else.
    """
    meant = "a mapping from inputs to their dynamic axes is meant, such as {'x': {0: 'batch'}}"
    if dynamic is None:
        return
    if not isinstance(dynamic, Mapping):
        raise ArgumentError(f"dynamic: {meant}, not {dynamic!r}")
    for key, axes in dynamic.items():
        if not isinstance(key, (str, int)):
            raise ArgumentError(f"dynamic: {meant}; {key!r} is neither the name nor the position of an input")
        if not isinstance(axes, Mapping):
            raise ArgumentError(f"dynamic: {meant}; what is said of {key!r} is {axes!r}")


def check_inputs(model: RModel, inputs: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Sets of inputs to compare with: each holds every input of the model and nothing else, of its rank and kind of number.

    Raises:
        ArgumentError: with the number of the set, the input, and what was expected.
    """
    if isinstance(inputs, Mapping):
        raise ArgumentError("inputs: a list of mappings from input names to arrays is meant; for one set give inputs=[{...}]")
    if isinstance(inputs, (str, bytes, np.ndarray)) or not isinstance(inputs, Iterable):
        raise ArgumentError(f"inputs: a list of mappings from input names to arrays is meant, not {type(inputs).__name__}")
    sets = list(inputs)
    names = ", ".join(tensor.name for tensor in model.inputs) or "none"
    for number, feeds in enumerate(sets):
        if not isinstance(feeds, Mapping):
            raise ArgumentError(f"inputs: set {number} must be a mapping from input names to arrays, not {type(feeds).__name__}")
        for name in feeds:
            if name not in {tensor.name for tensor in model.inputs}:
                raise ArgumentError(f"inputs: set {number} has {name!r}, which is no input of the model (its inputs are {names})")
        for tensor in model.inputs:
            if tensor.name not in feeds:
                raise ArgumentError(f"inputs: set {number} lacks {tensor.name!r} (the inputs are {names})")
            if np.ndim(feeds[tensor.name]) != tensor.rank:
                shape = np.shape(feeds[tensor.name])
                raise ArgumentError(f"inputs: set {number} has {tensor.name!r} with shape {shape}, expected {tensor.type}")
    return sets


def _texts(said: object, argument: str, example: str) -> list[str]:
    if isinstance(said, (str, bytes)) or not isinstance(said, Iterable):
        raise ArgumentError(f"{argument}: a list of names is meant, such as [{example!r}], not {said!r}")
    found = list(said)
    for name in found:
        if not isinstance(name, str):
            raise ArgumentError(f"{argument}: a list of names is meant, such as [{example!r}]; {name!r} is none")
    return found
