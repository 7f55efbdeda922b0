"""Objects named as "module:attribute" or "file.py:attribute": how a command line speaks of a model that only Python code can make."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from onnx_bridge.errors import ExportError

_NAME = re.compile(r"(?P<module>[A-Za-z_][\w.]*|.*\.py):(?P<attribute>[A-Za-z_][\w.]*)")


def is_name(model: str | Path) -> bool:
    """Whether a string names an object rather than a file."""
    return isinstance(model, str) and _NAME.fullmatch(model) is not None and not Path(model).exists()


def environment(_: Path) -> Mapping[str, str]:
    """What TensorFlow must have, should the module import it: nothing can be known before."""
    from onnx_bridge.frontends.keras.files import TENSORFLOW  # not above: importing onnx_bridge imports no front end

    return TENSORFLOW


def load(model: str) -> tuple[object, str]:
    """The object, and the name of its attribute. A function without required parameters makes the model: it is called.

    Raises:
        ExportError: there is no such module or attribute, or importing it fails.
    """
    found = _NAME.fullmatch(model)
    if found is None:
        raise ExportError(f"{model!r} does not name an object: MODULE:ATTRIBUTE or FILE.py:ATTRIBUTE is meant")
    module, attribute = found["module"], found["attribute"]
    try:
        value: object = _from_file(Path(module)) if module.endswith(".py") else importlib.import_module(module)
    except ImportError as error:
        raise ExportError(f"{model}: cannot import {module!r}: {error}") from None
    except Exception as error:
        raise ExportError(f"{model}: {module!r} fails as it is imported: {type(error).__name__}: {error}") from error
    for part in attribute.split("."):
        if not hasattr(value, part):
            raise ExportError(f"{model}: {module!r} has no {part!r}")
        value = getattr(value, part)
    return (value() if _makes_a_model(value) else value), attribute.rpartition(".")[2]  # type: ignore[operator]


def _from_file(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"there is no file {str(path)!r}")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    sys.path.insert(0, str(path.parent))
    spec.loader.exec_module(module)
    return module


def _makes_a_model(value: object) -> bool:
    if not inspect.isfunction(value):
        return False
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(p.default is not p.empty or p.kind in kinds for p in inspect.signature(value).parameters.values())
