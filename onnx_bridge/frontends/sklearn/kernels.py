"""What looks at points that were learnt: support vector machines, nearest neighbours, clusters."""

from __future__ import annotations

from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.sklearn import internals
from onnx_bridge.frontends.sklearn.context import Context, Made, by_decision, by_proba, classes_of, of_matrix
from onnx_bridge.frontends.sklearn.trees import inliers


def apart(c: Context, x: str, points: np.ndarray, op: str = "ReduceSumSquare", power: float = 2) -> str:
    """[rows][points]: sums over differences, not over expanded squares, which lose digits."""
    differences = c.g.add("Sub", c.g.add("Unsqueeze", x, np.array([1])), np.asarray(points, np.float64)[None])
    if op == "power":
        made: str = c.g.reduce("ReduceSum", c.g.add("Pow", c.g.add("Abs", differences), np.float64(power)), 2, keep=False)
        return made
    if op == "ReduceMax":
        differences = c.g.add("Abs", differences)
    return c.g.reduce(op, differences, 2, keep=False)


def _kernel(c: Context, model: Any, x: str) -> str:
    """[rows][support vectors]."""
    kind, points = model.kernel, model.support_vectors_
    if not isinstance(kind, str) or kind == "precomputed" or not isinstance(points, np.ndarray):
        raise ExportError(f"{type(model).__name__} with a kernel of your own, a precomputed one or sparse vectors is not supported")
    if kind == "rbf":
        return str(c.g.add("Exp", c.g.add("Mul", apart(c, x, points), np.float64(-internals.kernel_width(model)))))
    product = c.g.add("MatMul", x, np.asarray(points, np.float64).T)
    if kind == "linear":
        return str(product)
    shifted = c.g.add("Add", c.g.add("Mul", product, np.float64(internals.kernel_width(model))), np.float64(model.coef0))
    return str(c.g.add("Tanh", shifted) if kind == "sigmoid" else c.g.add("Pow", shifted, np.float64(model.degree)))


def _sum(c: Context, model: Any, x: str) -> str:
    product = c.g.add("MatMul", _kernel(c, model, x), np.asarray(model.dual_coef_, np.float64).T)
    return c.g.reshape(c.g.add("Add", product, np.asarray(model.intercept_, np.float64)), -1)


@of_matrix("SVR", "NuSVR")
def support_vector_regressor(c: Context, model: Any, x: str) -> Made:
    """A sum over support vectors."""
    return {"prediction": _sum(c, model, x)}


@of_matrix("OneClassSVM")
def one_class(c: Context, model: Any, x: str) -> Made:
    """The same; what is above 0 is one of the class."""
    decision = _sum(c, model, x)
    label = c.g.add("Where", c.g.add("Greater", decision, np.float64(0)), np.int64(1), np.int64(-1))
    return {"decision": decision, "label": label}


@of_matrix("SVC", "NuSVC")
def support_vector_classifier(c: Context, model: Any, x: str) -> Made:
    """Each pair of classes votes."""
    count = len(classes_of(model))
    if getattr(model, "probability", False) is True:
        c.g.notes.append(
            f"{type(model).__name__}: scores, not probabilities, which the library finds by an iteration that it breaks off; for "
            f"probabilities fit a CalibratedClassifierCV of it"
        )
    if count == 2:
        return by_decision(c, _sum(c, model, x), 2)
    ends = np.concatenate([[0], np.cumsum(model.n_support_)])
    pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
    weights = np.zeros((ends[-1], len(pairs)))
    for number, (i, j) in enumerate(pairs):
        weights[ends[i] : ends[i + 1], number] = model.dual_coef_[j - 1, ends[i] : ends[i + 1]]
        weights[ends[j] : ends[j + 1], number] = model.dual_coef_[i, ends[j] : ends[j + 1]]
    decision = c.g.add("Add", c.g.add("MatMul", _kernel(c, model, x), weights), np.asarray(model.intercept_, np.float64))
    first, second = np.zeros((len(pairs), count)), np.zeros((len(pairs), count))
    for number, (i, j) in enumerate(pairs):
        first[number, i], second[number, j] = 1, 1
    wins = c.g.cast(c.g.add("Greater", decision, np.float64(0)), np.float64)
    votes = c.g.add("MatMul", wins, first - second)
    votes = c.g.add("Add", votes, second.sum(0)[None])  # whoever does not win loses
    transformed = _by_votes(c, decision, first, second)
    index = transformed if model.break_ties and model.decision_function_shape == "ovr" else votes
    return {
        "index": c.g.add("ArgMax", index, axis=1, keepdims=0),
        "decision": transformed if model.decision_function_shape == "ovr" else decision,
    }


