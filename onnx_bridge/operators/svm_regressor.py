"""SVMRegressor, and the kernels that it has in common with SVMClassifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from onnx_bridge.ir.dtypes import WIDE_FLOATS, float32, int32, int64
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.kernels.support_vectors import SUPPORT
from onnx_bridge.library.composite import Composite, Parts, onnx
from onnx_bridge.library.post_transform import functor
from onnx_bridge.operators.cases import case, data
from onnx_bridge.operators.linear_regressor import rows_of, scores_of

KERNEL_TYPES = ("LINEAR", "POLY", "RBF", "SIGMOID")


@dataclass(eq=False, kw_only=True)
class RadialKernels(ROperator):
    """y [rows][vectors] = exp(-gamma |x - v|^2). What support vector machines are made of; no file names it."""

    op_type = "RadialKernels"
    computes = ((float32,),)
    kernels: ClassVar[tuple[str, ...]] = (SUPPORT.header,)

    gamma: float = attribute()

    def types(self, x: Tensor, vectors: Tensor) -> Type:
        return Type(float32, (x.shape[0], vectors.shape[1]))

    def emit(self, cpp: Writer) -> None:
        vectors = self.input(1)
        cpp.call("radial_kernels", self.x.shape[0], self.x.shape[1], vectors.shape[1], float(self.gamma), self.x, vectors, self.y)


def parameters(values: list[float] | None) -> tuple[float, float, float]:
    """gamma, coef0 and degree.

    Raises:
        ShapeError: there are others than three.
    """
    if values and len(values) != 3:
        raise ShapeError(f"kernel_params must be gamma, coef0 and degree, got {len(values)} numbers")
    gamma, offset, degree = values or (0.0, 0.0, 0.0)
    return gamma, offset, degree


def check_kernel(kernel_type: str, values: list[float] | None) -> None:
    """Refuses a kernel that is none.

    Raises:
        ShapeError: it is none.
    """
    parameters(values)
    if kernel_type not in KERNEL_TYPES:
        raise ShapeError(f"kernel_type must be one of {', '.join(KERNEL_TYPES)}, got {kernel_type!r:.40}")


def kernels_of(build: Parts, x: Tensor, vectors: np.ndarray, kernel_type: str, values: list[float] | None) -> Tensor:
    """What each of the support vectors [count, features] says to each row of x: [rows, count]."""
    if x.dtype is not float32:
        x = build.add(onnx("Cast"), x, to=float32.onnx)
    gamma, offset, degree = parameters(values)
    if kernel_type == "RBF":
        return build.add(RadialKernels, x, build.constant("vectors", np.ascontiguousarray(vectors.T), x), gamma=gamma)
    constant = build.constant("vectors", vectors, x)
    if kernel_type == "LINEAR":
        return build.add(onnx("Gemm"), x, constant, transB=1)
    product = build.add(onnx("Gemm"), x, constant, build.constant("offset", np.full(len(vectors), offset), x), transB=1, alpha=gamma)
    if kernel_type == "SIGMOID":
        return build.add(onnx("Tanh"), product)
    if degree == 2:
        return build.add(onnx("Mul"), product, product)
    if degree == 3:
        return build.add(onnx("Mul"), build.add(onnx("Mul"), product, product), product)
    return build.add(onnx("Pow"), product, build.constant("degree", degree, x))


@operator("SVMRegressor", domain="ai.onnx.ml", since=1)
class SVMRegressor(Composite):
    """y [rows][1] = what the support vectors say, times coefficients, + rho; 1 above 0 and else -1 where `one_class`.

    Without vectors (n_supports = 0) it is linear. onnxruntime computes no post_transform, and so does this.
    """

    computes = ((*WIDE_FLOATS, int32, int64),)

    coefficients: list[float] = attribute(None)
    kernel_params: list[float] | None = attribute(None)
    kernel_type: str = attribute("LINEAR")
    n_supports: int = attribute(0)
    one_class: int = attribute(0)
    post_transform: str = attribute("NONE")
    rho: list[float] | None = attribute(None)
    support_vectors: list[float] | None = attribute(None)

    def types(self, x: Tensor) -> Type:
        functor(self.post_transform)
        check_kernel(self.kernel_type, self.kernel_params)
        if self.n_supports > 0:
            rows_of(self.support_vectors, self.n_supports, x, "support_vectors")
            if len(self.coefficients or []) != self.n_supports:
                raise ShapeError(f"coefficients must be one for each of {self.n_supports} vectors, got {len(self.coefficients or [])}")
        else:
            rows_of(self.coefficients, 1, x, "coefficients")
        if len(self.rho or []) != 1:
            raise ShapeError(f"rho must be one number, got {len(self.rho or [])}")
        return Type(float32, (x.shape[0], 1))

    def parts(self, build: Parts) -> Tensor:
        coefficients, x = np.asarray(self.coefficients, np.float32).reshape(1, -1), self.x
        if self.n_supports > 0:
            vectors = rows_of(self.support_vectors, self.n_supports, x, "support_vectors")
            x = kernels_of(build, x, vectors, self.kernel_type, self.kernel_params)
        y = scores_of(build, x, coefficients, np.asarray(self.rho))
        if not self.one_class:
            return y
        above = build.add(onnx("Greater"), y, build.constant("zero", 0.0, y))
        return build.add(onnx("Where"), above, build.constant("inside", 1.0, y), build.constant("outside", -1.0, y))


_VECTORS = {
    "n_supports": 3, "support_vectors": [0.5, -1.0, 2.0, 0.25, 0.125, -0.5, 1.0, 1.0, 1.0], "coefficients": [0.5, -1.5, 0.75],
    "rho": [0.125],
}  # fmt: skip
_POLY = {**_VECTORS, "kernel_type": "POLY"}
SVMRegressor.cases = (
    case(x=("N", 3), attributes={**_VECTORS, "kernel_type": "RBF", "kernel_params": [0.4, 0.0, 3.0]}),
    case(x=("N", 3), attributes={**_VECTORS, "kernel_type": "SIGMOID", "kernel_params": [0.4, 0.5, 3.0]}),
    *(case(x=(5, 3), attributes={**_POLY, "kernel_params": [0.4, 3.0, degree]}) for degree in (2.0, 3.0)),
    case(x=data(5, 3, low=0, high=1), attributes={**_POLY, "kernel_params": [0.4, 3.0, 2.5]}),
    case(x=(5, 3), attributes={**_VECTORS, "kernel_params": [0.4, 0.5, 3.0], "one_class": 1}),
    case(x=("N", 3), attributes={"coefficients": [0.5, -1.0, 2.0], "rho": [0.5], "kernel_params": [0.4, 0.5, 3.0], "n_supports": 0}),
)
