"""Models of JAX in one form: a function of numbers that a model holds and of its inputs."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.exported import require

#: Parameters that say whether a model is trained or used, and what they are when it is used.
INFERENCE = {
    "train": False, "training": False, "is_training": False, "deterministic": True, "use_running_average": True, "inference": True,
}  # fmt: skip


@dataclass(frozen=True)
class Model:
    """A model.

    Attributes:
        call: the state, then the model's own arguments.
        state: arrays that it holds, a pytree.
        parameters: of the model's own arguments.
        name: what it is called.
        kind: what it is, in messages.
        package: the packages that it is of, beside JAX.
        one_example: whether it is written for one example, without the batch, as modules of Equinox are.
        notes: what was put to inference mode.
    """

    call: Callable[..., Any]
    state: Any
    parameters: dict[str, inspect.Parameter]
    name: str
    kind: str
    package: str = ""
    one_example: bool = False
    notes: list[str] = field(default_factory=list)


def kind_of(model: object) -> str | None:
    """What a live object is: "linen", "pair" (a linen module and its variables), "nnx", "equinox", "function", or nothing of JAX's."""
    if isinstance(model, (tuple, list)):
        return "pair" if len(model) == 2 and kind_of(model[0]) == "linen" else None
    if isinstance(model, (str, bytes, type, types.ModuleType)):
        return None
    for cls in type(model).__mro__:
        name = f"{cls.__module__}.{cls.__qualname__}"
        if name == "flax.linen.module.Module":
            return "linen"
        if name == "flax.nnx.module.Module":
            return "nnx"
        if name.startswith("equinox.") and cls.__qualname__ == "Module":
            return "equinox"
    known = isinstance(model, (types.FunctionType, types.MethodType, functools.partial))
    return "function" if known or (callable(model) and type(model).__module__.partition(".")[0] in ("jax", "jaxlib")) else None


def model_of(model: Any) -> Model:
    """A live object in the one form.

    Raises:
        ExportError: it lacks its variables, or cannot be called.
    """
    kind = kind_of(model)
    if kind == "pair":
        return _linen(*model)
    if kind == "linen":
        if model.scope is None:
            raise ExportError(
                f"{_name(model)} is a module of flax.linen without its variables: give convert((module, variables)), where variables "
                f"is what module.init returned, or {{'params': ...}} with the parameters of training"
            )
        return _linen(*model.unbind())
    if kind == "nnx":
        return _nnx(model, "__call__")
    if kind == "equinox":
        return _equinox(model)
    if isinstance(model, types.MethodType) and kind_of(model.__self__) == "nnx":
        return _nnx(model.__self__, model.__name__)
    name = getattr(model, "__name__", "") or getattr(getattr(model, "func", None), "__name__", "") or "function"
    name = name.replace("<lambda>", "function")
    return Model(lambda _, *args, **kwargs: model(*args, **kwargs), (), _parameters(model), name, "function")


def _linen(module: Any, variables: Any) -> Model:
    if not hasattr(variables, "keys"):
        raise ExportError(
            f"{_name(module)}: the variables of a module of flax.linen are a mapping of collections, such as {{'params': ...}}, "
            f"not {type(variables).__name__}"
        )
    if "params" not in variables and variables and not any(key in variables for key in ("batch_stats", "cache")):
        raise ExportError(
            f"{_name(module)}: the variables have no collection 'params', they have {', '.join(map(repr, list(variables)[:4]))}: "
            f"parameters alone are given as {{'params': parameters}}"
        )

    def call(state: Any, *args: Any, **kwargs: Any) -> Any:
        return module.apply(state, *args, **kwargs)

    return Model(call, variables, _parameters(module.__call__), _name(module), "module of flax.linen", "flax")


def _nnx(module: Any, method: str) -> Model:
    nnx = require("flax.nnx", "Flax", "jax")
    used = nnx.merge(*nnx.split(module))  # the caller's own is left as it is
    layers = [layer for _, layer in nnx.iter_modules(used)]
    before = [_mode(layer) for layer in layers]
    used.eval()
    changed = sorted({_name(layer) for layer, mode in zip(layers, before, strict=True) if _mode(layer) != mode})
    notes = [f"put to inference mode: {', '.join(changed)}"] if changed else []
    definition, state = nnx.split(used)
    tree_map = require("jax", "JAX", "jax").tree_util.tree_map

    def call(state: Any, *args: Any, **kwargs: Any) -> Any:
        state = tree_map(lambda leaf: leaf, state)  # variables of this trace, which the model may change (random counts of nnx.RNN)
        return getattr(nnx.merge(definition, state), method)(*args, **kwargs)

    return Model(call, state, _parameters(getattr(module, method)), _name(module), "module of flax.nnx", "flax", notes=notes)


def _mode(module: Any) -> tuple[Any, Any]:
    return getattr(module, "deterministic", None), getattr(module, "use_running_average", None)


def _equinox(module: Any) -> Model:
    equinox = require("equinox", "Equinox", "jax")
    if not callable(module):
        raise ExportError(f"{_name(module)} is a module of Equinox without __call__: give a function that calls what is meant")
    used = equinox.nn.inference_mode(module)
    notes = [] if bool(equinox.tree_equal(used, module)) else ["put to inference mode: layers of Equinox that differ in training"]
    state, rest = equinox.partition(used, equinox.is_array)

    def call(state: Any, *args: Any, **kwargs: Any) -> Any:
        return equinox.combine(state, rest)(*args, **kwargs)

    return Model(call, state, _parameters(module.__call__), _name(module), "module of Equinox", "equinox", one_example=True, notes=notes)


def in_inference(model: Model, given: set[str]) -> tuple[Model, dict[str, bool]]:
    """Values for parameters that say whether the model is trained, where the caller gives none; with a note for each."""
    values: dict[str, bool] = {}
    for name, parameter in model.parameters.items():
        if name in INFERENCE and name not in given and (parameter.default is parameter.empty or parameter.default is (not INFERENCE[name])):
            values[name] = INFERENCE[name]
    notes = [f"called with {name}={value}, for inference" for name, value in values.items()]
    return replace(model, notes=[*model.notes, *notes]), values


def _parameters(function: Any) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # a callable without a signature: it takes what it is given
        return {"x": inspect.Parameter("x", inspect.Parameter.VAR_POSITIONAL)}


def _name(model: Any) -> str:
    return type(model).__name__
