"""scikit-learn: trees float for float at every threshold, every kind of estimator beside its own answer, pipelines of texts; refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classical import check, exported
from harness import needs

pytestmark = needs("sklearn")

from sklearn import (
    calibration,
    cluster,
    compose,
    covariance,
    cross_decomposition,
    decomposition,
    discriminant_analysis,
    ensemble,
    feature_selection,
    impute,
    linear_model,
    mixture,
    model_selection,
    multiclass,
    multioutput,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
    tree,
)

import onnx_bridge
from onnx_bridge.errors import ExportError, InvalidModel

RNG = np.random.default_rng(1)
X = RNG.normal(size=(240, 4))
X[:, 3] = RNG.integers(0, 5, 240)
GAPS = np.where(RNG.random(X.shape) < 0.1, np.nan, X)
SUM = X[:, 0] * 2 + X[:, 1] ** 2 + X[:, 3] % 2
TWO, THREE, POSITIVE, BOTH = (SUM > 1).astype(int), np.digitize(SUM, [0.5, 2]), np.exp(SUM / 4), np.c_[SUM, -(SUM**2)]
NAMED = np.array(["low", "middle", "high"])[THREE]


def seeded(model: Any) -> Any:
    return model.set_params(random_state=0)


def trees() -> dict[str, Any]:
    """What is made of trees alone; of one class, one row and one leaf, too."""
    return {
        "tree": seeded(tree.DecisionTreeClassifier()).fit(X, NAMED),
        "tree_values": seeded(tree.DecisionTreeRegressor(max_depth=5)).fit(X, SUM),
        "trees_of_two": seeded(tree.DecisionTreeRegressor(max_depth=4)).fit(X, BOTH),
        "extra": seeded(tree.ExtraTreeClassifier()).fit(X, THREE),
        "forest": seeded(ensemble.RandomForestClassifier(6)).fit(X, THREE),
        "forest_values": seeded(ensemble.RandomForestRegressor(6)).fit(X, SUM),
        "extra_forest": seeded(ensemble.ExtraTreesClassifier(6)).fit(X, TWO),
        "extra_values": seeded(ensemble.ExtraTreesRegressor(5)).fit(X, SUM),
        "boosting": seeded(ensemble.GradientBoostingRegressor(n_estimators=6)).fit(X, SUM),
        "histogram": seeded(ensemble.HistGradientBoostingRegressor(max_iter=6)).fit(X, SUM),
        "bags": seeded(ensemble.BaggingRegressor(n_estimators=3, max_features=0.6)).fit(X, SUM),
        "boosted": seeded(ensemble.AdaBoostRegressor(n_estimators=4)).fit(X, SUM),
        "one_class": tree.DecisionTreeClassifier().fit(X, TWO * 0),
        "one_class_forest": ensemble.RandomForestClassifier(3).fit(X, ["only"] * len(X)),
        "one_leaf": ensemble.GradientBoostingRegressor(n_estimators=2).fit(X[:2], SUM[:1].repeat(2)),
        "one_value": ensemble.HistGradientBoostingRegressor(max_iter=2).fit(X, SUM * 0 + 3),
        "one_row": tree.DecisionTreeRegressor().fit(X[:1], SUM[:1]),
        "one_row_histogram": ensemble.HistGradientBoostingRegressor(max_iter=2).fit(X[:1], SUM[:1]),
    }


@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.slow)])
def test_trees_are_the_librarys_float_for_float(dtype: Any) -> None:
    """Thresholds are doubles that floats are compared with, and that doubles are rounded to floats for; but for histograms."""
    check(trees(), 4, dtype, exact=True, special=(0.0, -0.0, 1e-40, 30.0))


def test_trees_with_missing_values_and_categories() -> None:
    known = ensemble.HistGradientBoostingRegressor(max_iter=5, categorical_features=[3], min_samples_leaf=5)
    models = {
        "histogram": ensemble.HistGradientBoostingRegressor(max_iter=5).fit(GAPS, SUM),
        "categories": known.fit(GAPS, SUM),
        "forest": seeded(ensemble.RandomForestClassifier(4)).fit(GAPS, THREE),
        "tree": seeded(tree.DecisionTreeRegressor()).fit(GAPS, SUM),
    }
    check(models, 4, np.float32, exact=True, special=(np.nan, 0.0, 1.0, 2.0, 3.0, 4.0, 9.0, 2.5))


def classifiers() -> dict[str, Any]:
    two, linear, some = [("a", linear_model.LogisticRegression()), ("b", naive_bayes.GaussianNB())], linear_model, seeded
    return {
        "boosting": some(ensemble.GradientBoostingClassifier(n_estimators=4)),
        "exponential": some(ensemble.GradientBoostingClassifier(n_estimators=4, loss="exponential")),
        "histogram": ensemble.HistGradientBoostingClassifier(max_iter=4),
        "ada": some(ensemble.AdaBoostClassifier(n_estimators=4)),
        "bags": some(ensemble.BaggingClassifier(n_estimators=3, max_features=0.6)),
        "bags_of_lines": ensemble.BaggingClassifier(svm.LinearSVC(), n_estimators=2),
        "logistic": linear.LogisticRegression(),
        "sgd": some(linear.SGDClassifier(loss="log_loss")),
        "hinge": some(linear.SGDClassifier()),
        "modified": some(linear.SGDClassifier(loss="modified_huber")),
        "ridge": linear.RidgeClassifier(),
        "perceptron": some(linear.Perceptron()),
        "line": svm.LinearSVC(),
        "svc": svm.SVC(),
        "poly": svm.SVC(kernel="poly"),
        "sigmoid": svm.SVC(kernel="sigmoid", gamma=0.1),
        "nu": svm.NuSVC(nu=0.1),
        "ovo": svm.SVC(decision_function_shape="ovo"),
        "near": neighbors.KNeighborsClassifier(),
        "nearer": neighbors.KNeighborsClassifier(weights="distance", p=1),
        "centroid": neighbors.NearestCentroid(),
        "bayes": naive_bayes.GaussianNB(),
        "bernoulli": naive_bayes.BernoulliNB(),
        "network": some(neural_network.MLPClassifier((5,), max_iter=9)),
        "lda": discriminant_analysis.LinearDiscriminantAnalysis(),
        "qda": discriminant_analysis.QuadraticDiscriminantAnalysis(),
        "vote": ensemble.VotingClassifier(two, voting="soft", weights=[1, 2]),
        "votes": ensemble.VotingClassifier([*two, ("c", tree.DecisionTreeClassifier(max_depth=2))]),
        "stack": ensemble.StackingClassifier([("a", tree.DecisionTreeClassifier(max_depth=3)), ("b", svm.LinearSVC())], passthrough=True),
        "calibrated": calibration.CalibratedClassifierCV(naive_bayes.GaussianNB(), cv=2),
        "steps": calibration.CalibratedClassifierCV(svm.LinearSVC(), cv=2, method="isotonic"),
        "rest": multiclass.OneVsRestClassifier(linear.LogisticRegression()),
        "search": model_selection.GridSearchCV(tree.DecisionTreeClassifier(), {"max_depth": [2, 3]}, cv=2),
        "pipe": pipeline.make_pipeline(preprocessing.StandardScaler(), decomposition.PCA(2), linear.LogisticRegression()),
    }


@pytest.mark.parametrize("classes", ["three", pytest.param("two", marks=pytest.mark.slow)])
def test_classifiers(classes: str) -> None:
    """Labels, and probabilities or scores."""
    target = NAMED if classes == "three" else TWO
    models = {name: model.fit(X, target) for name, model in classifiers().items() if classes == "two" or name != "exponential"}
    check(models, 4, np.float64, exact=False, rows=RNG.normal(size=(60, 4)) * 1.5)


@pytest.mark.slow
def test_regressors_and_what_has_no_target() -> None:
    linear, some = linear_model, seeded
    one = {
        "line": linear.LinearRegression(),
        "ridge": linear.Ridge(),
        "lasso": linear.Lasso(0.1),
        "net": linear.ElasticNet(0.1),
        "sgd": some(linear.SGDRegressor()),
        "huber": linear.HuberRegressor(),
        "bayes": linear.BayesianRidge(),
        "poisson": linear.PoissonRegressor(),
        "gamma": linear.GammaRegressor(),
        "tweedie": linear.TweedieRegressor(power=0),
        "lars": linear.LassoLars(0.1),
        "svr": svm.SVR(),
        "nu": svm.NuSVR(),
        "lsvr": svm.LinearSVR(),
        "near": neighbors.KNeighborsRegressor(),
        "nearer": neighbors.KNeighborsRegressor(weights="distance"),
        "network": some(neural_network.MLPRegressor(hidden_layer_sizes=(5,), max_iter=9)),
        "vote": ensemble.VotingRegressor([("a", linear.Ridge()), ("b", svm.SVR())]),
        "stack": ensemble.StackingRegressor([("a", linear.Ridge()), ("b", tree.DecisionTreeRegressor(max_depth=3))]),
        "pls": cross_decomposition.PLSRegression(2),
        "logs": compose.TransformedTargetRegressor(linear.Ridge(), func=np.log, inverse_func=np.exp),
    }
    two = {
        "lines": linear.LinearRegression(),
        "networks": some(neural_network.MLPRegressor(hidden_layer_sizes=(5,), max_iter=9)),
        "nears": neighbors.KNeighborsRegressor(),
        "many": multioutput.MultiOutputRegressor(ensemble.GradientBoostingRegressor(n_estimators=2)),
        "forests": some(ensemble.RandomForestRegressor(3)),
    }
    none = {
        "isolation": some(ensemble.IsolationForest(n_estimators=8)),
        "isolated": ensemble.IsolationForest(n_estimators=2, max_samples=1),
        "one_class": svm.OneClassSVM(),
        "means": some(cluster.KMeans(3, n_init=1)),
        "mixture": some(mixture.GaussianMixture(3)),
        "diagonal": some(mixture.GaussianMixture(3, covariance_type="diag")),
        "tied": some(mixture.GaussianMixture(3, covariance_type="tied")),
        "round": some(mixture.GaussianMixture(3, covariance_type="spherical")),
        "envelope": some(covariance.EllipticEnvelope()),
    }
    models = {name: model.fit(X, POSITIVE) for name, model in one.items()} | {name: model.fit(X, BOTH) for name, model in two.items()}
    check(models | {name: model.fit(X) for name, model in none.items()}, 4, np.float64, exact=False, rows=RNG.normal(size=(60, 4)))


def test_transformers() -> None:
    steps = {
        "standard": preprocessing.StandardScaler(),
        "least": preprocessing.MinMaxScaler(clip=True),
        "most": preprocessing.MaxAbsScaler(),
        "robust": preprocessing.RobustScaler(),
        "normal": preprocessing.Normalizer(),
        "binary": preprocessing.Binarizer(),
        "power": preprocessing.PowerTransformer(),
        "poly": preprocessing.PolynomialFeatures(3),
        "products": preprocessing.PolynomialFeatures(3, interaction_only=True, include_bias=False),
        "bins": preprocessing.KBinsDiscretizer(4, encode="onehot-dense"),
        "ordinal_bins": preprocessing.KBinsDiscretizer(4, encode="ordinal"),
        "pca": decomposition.PCA(2, whiten=True),
        "svd": decomposition.TruncatedSVD(2),
        "chosen": feature_selection.VarianceThreshold(1.2),
        "hot": preprocessing.OneHotEncoder(handle_unknown="ignore"),
        "codes": preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        "union": pipeline.FeatureUnion([("a", preprocessing.StandardScaler()), ("b", decomposition.PCA(2))], transformer_weights={"a": 2}),
    }
    columns = compose.ColumnTransformer(
        [("n", preprocessing.StandardScaler(), [0, 1]), ("o", preprocessing.OneHotEncoder(handle_unknown="ignore"), [3])],
        remainder="passthrough",
    )
    models = {name: step.fit(np.round(X * 2) if name in ("hot", "codes") else X) for name, step in steps.items()} | {
        "columns": columns.fit(X)
    }
    rows = np.concatenate([np.round(RNG.normal(size=(40, 4)) * 2), RNG.normal(size=(40, 4))])
    check(models, 4, np.float64, exact=False, rows=rows)
    check(
        {"filled": impute.SimpleImputer(add_indicator=True).fit(GAPS), "most": impute.SimpleImputer(strategy="most_frequent").fit(GAPS)},
        4,
        np.float64,
        exact=False,
        rows=GAPS[:50],
    )


def test_a_pipeline_of_texts_and_numbers() -> None:
    """Each column is an input; verified as any model is."""
    columns = {
        "kind": np.array(["a", "b", "c", "a"] * 60, object)[:, None],
        "size": X[:, :1].astype(np.float32),
        "weight": X[:, 1:2].astype(np.float32),
    }
    rows = np.concatenate([columns["kind"], X[:, :2].astype(object)], 1)
    steps = compose.ColumnTransformer(
        [("k", preprocessing.OneHotEncoder(handle_unknown="ignore"), [0]), ("n", preprocessing.StandardScaler(), [1, 2])],
        sparse_threshold=0,
    )
    model = pipeline.make_pipeline(steps, ensemble.RandomForestClassifier(3, random_state=0)).fit(rows, NAMED)

    made = onnx_bridge.convert(model, example_inputs={name: value[:5] for name, value in columns.items()}, name="cuts")

    assert made.report.passed and [value.name for value in made.model.inputs] == ["kind", "size", "weight"]
    label, probabilities = made.compile().run(columns)
    assert [str(one) for one in label] == model.predict(rows).tolist()
    np.testing.assert_allclose(probabilities, model.predict_proba(rows), atol=1e-6)


def test_what_is_refused(tmp_path: Path) -> None:
    pickle = tmp_path / "model.pkl"
    pickle.write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(InvalidModel, match="is a Python pickle.*load it yourself, if you trust it"):
        onnx_bridge.convert(pickle)
    with pytest.raises(ExportError, match="Ridge has not been fitted"):
        onnx_bridge.convert(linear_model.Ridge())
    with pytest.raises(onnx_bridge.ArgumentError, match="has 3 columns, Ridge was fitted with 4"):
        onnx_bridge.convert(linear_model.Ridge().fit(X, SUM), example_inputs=X[:2, :3])
    with pytest.raises(ExportError, match="fitted for 2 outputs at once"):
        exported(ensemble.RandomForestClassifier(2).fit(X, np.c_[TWO, THREE]), 4, np.float32)
    with pytest.raises(ExportError, match="FunctionTransformer calls .*Python code"):
        exported(preprocessing.FunctionTransformer(lambda x: x + 1).fit(X), 4, np.float32)
    with pytest.raises(ExportError, match="VotingClassifier needs probabilities of an estimator that has none here"):
        exported(ensemble.VotingClassifier([("svc", svm.SVC(probability=True))], voting="soft").fit(X, THREE), 4, np.float32)
