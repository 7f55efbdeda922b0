"""Linear models, networks, and what follows from distances to a distribution's middle."""

from __future__ import annotations

from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.sklearn.context import Context, Made, both, by_decision, by_proba, classes_of, of_matrix

_ONE = np.float64(1)


def affine(c: Context, x: str, weights: Any, bias: Any) -> str:
    """x @ weights + bias, [rows][outputs]; weights are [features][outputs]."""
    product = c.g.add("MatMul", x, np.asarray(weights, np.float64))
    return str(c.g.add("Add", product, np.atleast_1d(np.asarray(bias, np.float64))))


def _dense(value: Any) -> np.ndarray:
    return np.asarray(value.toarray() if hasattr(value, "toarray") else value, np.float64)


def _linear(c: Context, model: Any, x: str) -> str:
    """[rows] where there is one output that is not in a list, else [rows][outputs]."""
    weights = _dense(model.coef_)
    flat = weights.ndim == 1
    made = affine(c, x, weights.reshape(1, -1).T if flat else weights.T, model.intercept_)
    return c.g.reshape(made, -1) if flat else made


@of_matrix(
    "LinearModel", "MultiOutputLinearModel", "LinearSVR", "BaseSGDRegressor", "HuberRegressor", "RANSACRegressor", "QuantileRegressor"
)
def linear_regressor(c: Context, model: Any, x: str) -> Made:
    """x @ coef + intercept."""
    return {"prediction": _linear(c, getattr(model, "estimator_", model), x)}


@of_matrix("_GeneralizedLinearRegressor")
def generalized_linear(c: Context, model: Any, x: str) -> Made:
    """The same through the inverse of a link, which is exp but for TweedieRegressor with another."""
    raw = _linear(c, model, x)
    link = getattr(model, "link", "log")
    identity = link == "identity" or (link == "auto" and getattr(model, "power", 1) <= 0)
    return {"prediction": raw if identity else c.g.add("Exp", raw)}


@of_matrix("_PLS")
def partial_least_squares(c: Context, model: Any, x: str) -> Made:
    """(x - mean) @ coef + intercept."""
    from onnx_bridge.frontends.sklearn import internals

    centred = c.g.add("Sub", x, internals.mean_of_pls(model))
    made = affine(c, centred, np.asarray(model.coef_).T, model.intercept_)
    return {"prediction": made if np.asarray(model.intercept_).size > 1 else c.g.reshape(made, -1)}


def _decision(c: Context, model: Any, x: str) -> str:
    made = affine(c, x, _dense(model.coef_).T, model.intercept_)
    return c.g.reshape(made, -1) if len(model.coef_) == 1 else made


@of_matrix("LinearClassifierMixin", "LinearSVC", "RidgeClassifier", "RidgeClassifierCV", "Perceptron", "PassiveAggressiveClassifier")
def linear_classifier(c: Context, model: Any, x: str) -> Made:
    """The class of the largest decision."""
    return by_decision(c, _decision(c, model, x), len(classes_of(model)))


@of_matrix("LogisticRegression", "LogisticRegressionCV", "LinearDiscriminantAnalysis")
def logistic_regression(c: Context, model: Any, x: str) -> Made:
    """The same, with probabilities: of two classes by a sigmoid, of more by Softmax."""
    count = len(classes_of(model))
    made = by_decision(c, _decision(c, model, x), count)
    if getattr(model, "multi_class", "auto") == "ovr" or getattr(model, "solver", "") == "liblinear":
        made["proba"] = _one_against_rest(c, made["decision"], count)
    else:
        made["proba"] = both(c, c.g.add("Sigmoid", made["decision"])) if count == 2 else c.g.add("Softmax", made["decision"], axis=1)
    return made


def _one_against_rest(c: Context, decision: str, count: int) -> str:
    """Sigmoids, divided by their sum."""
    proba = c.g.add("Sigmoid", decision)
    return both(c, proba) if count == 2 else str(c.g.add("Div", proba, c.g.reduce("ReduceSum", proba, 1)))


@of_matrix("SGDClassifier")
def sgd_classifier(c: Context, model: Any, x: str) -> Made:
    """Probabilities where the loss has them."""
    count = len(classes_of(model))
    made = by_decision(c, _decision(c, model, x), count)
    if model.loss == "log_loss":
        made["proba"] = _one_against_rest(c, made["decision"], count)
    elif model.loss == "modified_huber":
        clipped = c.g.add("Clip", made["decision"], np.float64(-1), np.float64(1))
        part = c.g.add("Div", c.g.add("Add", clipped, _ONE), np.float64(2))
        if count == 2:
            made["proba"] = both(c, part)
        else:
            total = c.g.reduce("ReduceSum", part, 1)
            none = c.g.add("Equal", total, np.float64(0))
            made["proba"] = c.g.add("Where", none, np.float64(1 / count), c.g.add("Div", part, c.g.add("Where", none, _ONE, total)))
    return made


#: Activations of networks by scikit-learn's names.
_ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid"}


@of_matrix("MLPClassifier", "MLPRegressor")
def perceptron(c: Context, model: Any, x: str) -> Made:
    """Dense layers."""
    for place, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        x = affine(c, x, weights, bias)
        if place < len(model.coefs_) - 1 and model.activation != "identity":
            x = c.g.add(_ACTIVATIONS[model.activation], x)
    if model.out_activation_ == "identity":
        return {"prediction": c.g.reshape(x, -1) if model.n_outputs_ == 1 else x}
    classes_of(model)
    if model.out_activation_ == "softmax":
        return by_proba(c, c.g.add("Softmax", x, axis=1))
    if model.n_outputs_ > 1:
        raise ExportError(f"{type(model).__name__} was fitted for several labels at once: convert a classifier for each")
    second = c.g.add("Sigmoid", c.g.reshape(x, -1))
    return {"proba": both(c, second), "index": c.g.cast(c.g.add("Greater", second, np.float64(0.5)), np.int64)}