def _by_votes(c: Context, decision: str, first: np.ndarray, second: np.ndarray) -> str:
    """decision_function of more than two classes: votes, and less than half a vote by how sure the pairs are."""
    sure = c.g.add("MatMul", decision, first - second)
    lost = c.g.cast(c.g.add("Less", decision, np.float64(0)), np.float64)
    votes = c.g.add("Add", c.g.add("MatMul", lost, second - first), first.sum(0)[None])
    scale = c.g.add("Mul", c.g.add("Add", c.g.add("Abs", sure), np.float64(1)), np.float64(3))
    return str(c.g.add("Add", votes, c.g.add("Div", sure, scale)))


_METRICS = {"euclidean": "ReduceSumSquare", "sqeuclidean": "ReduceSumSquare", "manhattan": "ReduceL1", "chebyshev": "ReduceMax"}


def _nearest(c: Context, model: Any, x: str) -> tuple[str, str, np.ndarray]:
    """The weights of the nearest points [rows][k], which they are, and what is known of all."""
    points, known = internals.neighbours(model)
    metric, arguments = model.effective_metric_, dict(model.effective_metric_params_ or {})
    if metric == "minkowski" and not arguments.get("w"):
        power = float(arguments.get("p", model.p))
        distances = c.g.add("Pow", apart(c, x, points, "power", power), np.float64(1 / power))
    elif metric in _METRICS:
        distances = apart(c, x, points, _METRICS[metric])
        distances = c.g.add("Sqrt", distances) if metric == "euclidean" else distances
    else:
        raise ExportError(f"{type(model).__name__} by the metric {metric!r} is not supported; minkowski, {', '.join(_METRICS)} are")
    near, which = c.g.add("TopK", distances, np.array([model.n_neighbors]), axis=1, largest=0, sorted=1, outputs=2)
    if callable(model.weights):
        raise ExportError(f"{type(model).__name__} with weights of your own is not supported; 'uniform' and 'distance' are")
    if model.weights != "distance":
        return c.g.add("Add", c.g.add("Mul", near, np.float64(0)), np.float64(1)), which, known
    same = c.g.cast(c.g.add("Equal", near, np.float64(0)), np.float64)
    any_same = c.g.add("Greater", c.g.reduce("ReduceMax", same, 1), np.float64(0))
    return c.g.add("Where", any_same, same, c.g.add("Div", np.float64(1), near)), which, known


@of_matrix("KNeighborsClassifier")
def neighbours_classifier(c: Context, model: Any, x: str) -> Made:
    """The share of each class among the nearest."""
    count = len(classes_of(model))
    weights, which, known = _nearest(c, model, x)
    classes = c.g.add("Gather", c.g.constant(np.eye(count)[known.reshape(-1)]), which, axis=0)  # [rows][k][classes]
    votes = c.g.reduce("ReduceSum", c.g.add("Mul", classes, c.g.add("Unsqueeze", weights, np.array([2]))), 1, keep=False)
    return by_proba(c, c.g.add("Div", votes, c.g.reduce("ReduceSum", votes, 1)))


@of_matrix("KNeighborsRegressor")
def neighbours_regressor(c: Context, model: Any, x: str) -> Made:
    """The mean of the nearest."""
    weights, which, known = _nearest(c, model, x)
    flat = known.ndim == 1
    values = c.g.add("Gather", c.g.constant(np.asarray(known, np.float64).reshape(len(known), -1)), which, axis=0)
    summed = c.g.reduce("ReduceSum", c.g.add("Mul", values, c.g.add("Unsqueeze", weights, np.array([2]))), 1, keep=False)
    mean = c.g.add("Div", summed, c.g.reduce("ReduceSum", weights, 1))
    return {"prediction": c.g.reshape(mean, -1) if flat else mean}


@of_matrix("NearestCentroid")
def nearest_centroid(c: Context, model: Any, x: str) -> Made:
    """The class of the nearest middle."""
    if model.metric not in ("euclidean", "manhattan"):
        raise ExportError(f"NearestCentroid by the metric {model.metric!r} is not supported")
    return {"index": c.g.add("ArgMin", apart(c, x, model.centroids_, _METRICS[model.metric]), axis=1, keepdims=0)}


@of_matrix("_BaseKMeans", "BisectingKMeans")
def k_means(c: Context, model: Any, x: str) -> Made:
    """The nearest centre, and the distances to all."""
    squares = apart(c, x, model.cluster_centers_)
    label = c.g.add("ArgMin", squares, axis=1, keepdims=0)
    distances = c.g.add("Sqrt", squares)
    return {"label": label, "transform": c.numbers(distances, len(model.cluster_centers_))}


@of_matrix("EllipticEnvelope")
def elliptic_envelope(c: Context, model: Any, x: str) -> Made:
    """How far a row is from the middle, by what is usual."""
    centred = c.g.add("Sub", x, np.asarray(model.location_, np.float64))
    turned = c.g.add("MatMul", centred, np.asarray(model.precision_, np.float64))
    far = c.g.reduce("ReduceSum", c.g.add("Mul", turned, centred), 1, keep=False)
    decision = c.g.add("Sub", c.g.add("Neg", far), np.float64(model.offset_))
    return {"decision": decision, "label": inliers(c, decision)}
