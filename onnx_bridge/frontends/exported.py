"""What a front end hands over."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TypeAlias

import numpy as np
import onnx

from onnx_bridge.errors import ExportError

#: The framework's own answer: inputs by the ONNX model's names, outputs in its order. Raises whatever the framework raises.
Reference: TypeAlias = Callable[[Mapping[str, np.ndarray]], Sequence[np.ndarray]]


@dataclass
class Exported:
    """A model as its framework's exporter gave it, with the framework's own answer beside it.

    Attributes:
        model: the ONNX model; its inputs and outputs have the names and the order of the framework's.
        framework: the framework and its version, as the report calls it: "PyTorch 2.13.0".
        route: which exporter made it.
        reference: the framework's own answer.
        name: what the header is called by default.
        notes: why other routes were passed over, what was repaired, what was put to inference mode; `reference` may add to them.
        examples: inputs by name that the model is compared with beside the seeded ones.
        log: what the framework and its exporter printed.
        close: ends whatever `reference` needs.
    """

    model: onnx.ModelProto
    framework: str
    route: str
    reference: Reference
    name: str = "model"
    notes: list[str] = field(default_factory=list)
    examples: list[dict[str, np.ndarray]] = field(default_factory=list)
    log: str = ""
    close: Callable[[], None] = lambda: None


def require(module: str, framework: str, extra: str) -> ModuleType:
    """Imports a module of a framework.

    Raises:
        ExportError: it is not installed, or breaks when it is imported.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ExportError(
            f"a model of {framework} needs the package {error.name!r}, which is not installed: pip install 'onnx_bridge[{extra}]'"
        ) from None
    except Exception as error:  # two packages that do not get on with one another fail in many ways
        raise ExportError(
            f"{module!r}, which a model of {framework} needs, cannot be imported: {type(error).__name__}: {error}. Versions that "
            f"are tested together stand in the repository's constraints folder"
        ) from error


def innermost(error: BaseException) -> str:
    """The framework's own words: those of the error that set off the others."""
    seen = {id(error)}
    while (cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__)) is not None and id(cause) not in seen:
        seen.add(id(cause))
        error = cause
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:600]}" if text else type(error).__name__
