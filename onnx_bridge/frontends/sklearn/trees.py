"""Trees and ensembles of trees: tables of scikit-learn's own nodes, thresholds as doubles."""

from __future__ import annotations

from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.forest import Tree, constant, ensemble
from onnx_bridge.frontends.sklearn import internals
from onnx_bridge.frontends.sklearn.context import Context, Made, both, by_decision, by_proba, classes_of, of_matrix

_DOUBLE = np.float64


def tree_of(model: Any, values: np.ndarray | None = None, features: np.ndarray | None = None) -> Tree:
    """The nodes of a decision tree.

    Args:
        model: the estimator.
        values: what its nodes say; by default what it was fitted to.
        features: which column each of its features is.
    """
    tree = model.tree_
    left, right = np.asarray(tree.children_left), np.asarray(tree.children_right)
    leaf = left < 0
    if values is None:
        values = np.asarray(tree.value, np.float64).reshape(len(left), -1)
    feature = np.asarray(tree.feature)
    if features is not None:
        feature = np.where(leaf, feature, np.asarray(features)[np.where(leaf, 0, feature)])
    missing = np.asarray(getattr(tree, "missing_go_to_left", np.zeros(len(left)))).astype(bool)
    return Tree(
        np.where(leaf, -1, feature),
        np.asarray(tree.threshold, np.float64),
        np.where(leaf, 0, left),
        np.where(leaf, 0, right),
        missing,
        values,
    )


def _outputs(model: Any) -> int:
    return int(np.prod(np.asarray(model.tree_.value).shape[1:]))


@of_matrix("DecisionTreeClassifier")
def decision_tree_classifier(c: Context, model: Any, x: str) -> Made:
    """Of one tree the leaf is looked up, and its probabilities in a table."""
    classes_of(model)
    tree = tree_of(model)
    table, tree.values = tree.values, np.arange(len(tree.feature), dtype=np.float64)
    leaf = ensemble(c.g, c.single(x), [tree], [0], 1, _DOUBLE)
    return by_proba(c, c.g.add("Gather", c.g.constant(table), c.g.reshape(c.g.cast(leaf, np.int64), -1), axis=0))


@of_matrix("DecisionTreeRegressor")
def decision_tree_regressor(c: Context, model: Any, x: str) -> Made:
    """What its leaves say."""
    return {"prediction": _targets(c, ensemble(c.g, c.single(x), [tree_of(model)], *_of(model), _DOUBLE), _outputs(model))}


def _of(model: Any, trees: int = 1) -> tuple[list[int] | None, int]:
    count = _outputs(model)
    return ([0] * trees if count == 1 else None), count


def _targets(c: Context, value: str, count: int) -> str:
    return c.g.reshape(value, -1) if count == 1 else value


def _forest(c: Context, model: Any, x: str) -> str:
    trees = [tree_of(tree) for tree in model.estimators_]
    summed = ensemble(c.g, c.single(x), trees, *_of(model.estimators_[0], len(trees)), _DOUBLE)
    return str(c.g.add("Div", summed, np.float64(len(trees))))


@of_matrix("ForestClassifier")
def forest_classifier(c: Context, model: Any, x: str) -> Made:
    """RandomForest and ExtraTrees: probabilities of trees, summed in their order, divided."""
    classes_of(model)
    return by_proba(c, _forest(c, model, x))


@of_matrix("ForestRegressor")
def forest_regressor(c: Context, model: Any, x: str) -> Made:
    """The same of numbers."""
    return {"prediction": _targets(c, _forest(c, model, x), _outputs(model.estimators_[0]))}


@of_matrix("GradientBoostingClassifier", "GradientBoostingRegressor")
def gradient_boosting(c: Context, model: Any, x: str) -> Made:
    """What there is before the first tree, and the trees by the learning rate."""
    first = internals.first_of_gradient_boosting(model)
    count = model.estimators_.shape[1]
    trees, of = [constant(value) for value in first], [*range(count)]
    for stage in model.estimators_:
        for target, one in enumerate(stage):
            trees.append(tree_of(one, np.asarray(one.tree_.value).reshape(-1) * model.learning_rate))
            of.append(target)
    raw = ensemble(c.g, c.single(x), trees, of, count, _DOUBLE)
    if not hasattr(model, "classes_"):
        return {"prediction": c.g.reshape(raw, -1)}
    return _classified(c, raw, count, model.loss == "exponential")


