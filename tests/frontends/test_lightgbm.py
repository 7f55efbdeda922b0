"""LightGBM: every objective and kind of boosting, what it takes for missing, categories, linear trees; files; its own doubles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classical import ROWS, around, check, exported
from harness import needs

pytestmark = needs("lightgbm")

import lightgbm

import onnx_bridge
from onnx_bridge.errors import InvalidModel
from onnx_bridge.frontends import framework_of

RNG = np.random.default_rng(3)
X = RNG.normal(size=(300, 4))
X[RNG.random(X.shape) < 0.1] = np.nan
X[RNG.random(X.shape) < 0.1] = 0
X[:, 3] = RNG.integers(0, 6, 300)
FULL = np.nan_to_num(X)
SUM = FULL[:, 0] * 2 + FULL[:, 1] ** 2 + X[:, 3] % 2
TWO, THREE, POSITIVE = (SUM > 1).astype(int), np.digitize(SUM, [0.5, 2]), np.exp(SUM / 4)

#: Between -1e-35 and 1e-35, ends included, everything is zero; a category is what stands before the point.
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-35, -1e-35, 1.1e-35, -1.1e-35, 3.7, -0.5, -3.0, 40.0)


def trained(objective: str, target: np.ndarray, rows: np.ndarray = X, categories: Any = "auto", **parameters: Any) -> lightgbm.Booster:
    said = {"objective": objective, "verbose": -1, "num_leaves": 9, "min_data_in_leaf": 5, "num_threads": 1, **parameters}
    return lightgbm.train(said, lightgbm.Dataset(rows, target, categorical_feature=categories), 6)


def sums() -> dict[str, Any]:
    """Models whose answers are sums of leaves."""
    some = {"min_data_per_group": 1, "cat_smooth": 1, "max_cat_to_onehot": 2, "categories": [3]}
    return {
        "plain": trained("regression", SUM),
        "absolute": trained("regression_l1", SUM),
        "huber": trained("huber", SUM),
        "fair": trained("fair", SUM),
        "quantile": trained("quantile", SUM),
        "mape": trained("mape", POSITIVE),
        "root": trained("regression", SUM, reg_sqrt=True),
        "zero": trained("regression", SUM, zero_as_missing=True),
        "never": trained("regression", SUM, use_missing=False),
        "full": trained("regression", SUM, FULL),
        "sets": trained("regression", SUM, **some),
        "full_sets": trained("regression", SUM, FULL, **some),
        "zero_sets": trained("regression", SUM, zero_as_missing=True, **some),
        "dart": trained("regression", SUM, boosting="dart", drop_rate=0.5),
        "forest": trained("regression", SUM, boosting="rf", bagging_freq=1, bagging_fraction=0.5),
        "rank": lightgbm.LGBMRanker(n_estimators=3, verbose=-1, n_jobs=1).fit(X, THREE, group=[100] * 3),
        "constant": lightgbm.LGBMRegressor(n_estimators=3, verbose=-1, n_jobs=1).fit(X[:5], SUM[:5]),
    }


@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.slow)])
def test_sums_of_trees_are_the_librarys_bit_for_bit(dtype: Any) -> None:
    check(sums(), 4, dtype, exact=True, special=SPECIAL)


def test_what_is_made_of_sums() -> None:
    """Sigmoids, exponentials, Softmax, shares; linear trees, whose NaN take another way out."""
    one = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1, n_jobs=1)
    models = {
        "binary": trained("binary", TWO, sigmoid=2.0),
        "classes": trained("multiclass", THREE, num_class=3),
        "each": trained("multiclassova", THREE, num_class=3),
        "poisson": trained("poisson", THREE),
        "gamma": trained("gamma", POSITIVE),
        "tweedie": trained("tweedie", POSITIVE),
        "entropy": trained("cross_entropy", TWO),
        "intensity": trained("cross_entropy_lambda", TWO),
        "forest": trained("multiclass", THREE, num_class=3, boosting="rf", bagging_freq=1, bagging_fraction=0.5),
        "linear": trained("regression", SUM, linear_tree=True),
        "named": one.fit(X, np.array(["a", "b", "c"])[THREE]),
        "numbered": lightgbm.LGBMClassifier(n_estimators=3, verbose=-1, n_jobs=1).fit(X, TWO * 3 + 1),
    }
    check(models, 4, np.float64, exact=False, special=(np.nan, 0.0, 1e-35, 3.7))


def test_rounds_after_the_best_one_are_left_out() -> None:
    model = lightgbm.LGBMRegressor(n_estimators=80, verbose=-1, n_jobs=1)
    model.fit(X[:200], SUM[:200], eval_set=[(X[200:], SUM[200:])], callbacks=[lightgbm.early_stopping(2, verbose=False)])
    made = exported(model, 4, np.float64)
    roots = next(a for node in made.model.graph.node for a in node.attribute if a.name == "tree_roots")

    assert len(roots.ints) == model.best_iteration_ < 80


def test_a_file_is_what_its_booster_was(tmp_path: Path) -> None:
    model = trained("binary", TWO)
    path = tmp_path / "jets.txt"
    model.save_model(path)

    made = onnx_bridge.convert(path)

    assert made.name == "jets" and made.report.passed
    rows = around(exported(model, 4, np.float32).model, 4, np.float32)
    np.testing.assert_allclose(made.compile().run({"x": rows})[0], model.predict(rows), rtol=1e-6)
    assert len(rows) == ROWS


def test_a_file_that_is_none(tmp_path: Path) -> None:
    damaged, other = tmp_path / "damaged.txt", tmp_path / "other.txt"
    damaged.write_text("tree\nversion=v4\nnum_class=1\n")
    other.write_text("tree of life")

    assert framework_of(damaged) == "lightgbm" and framework_of(other) is None
    with pytest.raises(InvalidModel, match="cannot be read by LightGBM"):
        onnx_bridge.convert(damaged)
