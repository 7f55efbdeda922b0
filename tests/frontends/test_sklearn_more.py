"""scikit-learn: Gaussian processes, kernels, quantiles, pairs of classes, chains, beside the library's own answers; refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from classical import check, exported
from harness import needs

pytestmark = needs("sklearn")

from sklearn import (
    decomposition,
    dummy,
    gaussian_process,
    kernel_ridge,
    linear_model,
    multiclass,
    multioutput,
    naive_bayes,
    preprocessing,
    semi_supervised,
    svm,
    tree,
)
from sklearn.gaussian_process import kernels

from onnx_bridge.errors import ExportError

RNG = np.random.default_rng(2)
X = RNG.normal(size=(70, 4))
X[:, 3] = RNG.integers(0, 5, 70)
SUM = X[:, 0] * 2 + X[:, 1] ** 2 + X[:, 3] % 2
TWO, THREE, BOTH = (SUM > 1).astype(int), np.digitize(SUM, [0.5, 2]), np.c_[SUM, -(SUM**2)]
ROWS = np.concatenate([RNG.normal(size=(50, 4)) * 1.5, X[:10]])


def processes() -> dict[str, Any]:
    """Each kernel by itself, and some together; what they are not fitted to is as good."""
    known = {
        "squares": kernels.RBF(0.7),
        "lengths": kernels.ConstantKernel(2.0) * kernels.RBF([0.7, 1, 2, 3]) + kernels.WhiteKernel(0.1),
        "matern": kernels.Matern(1.2, nu=1.5) + kernels.DotProduct(0.5),
        "rough": kernels.Matern(1.2, nu=0.5),
        "smooth": kernels.Matern([1.2, 1, 1, 2], nu=2.5) ** 2,
        "endless": kernels.Matern(nu=np.inf),
        "rational": kernels.RationalQuadratic(1.1, 0.6),
        "waves": kernels.ExpSineSquared(1.2, 2.5) + kernels.WhiteKernel(60),
    }
    made = {
        name: gaussian_process.GaussianProcessRegressor(kernel, alpha=0.1, optimizer=None).fit(X, SUM) for name, kernel in known.items()
    }
    made["scaled"] = gaussian_process.GaussianProcessRegressor(kernels.RBF(), alpha=0.1, normalize_y=True).fit(X, BOTH)
    return made


def test_gaussian_processes() -> None:
    check(processes(), 4, np.float64, exact=False, rows=ROWS)


def test_kernels_and_chains() -> None:
    named: tuple[dict[str, Any], ...] = (
        {"kernel": "linear"},
        {"kernel": "rbf", "gamma": 0.3},
        {"kernel": "poly", "degree": 2},
        {"kernel": "cosine"},
    )
    models: dict[str, Any] = {}
    for said in named:
        models[f"pca_{said['kernel']}"] = decomposition.KernelPCA(2, **said).fit(X)
        models[f"ridge_{said['kernel']}"] = kernel_ridge.KernelRidge(**said).fit(X, SUM)
    models["ridge_of_two"] = kernel_ridge.KernelRidge(kernel="laplacian").fit(X, BOTH)
    models["chain"] = multioutput.RegressorChain(linear_model.Ridge(), order=[1, 0]).fit(X, BOTH)
    models["robust"] = linear_model.RANSACRegressor(random_state=0).fit(X, SUM)
    models["mean"] = dummy.DummyRegressor().fit(X, SUM)
    models["means"] = dummy.DummyRegressor(strategy="median").fit(X, BOTH)
    check(models, 4, np.float64, exact=False, rows=ROWS)


@pytest.mark.parametrize("target", [THREE, TWO], ids=["three", "two"])
def test_classifiers(target: np.ndarray) -> None:
    counts = np.abs(np.round(X * 2))
    pairs = {
        "lines": multiclass.OneVsOneClassifier(svm.LinearSVC()).fit(X, target),
        "trees": multiclass.OneVsOneClassifier(tree.DecisionTreeClassifier(max_depth=3)).fit(X, target),
        "logistic": multiclass.OneVsOneClassifier(linear_model.LogisticRegression()).fit(X, target),
        "taught": semi_supervised.SelfTrainingClassifier(linear_model.LogisticRegression()).fit(X, np.where(np.arange(70) % 3, target, -1)),
    }
    check(pairs, 4, np.float64, exact=False, rows=ROWS)
    categories = naive_bayes.CategoricalNB().fit(counts, target)
    check({"categories": categories}, 4, np.float64, exact=False, rows=counts[::-1])


def test_quantiles() -> None:
    """Values twice, at the ends and beyond, none; of few rows."""
    x = np.round(X, 1)
    x[::9, 1] = np.nan
    uniform, normal = ({"output_distribution": kind} for kind in ("uniform", "normal"))
    steps = {
        "ranks": preprocessing.QuantileTransformer(n_quantiles=40, **uniform).fit(x),
        "normal": preprocessing.QuantileTransformer(n_quantiles=40, **normal).fit(x),
        "few": preprocessing.QuantileTransformer(n_quantiles=3, **normal).fit(X),
        "one": preprocessing.QuantileTransformer(n_quantiles=2, **uniform).fit(X[:2]),
    }
    rows = np.concatenate([X, x[:, :], X * 3, np.round(X, 1) + 0.05])
    rows = np.where(np.isnan(rows), 0, rows)
    check(steps, 4, np.float64, exact=False, rows=rows)
    missing = exported(steps["normal"], 4, np.float64)
    assert np.isnan(missing.reference({"x": x})[0]).sum() == np.isnan(x).sum()


def test_the_inverse_of_the_normal_distribution_is_scipys() -> None:
    """At all sizes of numbers, those of the ends too."""
    special = pytest.importorskip("scipy.special")
    onnx_reference = pytest.importorskip("onnx.reference")
    from onnx_bridge.frontends.graph import Graph
    from onnx_bridge.frontends.sklearn.context import Context
    from onnx_bridge.frontends.sklearn.quantiles import normal_of_rank

    p = np.concatenate([10.0 ** np.linspace(-300, -1, 200), np.linspace(0.01, 0.99, 99), 1 - 10.0 ** np.linspace(-16, -1, 40)])
    g = Graph()
    made = normal_of_rank(Context(g), g.constant(p))
    g.output("y", made, np.dtype(np.float64), [len(p)])
    got = onnx_reference.ReferenceEvaluator(g.model("inverse")).run(None, {})[0]

    np.testing.assert_allclose(got, special.ndtri(p), rtol=1e-12, atol=1e-14)


def test_what_is_refused() -> None:
    with pytest.raises(ExportError, match="Matern kernel with nu = 0.7 is not supported"):
        exported(gaussian_process.GaussianProcessRegressor(kernels.Matern(nu=0.7), optimizer=None).fit(X, SUM), 4, np.float64)
    with pytest.raises(ExportError, match="KernelPCA by the kernel .* is not supported"):
        exported(decomposition.KernelPCA(2, kernel=lambda a, b: a @ b).fit(X), 4, np.float64)
