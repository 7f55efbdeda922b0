"""Kernels of pairs of rows, and what is a sum over them: Gaussian processes, kernel ridge regression, principal components of kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.sklearn import internals
from onnx_bridge.frontends.sklearn.context import Context, Made, of_matrix
from onnx_bridge.frontends.sklearn.kernels import apart


def _number(value: float) -> np.float64:
    return np.float64(value)


def _covariance(c: Context, kernel: Any, x: str, points: np.ndarray) -> str:
    """[rows][points] by a kernel of sklearn.gaussian_process.

    Raises:
        ExportError: the kernel is none of those that are known.
    """
    name = type(kernel).__name__
    if name in ("Sum", "Product"):
        parts = [_covariance(c, part, x, points) for part in (kernel.k1, kernel.k2)]
        return str(c.g.add("Add" if name == "Sum" else "Mul", *parts))
    if name == "Exponentiation":
        return str(c.g.add("Pow", _covariance(c, kernel.kernel, x, points), _number(kernel.exponent)))
    if name in ("ConstantKernel", "WhiteKernel"):  # noise is between a row and itself alone
        nothing = c.g.add("MatMul", c.g.add("Mul", x, _number(0)), np.zeros(points.T.shape))
        return str(c.g.add("Add", nothing, _number(kernel.constant_value if name == "ConstantKernel" else 0)))
    if name == "DotProduct":
        return str(c.g.add("Add", c.g.add("MatMul", x, points.T), _number(kernel.sigma_0**2)))
    if name == "RBF":
        return str(c.g.add("Exp", c.g.add("Mul", _squares(c, kernel, x, points), _number(-0.5))))
    if name == "Matern":
        return _matern(c, kernel, x, points)
    if name == "RationalQuadratic":
        shifted = c.g.add("Div", apart(c, x, points), _number(2 * kernel.alpha * kernel.length_scale**2))
        return str(c.g.add("Pow", c.g.add("Add", shifted, _number(1)), _number(-kernel.alpha)))
    if name == "ExpSineSquared":
        waves = c.g.add("Sin", c.g.add("Mul", c.g.add("Sqrt", apart(c, x, points)), _number(np.pi / kernel.periodicity)))
        waves = c.g.add("Div", waves, _number(kernel.length_scale))
        return str(c.g.add("Exp", c.g.add("Mul", c.g.add("Mul", waves, waves), _number(-2))))
    raise ExportError(f"a Gaussian process by the kernel {name} is not supported")


def _squares(c: Context, kernel: Any, x: str, points: np.ndarray) -> str:
    """Squares of distances in units of the kernel's length."""
    length = np.asarray(kernel.length_scale, np.float64)
    return apart(c, c.g.add("Div", x, length), points / length)


def _matern(c: Context, kernel: Any, x: str, points: np.ndarray) -> str:
    squares = _squares(c, kernel, x, points)
    if kernel.nu == np.inf:
        return str(c.g.add("Exp", c.g.add("Mul", squares, _number(-0.5))))
    if kernel.nu not in (0.5, 1.5, 2.5):
        raise ExportError(f"a Matern kernel with nu = {kernel.nu} is not supported; 0.5, 1.5, 2.5 and inf are")
    scaled = c.g.add("Mul", c.g.add("Sqrt", squares), _number(np.sqrt(2 * kernel.nu)))
    falls = c.g.add("Exp", c.g.add("Neg", scaled))
    if kernel.nu == 0.5:
        return str(falls)
    rises = c.g.add("Add", scaled, _number(1))
    if kernel.nu == 2.5:
        rises = c.g.add("Add", rises, c.g.add("Div", c.g.add("Mul", scaled, scaled), _number(3)))
    return str(c.g.add("Mul", rises, falls))


