"""What is made of other estimators: pipelines, columns, unions; votes, stacks, bags, calibration, one against the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.sklearn.context import Context, Made, both, by_decision, by_proba, classes_of, convert, converts, of_matrix
from onnx_bridge.frontends.table import Column

_ZERO, _ONE = np.float64(0), np.float64(1)


@converts("Pipeline")
def pipeline(c: Context, model: Any, columns: list[Column]) -> Made:
    """One step behind the other."""
    made: Made = {"transform": columns}
    for name, step in model.steps:
        if step is None or step == "passthrough":
            continue
        if "transform" not in made:
            raise ExportError(f"a pipeline's step in front of {name!r} transforms nothing")
        made = convert(c, step, made["transform"])
    return made


@converts("FeatureUnion")
def feature_union(c: Context, model: Any, columns: list[Column]) -> Made:
    """Side by side."""
    made: list[Column] = []
    for name, step in model.transformer_list:
        if step is None or step == "drop":
            continue
        part = _transformed(c, step, columns)
        factor = (model.transformer_weights or {}).get(name)
        if factor is not None:
            part = c.numbers(c.g.add("Mul", c.matrix(part), np.float64(factor)), sum(column.width for column in part))
        made += part
    return {"transform": made}


@converts("ColumnTransformer")
def column_transformer(c: Context, model: Any, columns: list[Column]) -> Made:
    """Each transformer gets its columns."""
    names = list(getattr(model, "feature_names_in_", []))
    single = [
        Column(c.g.columns(column.value, [place], column.width), 1, column.text, column.dtype)
        for column in columns for place in range(column.width)
    ] if any(column.width > 1 for column in columns) and len(columns) > 1 else columns  # fmt: skip
    made: list[Column] = []
    for _, step, which in model.transformers_:
        if isinstance(step, str) and step == "drop":
            continue
        places = _places(which, names, model.n_features_in_)
        if not places:
            continue
        made += _transformed(c, step, _picked(c, single, places))
    return {"transform": made}


def _picked(c: Context, columns: list[Column], places: Sequence[int]) -> list[Column]:
    if len(columns) == 1:
        one = columns[0]
        picked = Column(c.g.columns(one.value, places, one.width), len(places), one.text, one.dtype)
        if one.value in c.singles:
            c.singles.add(picked.value)
        return [picked]
    return [columns[place] for place in places]


def _places(which: Any, names: list[Any], count: int) -> list[int]:
    """Columns by their numbers; they were said by numbers, names, a slice or a mask."""
    if isinstance(which, slice):
        ends = [names.index(end) + int(stop) if isinstance(end, str) else end for end, stop in ((which.start, False), (which.stop, True))]
        return [*range(count)][slice(ends[0], ends[1], which.step)]
    listed: list[Any] = [which] if isinstance(which, str) or np.isscalar(which) else list(which)
    if len(listed) == count and all(isinstance(one, (bool, np.bool_)) for one in listed):
        return [place for place, one in enumerate(listed) if one]
    return [names.index(one) if isinstance(one, str) else int(one) % count for one in listed]


def _transformed(c: Context, step: Any, columns: list[Column]) -> list[Column]:
    made = convert(c, step, columns)
    if "transform" not in made:
        raise ExportError(f"{type(step).__name__} is to transform, and does not")
    return list(made["transform"])


def _mean(c: Context, values: Sequence[str], weights: Sequence[float] | None = None) -> str:
    """The mean, or that by weights, summed in order."""
    total = values[0] if weights is None else c.g.add("Mul", values[0], np.float64(weights[0]))
    for place, value in enumerate(values[1:], 1):
        total = c.g.add("Add", total, value if weights is None else c.g.add("Mul", value, np.float64(weights[place])))
    return str(c.g.add("Div", total, np.float64(len(values) if weights is None else np.sum(weights))))


@of_matrix("VotingClassifier")
def voting_classifier(c: Context, model: Any, x: str) -> Made:
    """Probabilities, or the most votes."""
    made = [convert(c, one, c.numbers(x, model.n_features_in_)) for one in model.estimators_]
    weights = None if model.weights is None else [w for (_, one), w in zip(model.estimators, model.weights, strict=True) if one != "drop"]
    if model.voting == "soft":
        return by_proba(c, _mean(c, [_proba(one, model) for one in made], weights))
    hot = [_hot(c, one["index"], len(classes_of(model))) for one in made]
    return {"index": c.g.add("ArgMax", _mean(c, hot, weights), axis=1, keepdims=0)}


def _hot(c: Context, index: str, classes: int) -> str:
    same = c.g.add("Equal", c.g.reshape(index, -1, 1), np.arange(classes)[None])
    return c.g.cast(same, np.float64)


def _proba(made: Made, model: Any) -> str:
    if "proba" not in made:
        raise ExportError(f"{type(model).__name__} needs probabilities of an estimator that has none here")
    return str(made["proba"])


@of_matrix("VotingRegressor")
def voting_regressor(c: Context, model: Any, x: str) -> Made:
    """The mean of predictions."""
    values = [convert(c, one, c.numbers(x, model.n_features_in_))["prediction"] for one in model.estimators_]
    weights = None if model.weights is None else [w for (_, one), w in zip(model.estimators, model.weights, strict=True) if one != "drop"]
    return {"prediction": _mean(c, values, weights)}


@converts("StackingClassifier", "StackingRegressor")
def stacking(c: Context, model: Any, columns: list[Column]) -> Made:
    """What estimators say, and perhaps the inputs, are the inputs of the last one."""
    parts: list[Column] = []
    for one, method in zip(model.estimators_, model.stack_method_, strict=True):
        made = convert(c, one, columns)
        if method == "predict_proba":
            value, width = _proba(made, model), len(one.classes_)
            value, width = (c.g.columns(value, [1]), 1) if width == 2 else (value, width)
        elif method == "decision_function":
            width = 1 if len(one.classes_) == 2 else len(one.classes_)
            value = c.g.reshape(made["decision"], -1, width)
        else:
            value, width = c.g.reshape(made["prediction"] if "prediction" in made else c.g.cast(made["index"], np.float64), -1, 1), 1
        parts += c.numbers(value, width)
    if model.passthrough:
        parts += columns
    return convert(c, model.final_estimator_, parts)


@of_matrix("BaggingClassifier", "BaggingRegressor")
def bagging(c: Context, model: Any, x: str) -> Made:
    """The mean over estimators, each of some columns."""
    made, count = [], model.n_features_in_
    for one, features in zip(model.estimators_, model.estimators_features_, strict=True):
        own = c.g.columns(x, list(features), count)
        if x in c.singles:
            c.singles.add(own)
        made.append(convert(c, one, c.numbers(own, len(features))))
    if not hasattr(model, "classes_"):
        return {"prediction": _mean(c, [one["prediction"] for one in made])}
    if all("proba" in one for one in made):
        return by_proba(c, _mean(c, [one["proba"] for one in made]))
    return by_proba(c, _mean(c, [_hot(c, one["index"], len(classes_of(model))) for one in made]))


@of_matrix("AdaBoostClassifier")
def ada_boost_classifier(c: Context, model: Any, x: str) -> Made:
    """Votes by weights."""
    count = len(classes_of(model))
    total = None
    for one, weight in zip(model.estimators_, model.estimator_weights_, strict=False):
        index = convert(c, one, c.numbers(x, model.n_features_in_))["index"]
        known = np.searchsorted(model.classes_, one.classes_)
        if len(known) != count:
            index = c.g.add("Gather", c.g.constant(known), index, axis=0)
        hot = c.g.add("Equal", c.g.reshape(index, -1, 1), np.arange(count)[None])
        vote = c.g.add("Where", hot, np.float64(weight), np.float64(-weight / (count - 1) if count > 1 else 0))
        total = vote if total is None else c.g.add("Add", total, vote)
    decision = c.g.add("Div", total, np.float64(model.estimator_weights_.sum()))
    if count == 1:
        return by_proba(c, c.g.add("Add", c.g.add("Mul", decision, _ZERO), _ONE))
    if count == 2:
        first, second = (c.g.columns(decision, [place]) for place in (0, 1))
        decision = c.g.reshape(c.g.add("Add", c.g.add("Neg", first), second), -1)
        sides = c.g.concat([c.g.add("Neg", c.g.reshape(decision, -1, 1)), c.g.reshape(decision, -1, 1)])
        proba = c.g.add("Softmax", c.g.add("Div", sides, np.float64(2)), axis=1)
    else:
        proba = c.g.add("Softmax", c.g.add("Div", decision, np.float64(count - 1)), axis=1)
    return {**by_decision(c, decision, count), "proba": proba}


@of_matrix("AdaBoostRegressor")
def ada_boost_regressor(c: Context, model: Any, x: str) -> Made:
    """The median of predictions by weights."""
    count = len(model.estimators_)
    values = [c.g.reshape(convert(c, one, c.numbers(x, model.n_features_in_))["prediction"], -1, 1) for one in model.estimators_]
    ordered, which = c.g.add("TopK", c.g.concat(values), np.array([count]), axis=1, largest=0, sorted=1, outputs=2)
    weights = np.asarray(model.estimator_weights_, np.float64)[:count]
    summed = c.g.add("CumSum", c.g.add("Gather", c.g.constant(weights), which, axis=0), np.int64(1))
    last = c.g.columns(summed, [count - 1])
    enough = c.g.cast(c.g.add("GreaterOrEqual", summed, c.g.add("Mul", last, np.float64(0.5))), np.float64)
    place = c.g.add("ArgMax", enough, axis=1, keepdims=1)
    return {"prediction": c.g.reshape(c.g.add("GatherElements", ordered, place, axis=1), -1)}


@of_matrix("CalibratedClassifierCV")
def calibrated(c: Context, model: Any, x: str) -> Made:
    """Scores through sigmoids, or through steps that were fitted; the mean over folds."""
    count, probas = len(classes_of(model)), []
    for one in model.calibrated_classifiers_:
        made = convert(c, one.estimator, c.numbers(x, model.n_features_in_))
        if "decision" in made and hasattr(one.estimator, "decision_function"):
            scores = c.g.reshape(made["decision"], -1, 1) if count == 2 else made["decision"]
        else:
            scores = c.g.columns(_proba(made, model), [1]) if count == 2 else _proba(made, model)
        parts = [_calibrator(c, step, c.g.columns(scores, [place])) for place, step in enumerate(one.calibrators)]
        if count == 2:
            probas.append(both(c, c.g.reshape(parts[0], -1)))
            continue
        joined = c.g.concat(parts)
        total = c.g.reduce("ReduceSum", joined, 1)
        none = c.g.add("Equal", total, _ZERO)
        probas.append(c.g.add("Where", none, np.float64(1 / count), c.g.add("Div", joined, c.g.add("Where", none, _ONE, total))))
    return by_proba(c, _mean(c, probas))


def _calibrator(c: Context, step: Any, score: str) -> str:
    if hasattr(step, "a_"):
        return str(c.g.add("Sigmoid", c.g.add("Neg", c.g.add("Add", c.g.add("Mul", score, np.float64(step.a_)), np.float64(step.b_)))))
    if hasattr(step, "X_thresholds_"):
        return interpolated(c, score, np.asarray(step.X_thresholds_, np.float64), np.asarray(step.y_thresholds_, np.float64))
    raise ExportError(f"CalibratedClassifierCV by a {type(step).__name__} is not supported; 'sigmoid' and 'isotonic' are")


def interpolated(c: Context, x: str, at: np.ndarray, values: np.ndarray) -> str:
    """[rows][1]: straight lines between points, level outside."""
    if len(at) == 1:
        return str(c.g.add("Add", c.g.add("Mul", x, _ZERO), values[0]))
    x = c.g.add("Clip", x, np.float64(at[0]), np.float64(at[-1]))
    below = c.g.reduce("ReduceSum", c.g.cast(c.g.add("Greater", x, at[1:-1][None]), np.int64), 1) if len(at) > 2 else None
    slopes = np.diff(values) / np.diff(at)
    if below is None:
        return str(c.g.add("Add", c.g.add("Mul", c.g.add("Sub", x, at[0]), slopes[0]), values[0]))
    first, slope, start = (c.g.add("Gather", c.g.constant(array), below, axis=0) for array in (at[:-1], slopes, values[:-1]))
    return str(c.g.add("Add", c.g.add("Mul", slope, c.g.add("Sub", x, first)), start))


@of_matrix("IsotonicRegression")
def isotonic(c: Context, model: Any, x: str) -> Made:
    """Steps that were fitted."""
    if model.out_of_bounds != "clip":
        c.g.notes.append("IsotonicRegression: out of bounds the header's answer is the one at the bound")
    made = interpolated(c, x, np.asarray(model.X_thresholds_, np.float64), np.asarray(model.y_thresholds_, np.float64))
    return {"prediction": c.g.reshape(made, -1)}


@of_matrix("OneVsRestClassifier")
def one_against_rest(c: Context, model: Any, x: str) -> Made:
    """A classifier for each class."""
    if model.multilabel_:
        raise ExportError("OneVsRestClassifier for several labels at once is not supported")
    count, scores, probas = len(classes_of(model)), [], []
    for one in model.estimators_:
        made = convert(c, one, c.numbers(x, model.n_features_in_))
        probas.append(c.g.columns(made["proba"], [1]) if "proba" in made else "")
        scores.append(c.g.reshape(made["decision"], -1, 1) if "decision" in made else probas[-1])
    if count == 2:
        found: Made = by_decision(c, c.g.reshape(scores[0], -1), 2) if "decision" in made else {}
        return {**by_proba(c, both(c, c.g.reshape(probas[0], -1))), **found} if probas[0] else found
    found = by_decision(c, c.g.concat(scores), count)
    if all(probas):
        joined = c.g.concat(probas)
        found["proba"] = c.g.add("Div", joined, c.g.reduce("ReduceSum", joined, 1))
    return found


@of_matrix("MultiOutputRegressor")
def several_regressors(c: Context, model: Any, x: str) -> Made:
    """A regressor for each target."""
    values = [c.g.reshape(convert(c, one, c.numbers(x, model.n_features_in_))["prediction"], -1, 1) for one in model.estimators_]
    return {"prediction": c.g.concat(values)}


@converts("BaseSearchCV")
def search(c: Context, model: Any, columns: list[Column]) -> Made:
    """The best estimator that was found."""
    return convert(c, model.best_estimator_, columns)


@of_matrix("TransformedTargetRegressor")
def transformed_target(c: Context, model: Any, x: str) -> Made:
    """A regressor whose target was scaled, or taken to logarithms."""
    made = convert(c, model.regressor_, c.numbers(x, model.n_features_in_))["prediction"]
    step = model.transformer_
    name = type(step).__name__
    if name == "StandardScaler":
        scaled = c.g.add("Mul", made, np.float64(np.ravel(step.scale_)[0])) if step.with_std else made
        return {"prediction": c.g.add("Add", scaled, np.float64(np.ravel(step.mean_)[0])) if step.with_mean else scaled}
    known = {np.exp: "Exp", np.sqrt: "Sqrt"}
    inverse = getattr(step, "inverse_func", None)
    if inverse in known:
        return {"prediction": c.g.add(known[inverse], made)}
    if inverse is np.expm1:
        return {"prediction": c.g.add("Sub", c.g.add("Exp", made), _ONE)}
    raise ExportError(f"TransformedTargetRegressor by a {name} of {inverse} is not supported; StandardScaler, exp, expm1 and sqrt are")


@converts("FrozenEstimator")
def frozen(c: Context, model: Any, columns: list[Column]) -> Made:
    """An estimator that is not fitted again."""
    return convert(c, model.estimator, columns)