# ---- naive Bayes, discriminants, mixtures: sums of logarithms


def _of_logarithms(c: Context, joint: str) -> Made:
    return {"proba": c.g.add("Softmax", joint, axis=1), "index": c.g.add("ArgMax", joint, axis=1, keepdims=0)}


def _distances(c: Context, x: str, means: np.ndarray, scale: np.ndarray) -> str:
    """[rows][classes]: the sums of ((x - mean) * scale)^2, by differences: expanded squares lose digits."""
    apart = c.g.add("Mul", c.g.add("Sub", c.g.add("Unsqueeze", x, np.array([1])), means[None]), scale[None])
    return c.g.reduce("ReduceSumSquare", apart, 2, keep=False)


@of_matrix("GaussianNB")
def gaussian_naive_bayes(c: Context, model: Any, x: str) -> Made:
    """Independent normal distributions."""
    means, var = np.asarray(model.theta_), np.asarray(model.var_)
    with np.errstate(divide="ignore"):
        first = np.log(model.class_prior_) - 0.5 * np.log(2.0 * np.pi * var).sum(1)
    distances = _distances(c, x, means, 1 / np.sqrt(var))
    return _of_logarithms(c, c.g.add("Sub", first[None], c.g.add("Mul", distances, np.float64(0.5))))


@of_matrix("MultinomialNB", "ComplementNB")
def multinomial_naive_bayes(c: Context, model: Any, x: str) -> Made:
    """Counts by their logarithms; ComplementNB takes no prior but of a class alone."""
    prior = model.class_log_prior_ if type(model).__name__ == "MultinomialNB" or len(model.classes_) == 1 else 0 * model.class_log_prior_
    return _of_logarithms(c, affine(c, x, np.asarray(model.feature_log_prob_).T, prior))


@of_matrix("BernoulliNB")
def bernoulli_naive_bayes(c: Context, model: Any, x: str) -> Made:
    """What is there and what is not."""
    if model.binarize is not None:
        x = c.g.cast(c.g.add("Greater", x, np.float64(model.binarize)), np.float64)
    there = np.asarray(model.feature_log_prob_)
    absent = np.log(1 - np.exp(there))
    return _of_logarithms(c, affine(c, x, (there - absent).T, model.class_log_prior_ + absent.sum(1)))


@of_matrix("CategoricalNB")
def categorical_naive_bayes(c: Context, model: Any, x: str) -> Made:
    """Categories by their logarithms; one that was not there when it was fitted has the first's, where the library has an error."""
    parts = []
    for place, known in enumerate(model.feature_log_prob_):
        column = c.g.cast(c.g.columns(x, [place], model.n_features_in_), np.int64)
        inside = c.g.add("And", c.g.add("GreaterOrEqual", column, np.int64(0)), c.g.add("Less", column, np.int64(known.shape[1])))
        index = c.g.reshape(c.g.add("Where", inside, column, np.int64(0)), -1)
        parts.append(c.g.add("Gather", c.g.constant(np.asarray(known, np.float64).T), index, axis=0))
    joint = parts[0]
    for part in parts[1:]:
        joint = c.g.add("Add", joint, part)
    return _of_logarithms(c, c.g.add("Add", joint, np.asarray(model.class_log_prior_)[None]))


@of_matrix("QuadraticDiscriminantAnalysis")
def quadratic_discriminant(c: Context, model: Any, x: str) -> Made:
    """Distances in each class's own axes."""
    norms, first = [], []
    for mean, rotation, scaling, prior in zip(model.means_, model.rotations_, model.scalings_, model.priors_, strict=True):
        turned = c.g.add("MatMul", c.g.add("Sub", x, np.asarray(mean, np.float64)), np.asarray(rotation) * np.asarray(scaling) ** -0.5)
        norms.append(c.g.reduce("ReduceSumSquare", turned, 1))
        first.append(-0.5 * np.log(scaling).sum() + np.log(prior))
    joint = c.g.add("Add", c.g.add("Mul", c.g.concat(norms), np.float64(-0.5)), np.array(first)[None])
    return _of_logarithms(c, joint)


@of_matrix("GaussianMixture", "BayesianGaussianMixture")
def gaussian_mixture(c: Context, model: Any, x: str) -> Made:
    """Responsibilities of components; the label is the largest."""
    if type(model).__name__ != "GaussianMixture":
        raise ExportError("BayesianGaussianMixture is not supported; GaussianMixture is")
    kind, factors, means = model.covariance_type, np.asarray(model.precisions_cholesky_), np.asarray(model.means_)
    count, features = means.shape
    if kind in ("diag", "spherical"):
        scale = factors if kind == "diag" else np.repeat(factors[:, None], features, 1)
        logs, distances = np.log(scale).sum(1), _distances(c, x, means, scale)
    else:
        each = [factors] * count if kind == "tied" else list(factors)
        parts = [c.g.add("MatMul", c.g.add("Sub", x, mean), factor) for mean, factor in zip(means, each, strict=True)]
        distances = c.g.concat([c.g.reduce("ReduceSumSquare", part, 1) for part in parts])
        logs = np.array([np.log(np.diag(factor)).sum() for factor in each])
    first = np.log(model.weights_) + logs - 0.5 * features * np.log(2 * np.pi)
    joint = c.g.add("Add", c.g.add("Mul", distances, np.float64(-0.5)), first[None])
    made = _of_logarithms(c, joint)
    return {"label": made["index"], "proba": made["proba"]}
