"""Frameworks: each is recognised, exported to ONNX, and asked for its own answer.

One folder a framework, each with the same face:

    recognises(model)       whether a live object is the framework's; imports nothing
    reads(path)             whether a file or folder is; looks at it without running it
    environment(path)       variables that the process must have before the framework is imported there
    export(model, request)  a live object, or a path, as `Exported`

A file, and an object named as "module:attribute", is exported in a process of its own; a live object where it is.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from onnx_bridge.custom import complete, load
from onnx_bridge.errors import ExportError
from onnx_bridge.frontends import python_objects
from onnx_bridge.frontends.exported import Exported
from onnx_bridge.frontends.isolated import export_isolated
from onnx_bridge.frontends.quiet import quiet, silent
from onnx_bridge.frontends.request import Request

#: The frameworks, in the order in which they are asked; JAX is last, for any function may be one of JAX.
FRAMEWORKS = ("keras", "torch", "xgboost", "lightgbm", "sklearn", "jax")


def frontend(name: str) -> ModuleType:
    """The front end of a framework; importing it imports no framework."""
    return importlib.import_module(f"onnx_bridge.frontends.{name}")


def framework_of(model: object) -> str | None:
    """Which framework a model, or its file, is of; None for what is ONNX, or nobody's."""
    if isinstance(model, (str, Path)):
        if python_objects.is_name(model):
            return "named"
        path = Path(model)
        return next((name for name in FRAMEWORKS if frontend(name).reads(path)), None)
    return next((name for name in FRAMEWORKS if frontend(name).recognises(model)), None)


def export(model: object, framework: str, request: Request) -> Exported:
    """Exports a model of a framework to ONNX.

    Args:
        model: a live object, a path, or "module:attribute".
        framework: what `framework_of` said.
        request: example inputs, dynamic dims, and what else the caller said.

    Raises:
        ExportError: the framework is missing, refuses the model, or was given inputs that do not fit.
    """
    if isinstance(model, (str, Path)):
        module = python_objects if framework == "named" else frontend(framework)
        return export_isolated(str(model), framework, request, module.environment(Path(model)))
    import_modules(request.imports)
    load()
    with quiet() as log:
        exported: Exported = frontend(framework).export(model, request)
    exported.log, exported.reference = log.text, silent(exported.reference)
    complete(exported.model)
    return exported


def export_here(model: str, framework: str, request: Request) -> Exported:
    """Exports a file, or a named object, in this process: what the process of its own does."""
    import_modules(request.imports)
    load()
    exported: Exported
    if framework != "named":
        exported = frontend(framework).export(Path(model), request)
    else:
        found, name = python_objects.load(model)
        owner = framework_of(found)
        if owner is None:
            raise ExportError(f"{model}: is a {type(found).__name__}, not a model of {', '.join(FRAMEWORKS)}")
        exported = frontend(owner).export(found, request)
        exported.name = name
    complete(exported.model)
    return exported


def import_modules(names: Sequence[str]) -> None:
    """Imports what was asked for: modules that register layers or operators.

    Raises:
        ExportError: there is none of that name, or importing it fails.
    """
    for module in names:
        try:
            importlib.import_module(module)
        except Exception as error:
            words = str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
            raise ExportError(f"cannot import {module!r}, which was to be imported before the model is read: {words}") from error


__all__ = ["FRAMEWORKS", "Exported", "Request", "export", "export_here", "framework_of", "frontend", "import_modules"]
