"""Estimators that have no converter here: those of XGBoost and LightGBM, and what skl2onnx knows."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.exported import innermost
from onnx_bridge.frontends.graph import ML_OPSET, OPSET
from onnx_bridge.frontends.sklearn.context import Context, Made, of_matrix
from onnx_bridge.frontends.table import Answer, Column


@of_matrix("XGBModel")
def xgboost(c: Context, model: Any, x: str) -> Made:
    """XGBoost's trees, in floats."""
    from onnx_bridge.frontends.xgboost import estimator, read

    return _of_answers(c, model, estimator(c.g, model, read(model), c.g.cast(x, np.float32)))


@of_matrix("LGBMModel")
def lightgbm(c: Context, model: Any, x: str) -> Made:
    """LightGBM's trees, in doubles."""
    from onnx_bridge.frontends.lightgbm import estimator, read

    return _of_answers(c, model, estimator(c.g, model, read(model), x, np.dtype(np.float64)))


def _of_answers(c: Context, model: Any, answers: list[Answer]) -> Made:
    """What such an estimator answers, as those of scikit-learn do."""
    values = {answer.name: answer.value for answer in answers}
    if "prediction" in values:
        return {"prediction": c.g.cast(values["prediction"], np.float64)}
    proba = c.g.cast(values["probabilities"], np.float64)
    binary = len(model.classes_) == 2
    second = c.g.reshape(c.g.columns(values["probabilities"], [1]), -1)
    index = c.g.cast(c.g.add("Greater", c.g.cast(second, np.float64), np.float64(0.5)), np.int64) if binary else c.g.add(
        "ArgMax", values["probabilities"], axis=1, keepdims=0
    )  # fmt: skip
    return {"proba": proba, "index": index}


def convert(c: Context, model: Any, columns: list[Column]) -> Made:
    """By skl2onnx, in doubles where it has them.

    Raises:
        ExportError: it is not installed, or does not know the estimator either.
    """
    name = type(model).__name__
    try:
        to_onnx = importlib.import_module("skl2onnx").to_onnx
        types = importlib.import_module("skl2onnx.common.data_types")
    except ImportError:
        raise ExportError(
            f"{name} has no converter here, and skl2onnx, which may know it, is not installed: pip install skl2onnx"
        ) from None
    text = [column.text for column in columns]
    if any(text) and not all(text):
        raise ExportError(f"{name} has no converter here, and skl2onnx is given texts or numbers, not both")
    x = c.g.concat([column.value for column in columns]) if all(text) else c.matrix(columns)
    kind = types.StringTensorType if all(text) else types.DoubleTensorType
    width = sum(column.width for column in columns)
    classifier = hasattr(model, "classes_")
    try:
        made = to_onnx(
            model, initial_types=[("x", kind([None, width]))], target_opset={"": OPSET, "ai.onnx.ml": min(ML_OPSET, 3)},
            options={id(model): {"zipmap": False}} if classifier else None,
        )  # fmt: skip
    except Exception as error:
        raise ExportError(f"{name} has no converter here, and skl2onnx refuses it: {innermost(error)}") from error
    c.g.notes.append(f"{name} was exported by skl2onnx")
    values = c.g.splice(made, [x])
    if classifier:
        proba = c.g.cast(values[1], np.float64)
        return {"proba": proba, "index": c.g.add("ArgMax", proba, axis=1, keepdims=0)}
    first = c.g.cast(values[0], np.float64)
    if hasattr(model, "transform"):
        shape = made.graph.output[0].type.tensor_type.shape.dim
        return {"transform": c.numbers(first, shape[1].dim_value if len(shape) > 1 else 0)}
    if hasattr(model, "fit_predict"):
        return {"label": c.g.cast(values[0], np.int64)}
    return {"prediction": c.g.reshape(first, -1)}
