"""What asks other estimators: one for each pair of classes, chains, and those that only hold a fitted one."""

from __future__ import annotations

from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.sklearn.context import Context, Made, by_decision, classes_of, convert, of_matrix

_ZERO = np.float64(0)


@of_matrix("OneVsOneClassifier")
def one_against_one(c: Context, model: Any, x: str) -> Made:
    """Each pair's classifier votes; how sure they are decides between classes with as many votes, and is worth less than half a vote."""
    count, wins, scores = len(classes_of(model)), [], []
    which = model.pairwise_indices_ or [None] * len(model.estimators_)
    for one, places in zip(model.estimators_, which, strict=True):
        given = x if places is None else c.g.columns(x, [int(place) for place in places])
        made = convert(c, one, c.numbers(given, one.n_features_in_))
        if "index" not in made or len(one.classes_) != 2:
            raise ExportError(f"OneVsOneClassifier of a {type(one).__name__} is not supported")
        scored = "decision" in made and hasattr(one, "decision_function")
        score = c.g.reshape(made["decision"], -1, 1) if scored else c.g.columns(made["proba"], [1], 2)
        wins.append(c.g.cast(c.g.reshape(made["index"], -1, 1), np.float64))
        scores.append(score)
    pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
    toward = np.zeros((len(pairs), count))
    for number, (i, j) in enumerate(pairs):
        toward[number, i], toward[number, j] = -1, 1
    sure = c.g.add("MatMul", c.g.concat(scores), toward)
    votes = c.g.add("Add", c.g.add("MatMul", c.g.concat(wins), toward), (toward < 0).sum(0).astype(np.float64)[None])
    scale = c.g.add("Mul", c.g.add("Add", c.g.add("Abs", sure), np.float64(1)), np.float64(3))
    decision = c.g.add("Add", votes, c.g.add("Div", sure, scale))
    if count > 2:
        return by_decision(c, decision, count)
    second = c.g.reshape(c.g.columns(decision, [1], 2), -1)
    if hasattr(model.estimators_[0], "decision_function"):
        return by_decision(c, second, 2)
    return {"decision": second, "index": c.g.cast(c.g.add("Greater", second, np.float64(0.5)), np.int64)}


@of_matrix("RANSACRegressor", "SelfTrainingClassifier")
def holding_one(c: Context, model: Any, x: str) -> Made:
    """What the estimator answers that was fitted in the end."""
    return convert(c, model.estimator_, c.numbers(x, model.n_features_in_))


@of_matrix("RegressorChain")
def chain(c: Context, model: Any, x: str) -> Made:
    """Each regressor is given what those before it answered, too."""
    columns: list[str] = [x]
    answers: list[str] = []
    for one in model.estimators_:
        given = c.g.concat(columns) if len(columns) > 1 else x
        answers.append(c.g.reshape(convert(c, one, c.numbers(given, model.n_features_in_ + len(answers)))["prediction"], -1, 1))
        columns = [x, *answers]
    ordered = [answers[list(model.order_).index(place)] for place in range(len(answers))]
    return {"prediction": c.g.concat(ordered)}


@of_matrix("DummyRegressor")
def dummy_regressor(c: Context, model: Any, x: str) -> Made:
    """The same for all rows."""
    nothing = c.g.add("MatMul", c.g.add("Mul", x, _ZERO), np.zeros((model.n_features_in_, np.size(model.constant_))))
    nothing = c.g.add("Where", c.g.add("IsNaN", nothing), _ZERO, nothing)  # whatever the row
    made = c.g.add("Add", nothing, np.asarray(model.constant_, np.float64).reshape(1, -1))
    return {"prediction": c.g.reshape(made, -1) if model.n_outputs_ == 1 else made}
