"""XGBoost: every objective and booster, missing values, categories, rounds that are left out; files; its own floats at every threshold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classical import ROWS, around, check, exported
from harness import needs

pytestmark = needs("xgboost")

import xgboost

import onnx_bridge
from onnx_bridge.errors import ExportError, InvalidModel
from onnx_bridge.frontends import framework_of

RNG = np.random.default_rng(3)
X = RNG.normal(size=(300, 4)).astype(np.float32)
X[RNG.random(X.shape) < 0.1] = np.nan
X[:, 3] = RNG.integers(0, 6, 300)
SUM = np.nan_to_num(X[:, 0]) * 2 + np.nan_to_num(X[:, 1]) ** 2 + X[:, 3] % 2
TWO, THREE, POSITIVE = (SUM > 1).astype(int), np.digitize(SUM, [0.5, 2]), np.exp(SUM / 4)

#: Numbers that fall between: NaN, zeros of both signs, what is nearly zero, fractions and negatives among categories.
SPECIAL = (np.nan, 0.0, -0.0, 1e-40, 3.7, -0.5, -3.0, 5.0, 100.0)


def trained(objective: str, target: np.ndarray, **parameters: Any) -> xgboost.Booster:
    types = parameters.pop("types", None)
    data = xgboost.DMatrix(X, target, feature_types=types, enable_categorical=types is not None)
    return xgboost.train({"objective": objective, "max_depth": 4, "nthread": 1, **parameters}, data, 6)


def test_sums_of_trees_are_the_librarys_float_for_float() -> None:
    """Summed in the library's order, from the base score on, in floats: margins, and labels."""
    categories = {"types": ["q", "q", "q", "c"]}
    models = {
        "squared": trained("reg:squarederror", SUM),
        "raw": trained("binary:logitraw", TWO),
        "hinge": trained("binary:hinge", TWO),
        "huber": trained("reg:pseudohubererror", SUM),
        "absolute": trained("reg:absoluteerror", SUM),
        "quantiles": trained("reg:quantileerror", SUM, quantile_alpha=[0.2, 0.5]),
        "labels": trained("multi:softmax", THREE, num_class=3),
        "sets": trained("reg:squarederror", SUM, max_cat_to_onehot=1, **categories),
        "one_hot": trained("reg:squarederror", SUM, max_cat_to_onehot=99, **categories),
        "parallel": trained("reg:squarederror", SUM, num_parallel_tree=3, subsample=0.5, seed=1),
        "leaves": xgboost.XGBRegressor(n_estimators=4, multi_strategy="multi_output_tree", n_jobs=1).fit(X, np.c_[SUM, -SUM]),
        "targets": xgboost.XGBRegressor(n_estimators=4, n_jobs=1).fit(X, np.c_[SUM, -SUM]),
        "ranker": xgboost.XGBRanker(n_estimators=4, n_jobs=1).fit(X, THREE, group=[100] * 3),
        "missing": xgboost.XGBRegressor(n_estimators=4, missing=0.0, n_jobs=1).fit(np.nan_to_num(X), SUM),
    }
    check(models, 4, np.float32, exact=True, special=SPECIAL)


def test_what_is_made_of_sums() -> None:
    """Sigmoids, exponentials, Softmax; dart's weights; a linear booster; doubles as inputs, which are rounded first."""
    models = {
        "logistic": trained("binary:logistic", TWO),
        "share": trained("reg:logistic", TWO * 0.5 + 0.2),
        "poisson": trained("count:poisson", THREE),
        "gamma": trained("reg:gamma", POSITIVE),
        "tweedie": trained("reg:tweedie", POSITIVE),
        "classes": trained("multi:softprob", THREE, num_class=3),
        "dart": trained("multi:softprob", THREE, num_class=3, booster="dart", rate_drop=0.4),
        "linears": trained("multi:softprob", THREE, num_class=3, booster="gblinear"),
        "linear": trained("binary:logistic", TWO, booster="gblinear", updater="coord_descent"),
        "forest": xgboost.XGBRFClassifier(n_estimators=5, n_jobs=1).fit(X, TWO),
        "classifier": xgboost.XGBClassifier(n_estimators=5, n_jobs=1).fit(X, THREE),
        "one_class": xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(X[:9], TWO[:9] * 0),
        "one_row": xgboost.XGBRegressor(n_estimators=2, n_jobs=1).fit(X[:1], SUM[:1]),
    }
    check(models, 4, np.float64, exact=False, special=SPECIAL[:4])


def test_rounds_after_the_best_one_are_left_out() -> None:
    """By an estimator, as its predict() does; a booster takes all."""
    model = xgboost.XGBClassifier(n_estimators=60, early_stopping_rounds=2, n_jobs=1)
    model.fit(X[:200], TWO[:200], eval_set=[(X[200:], TWO[200:])], verbose=False)
    made, whole = exported(model, 4, np.float32), exported(model.get_booster(), 4, np.float32)

    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    assert any("rounds after the best one" in note for note in made.notes)
    assert len(made.model.SerializeToString()) < len(whole.model.SerializeToString())


@pytest.mark.parametrize("suffix", [".json", ".ubj"])
def test_a_file_is_what_its_estimator_was(suffix: str, tmp_path: Path) -> None:
    """Read in a process of its own, proved by XGBoost's own answer there."""
    model = xgboost.XGBClassifier(n_estimators=3, max_depth=3, n_jobs=1).fit(X, THREE)
    path = tmp_path / f"jets{suffix}"
    model.save_model(path)

    made = onnx_bridge.convert(path)

    assert made.name == "jets" and made.report.passed
    rows = around(exported(model, 4, np.float32).model, 4, np.float32)
    label, probabilities = made.compile().run({"x": rows})
    assert np.array_equal(label, model.predict(rows)) and len(label) == ROWS
    np.testing.assert_allclose(probabilities, model.predict_proba(rows), rtol=1e-5, atol=1e-7)


def test_what_is_refused(tmp_path: Path) -> None:
    damaged, other = tmp_path / "damaged.json", tmp_path / "other.json"
    damaged.write_text('{"learner": {}')
    other.write_text(json.dumps({"a": 1}))
    assert framework_of(damaged) == "xgboost" and framework_of(other) is None
    with pytest.raises(InvalidModel, match="cannot be read by XGBoost"):
        onnx_bridge.convert(damaged)
    with pytest.raises(ExportError, match="XGBRegressor has not been fitted"):
        onnx_bridge.convert(xgboost.XGBRegressor())
    model = xgboost.XGBRegressor(n_estimators=1, n_jobs=1).fit(X, SUM)
    saved = tmp_path / "known.json"
    model.save_model(saved)
    text = saved.read_text().replace('"reg:squarederror"', '"rank:somehow"')
    saved.write_text(text)
    with pytest.raises(InvalidModel, match="somehow"):
        onnx_bridge.convert(saved)
    many = np.zeros((2, 5), np.float32)
    with pytest.raises(onnx_bridge.ArgumentError, match="has 5 columns, XGBRegressor was fitted with 4"):
        onnx_bridge.convert(model, example_inputs=many)
