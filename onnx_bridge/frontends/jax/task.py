"""What is to be exported: a model with its inputs, as a flat function, and JAX's own answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.exported import innermost, require
from onnx_bridge.frontends.jax.inputs import Inputs, key_of, names_of
from onnx_bridge.frontends.jax.models import Model
from onnx_bridge.frontends.request import Request, dynamic_axes


@dataclass(frozen=True)
class Task:
    """What is to be exported.

    Attributes:
        model: the model.
        inputs: its inputs.
        axes: the names of their dynamic axes.
        compute: from arrays, or tracers, to the outputs, flat.
        answer: JAX's own outputs.
        outputs: their names.
    """

    model: Model
    inputs: Inputs
    axes: list[dict[int, str]]
    compute: Callable[..., tuple[Any, ...]]
    answer: Callable[[Sequence[np.ndarray]], list[np.ndarray]]
    outputs: list[str]

    def symbolic(self) -> list[Any]:
        """The inputs' shapes, as jax2onnx takes them: dynamic sizes by name."""
        jax = require("jax", "JAX", "jax")
        return [
            jax.ShapeDtypeStruct(tuple(axes.get(axis, size) for axis, size in enumerate(value.shape)), value.dtype)
            for value, axes in zip(self.inputs.values, self.axes, strict=True)
        ]


def task_of(jax: Any, model: Model, inputs: Inputs, request: Request) -> Task:
    """Looks at what the model makes of the example inputs.

    Raises:
        ExportError: it does not take them.
    """

    def whole(state: Any, *values: Any) -> Any:
        args, kwargs = inputs.arguments(values)
        return model.call(state, *args, **kwargs)

    abstract = [jax.ShapeDtypeStruct(value.shape, value.dtype) for value in inputs.values]
    try:
        structure = jax.eval_shape(whole, model.state, *abstract)
    except Exception as error:
        mapped = jax.vmap(whole, in_axes=(None, *[0] * len(abstract)))
        structure = _shape(jax, mapped, model, abstract) if model.one_example else None
        if structure is None:
            refused = f"{model.name}, a {model.kind}, does not take these example inputs ({inputs}): {innermost(error)}"
            raise ExportError(refused) from error
        model.notes.append("written for one example: exported under jax.vmap, over the leading axis of every input")
        taken = mapped
    else:
        taken = whole
    paths, _ = jax.tree_util.tree_flatten_with_path(structure)
    if not paths:
        raise ExportError(f"{model.name}, a {model.kind}, gives no array")
    outputs = names_of([["output", *map(key_of, path)] for path, _ in paths])
    outputs = [f"output_{name}" if name in inputs.names else name for name in outputs]

    def flat(state: Any, *values: Any) -> tuple[Any, ...]:
        return tuple(jax.numpy.asarray(leaf) for leaf in jax.tree_util.tree_leaves(taken(state, *values)))

    compiled = jax.jit(flat)
    axes = dynamic_axes(inputs.names, [value.shape for value in inputs.values], request.dynamic)
    return Task(
        model, inputs, axes, lambda *values: flat(model.state, *values),
        lambda values: [np.asarray(value) for value in compiled(model.state, *values)], outputs,
    )  # fmt: skip


def _shape(jax: Any, function: Callable[..., Any], model: Model, abstract: Sequence[Any]) -> Any:
    """What a function gives, abstractly; None where it fails."""
    try:
        return jax.eval_shape(function, model.state, *abstract)
    except Exception:
        return None


def refuses_symbols(task: Task) -> str:
    """Why JAX itself cannot leave the dynamic sizes open; empty where it can."""
    jax = require("jax", "JAX", "jax")
    try:
        scope = jax.export.SymbolicScope()
        names = {name: jax.export.symbolic_shape(name, scope=scope)[0] for axes in task.axes for name in axes.values()}
        shapes = [
            jax.ShapeDtypeStruct(tuple(names[axes[axis]] if axis in axes else size for axis, size in enumerate(value.shape)), value.dtype)
            for value, axes in zip(task.inputs.values, task.axes, strict=True)
        ]
        jax.eval_shape(task.compute, *shapes)
    except Exception as error:
        return innermost(error)
    return ""