def _classified(c: Context, raw: str, count: int, exponential: bool = False) -> Made:
    """Probabilities of sums: of one by a sigmoid, of several by Softmax."""
    if count > 1:
        return {**by_decision(c, raw, count), "proba": c.g.add("Softmax", raw, axis=1)}
    decision = c.g.reshape(raw, -1)
    proba = c.g.add("Sigmoid", c.g.add("Mul", decision, np.float64(2)) if exponential else decision)
    return {"decision": decision, "proba": both(c, proba), "index": c.g.cast(c.g.add("GreaterOrEqual", decision, np.float64(0)), np.int64)}


@of_matrix("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
def hist_gradient_boosting(c: Context, model: Any, x: str) -> Made:
    """Trees of doubles, missing values, sets of categories."""
    boosting = internals.hist_gradient_boosting(model)
    columns = [*range(model.n_features_in_)]
    if boosting.categories:  # columns of categories come first, as codes
        of = [*boosting.categories]
        parts = []
        for column, known in boosting.categories.items():
            one = c.g.columns(x, [column])
            same = c.g.add("Equal", one, np.asarray(known, np.float64)[None])  # [rows][categories]
            code = c.g.add(
                "ReduceSum", c.g.add("Where", same, np.arange(1, len(known) + 1, dtype=np.float64)[None], np.float64(0)), np.array([1])
            )
            parts.append(c.g.add("Where", c.g.add("Greater", code, np.float64(0)), c.g.add("Sub", code, np.float64(1)), np.float64(np.nan)))
        rest = [column for column in columns if column not in of]
        x = c.g.concat([*parts, c.g.columns(x, rest)] if rest else parts)
    count = len(boosting.first)
    trees = [*(constant(value) for value in boosting.first), *boosting.trees]
    targets = [*range(count), *(number % count for number in range(len(boosting.trees)))]
    raw = ensemble(c.g, x, trees, targets, count, _DOUBLE)
    if hasattr(model, "classes_"):
        return _classified(c, raw, count)
    value = c.g.reshape(raw, -1)
    return {"prediction": c.g.add("Exp", value) if model.loss in ("poisson", "gamma") else value}


@of_matrix("IsolationForest")
def isolation_forest(c: Context, model: Any, x: str) -> Made:
    """How deep a row falls, by what is expected of so many samples."""
    trees = []
    for one, features in zip(model.estimators_, model.estimators_features_, strict=True):
        tree = tree_of(one, None, features)
        tree.values = _depths(tree) + _expected(np.asarray(one.tree_.n_node_samples, np.float64))
        trees.append(tree)
    depth = ensemble(c.g, c.single(x), trees, [0] * len(trees), 1, _DOUBLE)
    most = len(trees) * _expected(np.array([model.max_samples_], np.float64))[0]
    share = c.g.add("Div", depth, np.float64(most)) if most else c.g.add("Add", c.g.add("Mul", depth, np.float64(0)), np.float64(1))
    score = c.g.reshape(c.g.add("Neg", c.g.add("Pow", np.float64(2), c.g.add("Neg", share))), -1)
    decision = c.g.add("Sub", score, np.float64(model.offset_))
    return {"decision": decision, "label": inliers(c, decision)}


def inliers(c: Context, decision: str) -> str:
    """-1 where a decision is below 0, else 1."""
    return str(c.g.add("Where", c.g.add("Less", decision, np.float64(0)), np.int64(-1), np.int64(1)))


def _depths(tree: Tree) -> np.ndarray:
    depths = np.zeros(len(tree.feature))
    for node in range(len(tree.feature)):  # children come behind their parents
        if tree.feature[node] >= 0:
            depths[tree.left[node]] = depths[tree.right[node]] = depths[node] + 1
    return depths


def _expected(samples: np.ndarray) -> np.ndarray:
    """How deep a tree of so many samples is on average."""
    many = np.maximum(samples, 3)
    average = 2.0 * (np.log(many - 1.0) + np.euler_gamma) - 2.0 * (many - 1.0) / many
    return np.asarray(np.where(samples <= 1, 0.0, np.where(samples == 2, 1.0, average)))


def refuse(why: str) -> ExportError:
    """What is said of a form that cannot be written."""
    return ExportError(f"scikit-learn: {why}")
