"""JAX: functions, and modules of flax.linen, flax.nnx and Equinox, exported by jax2onnx."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from onnx_bridge.custom import complete
from onnx_bridge.errors import ExportError, Finding
from onnx_bridge.frontends.exported import Exported, innermost, require
from onnx_bridge.frontends.jax import finish, internals, worlds
from onnx_bridge.frontends.jax.inputs import bind
from onnx_bridge.frontends.jax.lowerings import LOWERINGS
from onnx_bridge.frontends.jax.models import Model, in_inference, kind_of, model_of
from onnx_bridge.frontends.jax.opaque import PrimitiveTracer
from onnx_bridge.frontends.jax.recurrent import opaque_layers
from onnx_bridge.frontends.jax.repairs import REPAIRS
from onnx_bridge.frontends.jax.task import Task, refuses_symbols, task_of
from onnx_bridge.frontends.opaque import marking
from onnx_bridge.frontends.request import Request
from onnx_bridge.frontends.trial import Rejected, Trial
from onnx_bridge.graphs import opset, unknown_operators
from onnx_bridge.judge import is_float

#: RMSNormalization and Attention are ONNX's own from 23 on, and it is what jax2onnx is tested with. From 24 on it would write Swish
#: for every silu, which other tools do not read yet.
OPSET = 23

#: Replacements of jax2onnx's that take fewer forms of call than the originals; without them models come out larger but whole.
_FRAGILE = {
    *(f"jax.numpy.{name}" for name in ("select", "sort", "cumsum", "zeros", "ones", "full")),
    *(f"flax.linen.{name}.__call__" for name in ("Dense", "ConvTranspose", "linear.Dense", "linear.ConvTranspose")),
}


@dataclass(frozen=True)
class Attempt:
    """A way to trace a model.

    Attributes:
        route: how the report calls it.
        original: which functions are JAX's and Flax's own while the model is traced.
    """

    route: str
    original: Callable[[str], bool]


#: In the order in which they are tried; the first whose model computes what JAX computes is taken.
ATTEMPTS = (
    Attempt("jax2onnx", lambda name: False),
    Attempt("jax2onnx without its fragile replacements", lambda name: name in _FRAGILE or name.startswith(("jax.random.", "jax.nn.init"))),
    Attempt("jax2onnx of plain JAX", lambda name: True),
)


def recognises(model: object) -> bool:
    """Whether a live object may be a model of JAX: any function may, if nobody else claims it."""
    return kind_of(model) is not None


def reads(path: Path) -> bool:
    """Whether a file is a checkpoint of JAX's: those hold numbers without the model, and `export` says what to do."""
    if path.is_dir():
        return any((path / name).exists() for name in ("_CHECKPOINT_METADATA", "manifest.ocdbt"))
    return path.suffix in (".msgpack", ".eqx")


def environment(_: Path) -> Mapping[str, str]:
    """Variables that the process must have before JAX is imported there."""
    return {"JAX_PLATFORMS": "cpu"}


