"""XGBoost: boosters, its estimators for scikit-learn, and its files; written as ONNX from what the library itself saves."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError, InvalidModel
from onnx_bridge.frontends.exported import Exported, innermost, require
from onnx_bridge.frontends.graph import Graph
from onnx_bridge.frontends.request import Request
from onnx_bridge.frontends.table import Answer, Table, finished, table_of
from onnx_bridge.frontends.xgboost.booster import Booster, booster_of

#: What its files are called.
_SUFFIXES = (".json", ".ubj")

_FLOAT = np.dtype(np.float32)


def recognises(model: object) -> bool:
    """Whether a live object is a booster of XGBoost or one of its estimators: told by the names of its classes."""
    return any(
        (cls.__module__, cls.__name__) in (("xgboost.core", "Booster"), ("xgboost.sklearn", "XGBModel")) for cls in type(model).__mro__
    )


def reads(path: Path) -> bool:
    """Whether a file begins as those that XGBoost saves do."""
    if path.suffix.lower() not in _SUFFIXES or not path.is_file():
        return False
    with path.open("rb") as file:
        return b"learner" in file.read(64)


def environment(_: Path) -> Mapping[str, str]:
    """Variables for the process that exports a file."""
    return {}


def export(model: Any, request: Request) -> Exported:
    """Exports a booster, an estimator, or a file.

    Raises:
        InvalidModel: the file is damaged.
        ExportError: XGBoost is missing, or the model is of a form that cannot be exported.
    """
    xgboost = require("xgboost", "XGBoost", "xgboost")
    name = type(model).__name__
    if isinstance(model, Path):
        name, model = model.stem, _loaded(xgboost, model)
    framework = f"XGBoost {xgboost.__version__}"
    g = Graph()
    core = model if isinstance(model, xgboost.Booster) else _booster(model, name)
    booster = booster_of(core, _last(model, core))
    table = table_of(request, booster.features, core.feature_names, name)
    g.reserve(["label", "probabilities", "prediction"])
    x = matrix(g, table)
    answers = [_plain_booster(g, xgboost, core, booster, x)] if model is core else estimator(g, model, booster, x)
    if booster.dropped:
        g.notes.append(booster.dropped)
    return finished(g, table, answers, name, framework, "its own saved trees")


def matrix(g: Graph, table: Table) -> str:
    """The inputs as one matrix of float32, which is what XGBoost computes with."""
    parts = [g.cast(column.value, np.float32) if column.dtype != np.float32 else column.value for column in table.declare(g)]
    return g.concat(parts)


def _loaded(xgboost: Any, path: Path) -> Any:
    """What a file holds: an estimator where one saved it, else a booster."""
    booster = xgboost.Booster()
    try:
        booster.load_model(path)
    except Exception as error:
        raise InvalidModel(f"{str(path)!r} cannot be read by XGBoost: {innermost(error)}") from None
    said = booster.attr("scikit_learn")
    kind = None
    with contextlib.suppress(ValueError, AttributeError):
        kind = json.loads(said).get("_estimator_type") if said else None
    cls = {"classifier": xgboost.XGBClassifier, "regressor": xgboost.XGBRegressor, "ranker": xgboost.XGBRanker}.get(str(kind))
    if cls is None:
        return booster
    estimator = cls()
    estimator.load_model(path)
    return estimator


def _booster(model: Any, name: str) -> Any:
    try:
        return model.get_booster()
    except Exception as error:
        raise ExportError(f"{name} has not been fitted: {innermost(error)}") from None


def read(model: Any) -> Booster:
    """The booster of an estimator, as far as its answers take it."""
    core = _booster(model, type(model).__name__)
    return booster_of(core, _last(model, core))


def _last(model: Any, core: Any) -> int:
    """How many rounds an answer takes: an estimator that stopped early takes those up to its best; a booster takes all."""
    if model is core or getattr(model, "booster", None) == "gblinear":
        return 0
    try:
        return int(model.best_iteration) + 1
    except AttributeError:
        return 0


def _plain_booster(g: Graph, xgboost: Any, core: Any, booster: Booster, x: str) -> Answer:
    """What Booster.predict gives."""

    def library(rows: Any) -> Any:
        return core.predict(xgboost.DMatrix(np.asarray(rows, np.float32), missing=np.nan, **_names(core)), validate_features=False)

    margins = booster.margins(g, x)
    name = booster.objective
    if name == "multi:softmax":
        label = g.cast(g.add("ArgMax", margins, axis=1, keepdims=0), np.float32)
        return Answer("prediction", label, _FLOAT, (), library)
    value = booster.transformed(g, margins)
    shape = (booster.groups,) if booster.groups > 1 else ()
    return Answer("prediction", value if shape else g.reshape(value, -1), _FLOAT, shape, library)


def _names(core: Any) -> dict[str, Any]:
    return {"feature_types": core.feature_types, "enable_categorical": True} if core.feature_types else {}


def estimator(g: Graph, model: Any, booster: Booster, x: str) -> list[Answer]:
    """What an estimator answers: labels and probabilities, or a prediction."""

    def fit(rows: Any) -> Any:
        rows = np.asarray(rows, np.float32)
        missing = getattr(model, "missing", np.nan)
        return np.where(np.isnan(rows), np.float32(missing), rows) if not np.isnan(missing) else rows

    if not np.isnan(missing := float(getattr(model, "missing", np.nan))):
        x = g.add("Where", g.add("Equal", x, np.float32(missing)), np.float32(np.nan), x)
    margins = booster.margins(g, x)
    if not hasattr(model, "predict_proba"):
        value, groups = booster.transformed(g, margins), booster.groups
        shape = (groups,) if groups > 1 else ()
        return [Answer("prediction", value if shape else g.reshape(value, -1), _FLOAT, shape, lambda rows: model.predict(fit(rows)))]
    scores = booster.transformed(g, margins)
    classes = booster.groups
    if booster.targets > 1:
        label, shape = g.cast(g.add("Greater", scores, np.float32(0.5)), np.int64), (classes,)
    elif classes > 1:
        label, shape = g.add("ArgMax", scores, axis=1, keepdims=0), ()
    else:
        label, shape = g.reshape(g.cast(g.add("Greater", scores, np.float32(0.5)), np.int64), -1), ()
        scores, classes = g.concat([g.add("Sub", np.float32(1), scores), scores]), 2
    return [
        Answer("label", label, np.dtype(np.int64), shape, lambda rows: model.predict(fit(rows))),
        Answer("probabilities", scores, _FLOAT, (classes,), lambda rows: model.predict_proba(fit(rows))),
    ]


__all__ = ["environment", "estimator", "export", "matrix", "read", "reads", "recognises"]
