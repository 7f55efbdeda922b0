"""scikit-learn: fitted estimators and pipelines, written as ONNX in doubles; skl2onnx writes what is not known here."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.exported import Exported, require
from onnx_bridge.frontends.graph import Graph
from onnx_bridge.frontends.request import Request
from onnx_bridge.frontends.sklearn.context import Context, Made, classes_of, convert
from onnx_bridge.frontends.table import Answer, Table, finished, table_of

#: Where the converters stand.
_MODULES = ("compose", "gaussian_processes", "kernels", "linear", "others", "pairs", "preprocessing", "quantiles", "trees")

_LABEL = np.dtype(np.int64)


def recognises(model: object) -> bool:
    """Whether a live object is an estimator of scikit-learn, or derived from one: told by the names of its classes."""
    return any((cls.__module__, cls.__name__) == ("sklearn.base", "BaseEstimator") for cls in type(model).__mro__)


def reads(_: Path) -> bool:
    """Whether a file is one of scikit-learn's: it has none but pickles, which are programs and are not opened."""
    return False


def environment(_: Path) -> Mapping[str, str]:
    """Variables for the process that exports a file."""
    return {}


def export(model: Any, request: Request) -> Exported:
    """Exports a fitted estimator.

    Raises:
        ExportError: scikit-learn is missing, the estimator has not been fitted, or a part of it has no converter.
    """
    sklearn = require("sklearn", "scikit-learn", "sklearn")
    for name in _MODULES:
        importlib.import_module(f"onnx_bridge.frontends.sklearn.{name}")
    name = type(model).__name__
    validation = require("sklearn.utils.validation", "scikit-learn", "sklearn")
    try:
        validation.check_is_fitted(model)
    except Exception as error:
        raise ExportError(f"{name} has not been fitted: {error}") from None
    g = Graph()
    g.reserve(["label", "probabilities", "scores", "prediction", "transformed"])
    table = table_of(request, getattr(model, "n_features_in_", None), getattr(model, "feature_names_in_", None), name)
    made = convert(Context(g), model, table.declare(g))
    answers = _answers(g, model, made, table)
    g.notes[:] = dict.fromkeys(g.notes)
    return finished(g, table, answers, name, f"scikit-learn {sklearn.__version__}", "converters of onnx_bridge")


def _answers(g: Graph, model: Any, made: Made, table: Table) -> list[Answer]:
    """What the header answers: labels with probabilities or scores, a prediction, or what is transformed."""

    def real(name: str, value: str, shape: tuple[int, ...], library: Callable[[Any], Any]) -> Answer:
        return Answer(name, value if table.real == np.float64 else g.cast(value, table.real), table.real, shape, library)

    if "index" in made and hasattr(model, "predict"):
        classes = classes_of(model)
        text = classes.dtype.kind in "OUS"
        if classes.dtype.kind == "f" and not np.array_equal(classes, classes.astype(np.int64)):
            raise ExportError(f"{type(model).__name__} has classes that are no whole numbers: {classes[:3].tolist()}")
        label = g.classes(made["index"], classes)
        answers = [Answer("label", label, np.dtype(object) if text else _LABEL, (), model.predict)]
        if "proba" in made and hasattr(model, "predict_proba"):
            answers.append(real("probabilities", made["proba"], (len(classes),), model.predict_proba))
        elif "decision" in made and hasattr(model, "decision_function"):
            many = _pairs(model, len(classes))
            answers.append(real("scores", made["decision"], () if many == 1 else (many,), model.decision_function))
        return answers
    if "label" in made:
        answers = [Answer("label", g.cast(made["label"], np.int64), _LABEL, (), model.predict)]
        if "proba" in made:
            answers.append(real("probabilities", made["proba"], (model.n_components,), model.predict_proba))
        elif "decision" in made:
            answers.append(real("scores", made["decision"], (), model.decision_function))
        elif "transform" in made:
            answers.append(real("scores", g.concat([c.value for c in made["transform"]]), (made["transform"][0].width,), model.transform))
        return answers
    if "prediction" in made:
        shape = np.shape(model.predict(_some(model, table)))[1:]
        return [real("prediction", made["prediction"], shape, model.predict)]
    columns = made["transform"]
    if any(column.text for column in columns):
        raise ExportError(f"{type(model).__name__} gives texts")
    width = sum(column.width for column in columns)
    value = Context(g).matrix(columns)
    return [real("transformed", value, (width,), lambda rows: _dense(model.transform(rows)))]


def _pairs(model: Any, classes: int) -> int:
    """How many numbers decision_function gives of a row."""
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    one_by_one = getattr(last, "decision_function_shape", "ovr") == "ovo"
    return 1 if classes == 2 else classes * (classes - 1) // 2 if one_by_one else classes


def _some(model: Any, table: Table) -> Any:
    """Rows to see the shape of an answer by."""
    feeds = table.example or {
        name: np.ones((1, width), dtype) for name, width, dtype in zip(table.names, table.widths, table.dtypes, strict=True)
    }
    return table.rows_of(feeds)


def _dense(value: Any) -> Any:
    return value.toarray() if hasattr(value, "toarray") else value
