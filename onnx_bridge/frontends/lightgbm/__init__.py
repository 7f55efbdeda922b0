"""LightGBM: boosters, its estimators for scikit-learn, and its files; written as ONNX from what the library itself saves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError, InvalidModel
from onnx_bridge.frontends.exported import Exported, innermost, require
from onnx_bridge.frontends.graph import Graph
from onnx_bridge.frontends.lightgbm.booster import Booster, booster_of
from onnx_bridge.frontends.request import Request
from onnx_bridge.frontends.table import Answer, Table, finished, table_of


def recognises(model: object) -> bool:
    """Whether a live object is a booster of LightGBM or one of its estimators: told by the names of its classes."""
    names = ("lightgbm.basic", "Booster"), ("lightgbm.sklearn", "LGBMModel")
    return any((cls.__module__, cls.__name__) in names for cls in type(model).__mro__)


def reads(path: Path) -> bool:
    """Whether a file begins as those that LightGBM saves do."""
    if not path.is_file() or path.suffix.lower() not in (".txt", ".lgb", ".model"):
        return False
    with path.open("rb") as file:
        return file.read(32).replace(b"\r", b"").startswith(b"tree\nversion=v")


def environment(_: Path) -> Mapping[str, str]:
    """Variables for the process that exports a file."""
    return {}


def export(model: Any, request: Request) -> Exported:
    """Exports a booster, an estimator, or a file.

    Raises:
        InvalidModel: the file is damaged.
        ExportError: LightGBM is missing, or the model is of a form that cannot be exported.
    """
    lightgbm = require("lightgbm", "LightGBM", "lightgbm")
    name = type(model).__name__
    if isinstance(model, Path):
        name, path = model.stem, model
        try:
            model = lightgbm.Booster(model_file=str(path))
        except Exception as error:
            raise InvalidModel(f"{str(path)!r} cannot be read by LightGBM: {innermost(error)}") from None
    g = Graph()
    core = model if isinstance(model, lightgbm.Booster) else _booster(model, name)
    booster = booster_of(core.model_to_string())
    table = table_of(request, booster.features, core.feature_name(), name)
    g.reserve(["label", "probabilities", "prediction"])
    answers = [_plain_booster(g, core, booster, table)] if model is core else estimator(g, model, booster, matrix(g, table), table.real)
    return finished(g, table, answers, name, f"LightGBM {lightgbm.__version__}", "its own saved trees")


def matrix(g: Graph, table: Table) -> str:
    """The inputs as one matrix of doubles, which is what LightGBM computes with."""
    parts = [g.cast(column.value, np.float64) if column.dtype != np.float64 else column.value for column in table.declare(g)]
    return g.concat(parts)


def _booster(model: Any, name: str) -> Any:
    try:
        return model.booster_
    except Exception as error:
        raise ExportError(f"{name} has not been fitted: {innermost(error)}") from None


def read(model: Any) -> Booster:
    """The booster of an estimator, as far as its answers take it."""
    return booster_of(_booster(model, type(model).__name__).model_to_string())


def _answer(g: Graph, booster: Booster, x: str, real: np.dtype[Any], library: Any) -> Answer:
    value, groups = booster.transformed(g, booster.margins(g, x)), booster.groups
    shape = (groups,) if groups > 1 else ()
    value = value if shape else g.reshape(value, -1)
    return Answer("prediction", value if real == np.float64 else g.cast(value, real), real, shape, library)


def _plain_booster(g: Graph, core: Any, booster: Booster, table: Table) -> Answer:
    """What Booster.predict gives."""
    return _answer(g, booster, matrix(g, table), table.real, core.predict)


def estimator(g: Graph, model: Any, booster: Booster, x: str, real: np.dtype[Any]) -> list[Answer]:
    """What an estimator answers: labels and probabilities, or a prediction."""
    if not hasattr(model, "classes_"):
        return [_answer(g, booster, x, real, model.predict)]
    if booster.objective == "custom":
        raise ExportError("a classifier of LightGBM with an objective of your own gives raw scores, not labels: convert its booster_")
    scores = booster.transformed(g, booster.margins(g, x))
    if booster.groups == 1:
        scores = g.concat([g.add("Sub", np.float64(1), scores), scores])
    classes = np.asarray(model.classes_)
    label = g.classes(g.add("ArgMax", scores, axis=1, keepdims=0), classes)
    dtype = np.dtype(object) if classes.dtype.kind in "OUS" else np.dtype(np.int64)
    value = scores if real == np.float64 else g.cast(scores, real)
    return [
        Answer("label", label, dtype, (), model.predict),
        Answer("probabilities", value, real, (max(booster.groups, 2),), model.predict_proba),
    ]


__all__ = ["environment", "estimator", "export", "matrix", "read", "reads", "recognises"]
