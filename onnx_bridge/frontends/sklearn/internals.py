"""What is used of scikit-learn that it does not promise: see `onnx_bridge.frontends.internals`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.forest import Tree
from onnx_bridge.frontends.internals import gone

_SEEN = "1.9"


def _private(model: Any, name: str) -> Any:
    if not hasattr(model, name):
        raise gone("scikit-learn", f"{type(model).__name__}.{name}", _SEEN)
    return getattr(model, name)


def first_of_gradient_boosting(model: Any) -> np.ndarray:
    """What a GradientBoosting estimator has before its first tree, which is the same for every row.

    Raises:
        ExportError: it begins with an estimator of its own.
    """
    if model.init not in (None, "zero"):
        raise ExportError(f"{type(model).__name__} begins with an estimator of yours (init=), which is not supported; leave it out")
    zeros = np.zeros((1, model.n_features_in_), np.float32)
    return np.asarray(_private(model, "_raw_predict_init")(zeros), np.float64).reshape(-1)


@dataclass
class Boosting:
    """A HistGradientBoosting estimator.

    Attributes:
        first: what there is before the first tree.
        trees: in their order, each of one target.
        categories: the known values of columns of categories, which come first as codes; empty where there are none.
    """

    first: np.ndarray
    trees: list[Tree]
    categories: dict[int, np.ndarray]


def hist_gradient_boosting(model: Any) -> Boosting:
    """Reads a HistGradientBoosting estimator.

    Raises:
        ExportError: its categories are texts, or this version of scikit-learn keeps them elsewhere.
    """
    known: dict[int, np.ndarray] = {}
    if getattr(model, "is_categorical_", None) is not None:
        columns = np.flatnonzero(_private(model, "is_categorical_"))
        encoder = _private(model, "_preprocessor").named_transformers_["encoder"]
        for column, values in zip(columns, encoder.categories_, strict=True):
            values = np.asarray(values)
            if values.dtype.kind not in "fiub":
                raise ExportError(f"{type(model).__name__} has categories that are texts: encode them with an OrdinalEncoder before")
            known[int(column)] = values[~np.isnan(values.astype(np.float64))]
    trees = []
    for stage in _private(model, "_predictors"):
        for predictor in stage:
            trees.append(_tree(predictor))
    return Boosting(np.asarray(_private(model, "_baseline_prediction"), np.float64).reshape(-1), trees, known)


def _tree(predictor: Any) -> Tree:
    nodes = predictor.nodes
    leaf = np.asarray(nodes["is_leaf"]).astype(bool)
    sets = {int(at): nodes[at]["bitset_idx"] for at in np.flatnonzero(np.asarray(nodes["is_categorical"]).astype(bool) & ~leaf)}
    return Tree(
        np.where(leaf, -1, nodes["feature_idx"].astype(np.int64)), np.asarray(nodes["num_threshold"], np.float64),
        np.where(leaf, 0, nodes["left"].astype(np.int64)), np.where(leaf, 0, nodes["right"].astype(np.int64)),
        np.asarray(nodes["missing_go_to_left"]).astype(bool), np.asarray(nodes["value"], np.float64),
        sets={at: sorted(_bits(predictor.raw_left_cat_bitsets[int(bitset)])) for at, bitset in sets.items()},
    )  # fmt: skip


def _bits(words: Any) -> set[int]:
    return {32 * place + bit for place, word in enumerate(words) for bit in range(32) if int(word) >> bit & 1}


def kernel_width(model: Any) -> float:
    """The gamma of a support vector machine, which "scale" takes from the data."""
    return float(_private(model, "_gamma"))


def neighbours(model: Any) -> tuple[np.ndarray, np.ndarray]:
    """What a model of nearest neighbours was fitted with: the points, and what is known of them."""
    points = _private(model, "_fit_X")
    if not isinstance(points, np.ndarray):
        raise ExportError(f"{type(model).__name__} was fitted with a sparse matrix; fit it with a dense one")
    return np.asarray(points, np.float64), np.asarray(_private(model, "_y"))


def mean_of_pls(model: Any) -> np.ndarray:
    """What a partial least squares regression takes from its inputs."""
    return np.asarray(_private(model, "_x_mean"), np.float64)


def scaler_of(model: Any) -> Any:
    """The scaler behind a PowerTransformer."""
    return _private(model, "_scaler")


def scale_of_gaussian_process(model: Any) -> tuple[np.ndarray, np.ndarray]:
    """The deviation and the mean of what a Gaussian process was fitted to."""
    return np.asarray(_private(model, "_y_train_std"), np.float64), np.asarray(_private(model, "_y_train_mean"), np.float64)


def centre_of_kernel(model: Any) -> tuple[np.ndarray, np.float64]:
    """The means of a KernelPCA's kernel, of its rows and of all."""
    centre = _private(model, "_centerer")
    return np.asarray(centre.K_fit_rows_, np.float64), np.float64(centre.K_fit_all_)