def export(model: Any, request: Request) -> Exported:
    """Exports a live model; a file is refused, for JAX has none that holds a model.

    Raises:
        ExportError: JAX or jax2onnx is missing, the example inputs do not fit, or no way of exporting gives what JAX gives.
    """
    if isinstance(model, Path):
        raise ExportError(
            f"{str(model)!r} holds parameters without the model that they belong to: write a Python file that builds the model and reads "
            f"them, and name it as FILE.py:ATTRIBUTE, where the attribute is (module, variables), a module, or a function"
        )
    jax = require("jax", "JAX", "jax")
    exporter = _exporter(jax)
    found = model_of(model)
    given = request.example_inputs
    said = given if isinstance(given, Mapping) else list(found.parameters)[: len(given) if isinstance(given, tuple) else 1]
    found, constants = in_inference(found, set(said))
    inputs = bind(found, given, constants)
    with jax.default_matmul_precision("float32"):
        task = task_of(jax, found, inputs, request)
        route, exported, notes = _exported(exporter, task, request.obstacles)

    def reference(feeds: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        with jax.default_matmul_precision("float32"):
            return task.answer([feeds[name] for name in inputs.names])

    return Exported(
        exported, _versions(jax, found), f"{route} ({exporter.__name__} {version(exporter.__name__)})", reference, found.name,
        [*found.notes, *notes], [dict(zip(inputs.names, inputs.values, strict=True))],
    )  # fmt: skip


def _exported(
    exporter: Any, task: Task, obstacles: Callable[[onnx.ModelProto], Sequence[Finding]]
) -> tuple[str, onnx.ModelProto, list[str]]:
    """The first attempt whose model computes what JAX computes and can be converted; else the one with the least in the way of that."""
    jax = require("jax", "JAX", "jax")
    failures: dict[str, list[str]] = {}
    blocked: list[tuple[int, str, onnx.ModelProto, list[str]]] = []
    if not any(task.axes):
        jax.clear_caches()  # functions that were jitted at these very shapes would come out as they were traced then
    for attempt in ATTEMPTS:
        used: list[str] = []
        try:
            model = _attempt(exporter, task, attempt, used)
            seen = _trial(task, model).run()
        except Exception as error:
            failures.setdefault(str(error) if isinstance(error, Rejected) else innermost(error), []).append(attempt.route)
            continue
        findings = obstacles(model)
        if not findings:
            return attempt.route, model, [*_spelt(failures), *dict.fromkeys(used), *seen.remarks]
        failures.setdefault(f"cannot be converted: {findings[0]}", []).append(attempt.route)
        blocked.append((len(findings), attempt.route, model, [*dict.fromkeys(used), *seen.remarks]))
    if blocked:
        _, route, model, notes = min(blocked, key=lambda found: found[0])
        return route, model, [*_spelt(failures), *notes]
    if not _steady(task):
        raise ExportError(
            f"{task.model.name}, a {task.model.kind}, gives another answer each time it is called with the same inputs: it draws random "
            f"numbers in Python, or keeps a state. Draw them once, outside, or with jax.random and a fixed key"
        )
    listed = "".join(f"\n  - {failure}" for failure in _spelt(failures))
    raise ExportError(f"{task.model.name}, a {task.model.kind}, cannot be exported to ONNX:{listed}\n{_advice(task, failures)}")


def _steady(task: Task) -> bool:
    """Whether the model computes the same when it is traced again."""
    first, second = (task.compute(*task.inputs.values) for _ in range(2))
    return all(np.array_equal(a, b, equal_nan=is_float(np.asarray(a))) for a, b in zip(first, second, strict=True))


def _trial(task: Task, model: onnx.ModelProto) -> Trial:
    """The exported model beside JAX."""
    if newer := sorted({node.op_type for node in unknown_operators(model)}):
        raise Rejected(f"the exporter wrote {', '.join(newer)}, which ONNX has not at opset {opset(model)}")
    names = task.inputs.names
    example, axes = dict(zip(names, task.inputs.values, strict=True)), dict(zip(names, task.axes, strict=True))
    return Trial(model, "JAX", lambda feeds: task.answer([feeds[name] for name in names]), example, axes)


def _spelt(failures: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{', '.join(routes)}: {why}" for why, routes in failures.items()]


def _attempt(exporter: Any, task: Task, attempt: Attempt, used: list[str]) -> onnx.ModelProto:
    """One export."""
    jax = require("jax", "JAX", "jax")
    wanted = task.symbolic()
    made: list[Any] = []
    tracer = PrimitiveTracer()
    kept: list[bool] = []

    def traced(*values: Any) -> tuple[Any, ...]:
        with _world(attempt, used.append, tracer):
            outputs = task.compute(*values)
        made[:] = [jax.ShapeDtypeStruct(value.shape, value.dtype) for value in outputs]
        return outputs

    function = worlds.without_dead_code(traced, lambda body: kept.append(worlds.kept_by_jax(body)))
    with worlds.remembered(), internals.lowerings_replaced(LOWERINGS), contextlib.ExitStack() as stack:
        stack.enter_context(_variables(finish.SAYS_ORIGINS))
        stack.callback(lambda: jax.clear_caches() if kept != [False] else None)  # what was jitted now keeps jax2onnx's replacements
        model: onnx.ModelProto = exporter.to_onnx(
            function, wanted, model_name=task.model.name, opset=OPSET, normalization_mode="prefer_native",
            enable_double_precision=any(value.dtype == np.float64 for value in task.inputs.values),
        )  # fmt: skip
    finish.finish(model, task.inputs.names, task.outputs, wanted, made, tracer.versions, used.append)
    complete(model)
    return model


@contextlib.contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """Sets variables of the process for the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _world(attempt: Attempt, note: Callable[[str], None], tracer: PrimitiveTracer) -> Iterator[None]:
    """What the model meets while it is traced: the attempt's, the repairs', recurrent layers and operators of the user's as nodes."""
    with marking(tracer), worlds.undone(attempt.original), contextlib.ExitStack() as stack:
        for repair in REPAIRS:
            stack.enter_context(repair(note))
        stack.enter_context(opaque_layers(tracer, note))
        yield


def _exporter(jax: Any) -> Any:
    """jax2onnx, with its plugins imported."""
    internals.prepare(jax)
    require("onnxruntime", "JAX", "jax")
    with worlds.remembered(), worlds.put_back():  # as it reads its plugins it replaces jax.numpy.cumsum for good
        exporter = require("jax2onnx", "JAX", "jax")
        internals.import_plugins()
    return exporter


def _versions(jax: Any, model: Model) -> str:
    if not model.package:
        return f"JAX {jax.__version__}"
    return f"JAX {jax.__version__} ({model.package.capitalize()} {version(model.package)})"


#: In what JAX and jax2onnx say where they need a dynamic size as a number.
_OF_SYMBOLS = ("InconclusiveDimension", "Symbolic dimension", "_DimExpr", "DynamicDim", "symbolic", "static", "batch dimension")


def _advice(task: Task, failures: Mapping[str, object]) -> str:
    """What to do."""
    named = " and ".join(sorted({name for axes in task.axes for name in axes.values()}))
    fixed = ", ".join(f"{name!r}: {{}}" for name in task.inputs.names)
    if named and (why := refuses_symbols(task)):
        return f"JAX itself cannot leave {named} open ({why}): write the model without, or fix its shapes with dynamic={{{fixed}}}"
    if named and any(word in why for why in failures for word in _OF_SYMBOLS):
        return f"jax2onnx needs {named} as a number there: write that part otherwise, or fix the shapes with dynamic={{{fixed}}}"
    return "Write the part that is named with other functions of JAX, or make it an operator of your own: onnx_bridge.custom_op"
