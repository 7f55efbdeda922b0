"""LinearRegressor."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.dtypes import WIDE_FLOATS, float32, int32, int64
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.library.composite import Composite, Parts, onnx
from onnx_bridge.library.post_transform import functor
from onnx_bridge.operators.cases import case, data
from onnx_bridge.operators.transform_scores import TransformScores


def scores_of(build: Parts, x: Tensor, coefficients: np.ndarray, intercepts: np.ndarray | None) -> Tensor:
    """x [rows, features] times coefficients [targets, features], in float32, + intercepts."""
    if x.dtype is not float32:
        x = build.add(onnx("Cast"), x, to=float32.onnx)
    parts = [build.constant("coefficients", coefficients, x)]
    if intercepts is not None:
        parts.append(build.constant("intercepts", intercepts, x))
    return build.add(onnx("Gemm"), x, *parts, transB=1)


def rows_of(values: list[float] | None, count: int, x: Tensor, name: str) -> np.ndarray:
    """Coefficients as [count, features] for rows of x.

    Raises:
        ShapeError: there are not so many, or x is no list of rows.
    """
    if x.rank != 2:
        raise ShapeError(f"x must be [rows, features], got {x.type}")
    listed = np.asarray(values or [], np.float32)
    if count < 1 or not listed.size or listed.size % count:
        raise ShapeError(f"{name} must be a row for each of {count}, got {listed.size} numbers")
    same(x.shape[1], listed.size // count)
    return listed.reshape(count, -1)


@operator("LinearRegressor", domain="ai.onnx.ml", since=1)
class LinearRegressor(Composite):
    """y [rows][targets] = x coefficients + intercepts, transformed; of one target only by PROBIT, as in onnxruntime."""

    computes = ((*WIDE_FLOATS, int32, int64),)

    coefficients: list[float] | None = attribute(None)
    intercepts: list[float] | None = attribute(None)
    post_transform: str = attribute("NONE")
    targets: int = attribute(1)

    def types(self, x: Tensor) -> Type:
        functor(self.post_transform)
        rows_of(self.coefficients, self.targets, x, "coefficients")
        if self.intercepts and len(self.intercepts) != self.targets:
            raise ShapeError(f"intercepts must be a number for each of {self.targets} targets, got {len(self.intercepts)}")
        return Type(float32, (x.shape[0], self.targets))

    def parts(self, build: Parts) -> Tensor:
        coefficients = rows_of(self.coefficients, self.targets, self.x, "coefficients")
        scores = scores_of(build, self.x, coefficients, np.asarray(self.intercepts) if self.intercepts else None)
        if self.post_transform == "NONE" or (self.targets == 1 and self.post_transform != "PROBIT"):
            return scores
        return build.add(TransformScores, scores, post_transform=self.post_transform)


_TWO = {"coefficients": [0.5, -1.0, 2.0, 0.25, 0.125, -0.5], "intercepts": [0.1, -0.2], "targets": 2}
LinearRegressor.cases = (
    case(x=("N", 3), attributes={"coefficients": [0.5, -1.0, 2.0], "intercepts": [0.25]}),
    case(x=("N", 3), attributes=_TWO),
    case(x=(5, 3), attributes={"coefficients": [0.5, -1.0, 2.0], "post_transform": "LOGISTIC"}),
    *(case(x=(5, 3), attributes={**_TWO, "post_transform": name}) for name in ("LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO")),
    case(x=data(0, 3), attributes=_TWO),
)