@of_matrix("GaussianProcessRegressor")
def regressor(c: Context, model: Any, x: str) -> Made:
    """The mean; its deviation is not asked for."""
    if not hasattr(model, "X_train_"):
        raise ExportError("GaussianProcessRegressor has not been fitted")
    flat = np.ndim(model.alpha_) == 1
    weights = np.asarray(model.alpha_, np.float64).reshape(len(model.X_train_), -1)
    mean = c.g.add("MatMul", _covariance(c, model.kernel_, x, np.asarray(model.X_train_, np.float64)), weights)
    deviation, first = internals.scale_of_gaussian_process(model)
    mean = c.g.add("Add", c.g.add("Mul", mean, deviation), first)
    return {"prediction": c.g.reshape(mean, -1) if flat else mean}


def _pairwise(c: Context, model: Any, x: str, points: np.ndarray, gamma: float) -> str:
    """[rows][points] by a kernel that is called by its name."""
    kind = model.kernel
    if kind == "linear":
        return str(c.g.add("MatMul", x, points.T))
    if kind in ("rbf", "laplacian"):
        distances = apart(c, x, points, "ReduceSumSquare" if kind == "rbf" else "ReduceL1")
        return str(c.g.add("Exp", c.g.add("Mul", distances, _number(-gamma))))
    if kind in ("poly", "polynomial", "sigmoid"):
        product = c.g.add("Mul", c.g.add("MatMul", x, points.T), _number(gamma))
        shifted = c.g.add("Add", product, _number(model.coef0))
        return str(c.g.add("Tanh", shifted) if kind == "sigmoid" else c.g.add("Pow", shifted, _number(model.degree)))
    if kind == "cosine":
        product = c.g.add("MatMul", x, (points / _lengths(np.linalg.norm(points, axis=1, keepdims=True))).T)
        length = c.g.add("Sqrt", c.g.reduce("ReduceSumSquare", x, 1))
        return str(c.g.add("Div", product, c.g.add("Where", c.g.add("Equal", length, _number(0)), _number(1), length)))
    raise ExportError(f"{type(model).__name__} by the kernel {kind!r} is not supported")


def _lengths(length: np.ndarray) -> np.ndarray:
    return np.asarray(np.where(length == 0, 1, length))


def _dense(model: Any, points: Any) -> np.ndarray:
    if not isinstance(points, np.ndarray):
        raise ExportError(f"{type(model).__name__} was fitted with a sparse matrix; fit it with a dense one")
    return np.asarray(points, np.float64)


@of_matrix("KernelPCA")
def kernel_pca(c: Context, model: Any, x: str) -> Made:
    """The components of rows that are centred where the kernel looks at them."""
    points = _dense(model, model.X_fit_)
    products = _pairwise(c, model, x, points, float(getattr(model, "gamma_", None) or 1 / points.shape[1]))
    rows, all_ = internals.centre_of_kernel(model)
    means = c.g.add("Div", c.g.reduce("ReduceSum", products, 1), _number(len(rows)))
    centred = c.g.add("Add", c.g.add("Sub", c.g.add("Sub", products, rows[None]), means), all_)
    values = np.asarray(model.eigenvalues_, np.float64)
    scaled = np.where(values > 0, np.asarray(model.eigenvectors_, np.float64) / np.sqrt(np.where(values > 0, values, 1)), 0)
    return {"transform": c.numbers(c.g.add("MatMul", centred, scaled), len(values))}


@of_matrix("KernelRidge")
def kernel_ridge(c: Context, model: Any, x: str) -> Made:
    """A sum over all the rows that it was fitted with."""
    points = _dense(model, model.X_fit_)
    gamma = 1 / points.shape[1] if model.gamma is None else model.gamma
    flat = np.ndim(model.dual_coef_) == 1
    weights = np.asarray(model.dual_coef_, np.float64).reshape(len(points), -1)
    made = c.g.add("MatMul", _pairwise(c, model, x, points, gamma), weights)
    return {"prediction": c.g.reshape(made, -1) if flat else made}
