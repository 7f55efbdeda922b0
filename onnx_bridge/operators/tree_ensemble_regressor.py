"""TreeEnsembleRegressor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from onnx_bridge.ir.dtypes import WIDE_FLOATS, float32, float64, int32, int64
from onnx_bridge.ir.roperator import Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.kernels.trees import TREES
from onnx_bridge.library.post_transform import functor
from onnx_bridge.library.trees import Ensemble, numbers, of_version_3
from onnx_bridge.operators.cases import Case, case, data, given
from onnx_bridge.operators.tree_ensemble import COMBINE, ListedTrees, chosen


@operator("TreeEnsembleRegressor", domain="ai.onnx.ml", since=1)
class TreeEnsembleRegressor(ListedTrees):
    """y [rows][n_targets] = what the leaves say of each target, put together by `aggregate_function`, + base_values, transformed.

    As in onnxruntime, of one target only PROBIT is computed, and a target of several that no leaf speaks of stays 0. Doubles compare and
    add as doubles, as do the attributes of version 3 that are doubles; y is float.
    """

    kernels = (TREES.header, "post_transform.hxx")
    computes = ((*WIDE_FLOATS, int32, int64),)

    aggregate_function: str = attribute("SUM")
    n_targets: int = attribute(None)
    target_ids: list[int] | None = attribute(None)
    target_nodeids: list[int] | None = attribute(None)
    target_treeids: list[int] | None = attribute(None)
    target_weights: list[float] | None = attribute(None)
    target_weights_as_tensor: Any = attribute(None)

    def ensemble(self) -> Ensemble:
        return of_version_3(self, "target", self.n_targets, self.x.dtype is float64)

    def targets(self) -> int:
        return self.n_targets

    def base(self) -> np.ndarray | None:
        """What is added to each target."""
        return numbers(self.base_values, self.base_values_as_tensor, "base_values")

    def types(self, x: Tensor) -> Type:
        functor(self.post_transform)
        chosen(self.aggregate_function, tuple(COMBINE), "aggregate_function")
        if self.n_targets is None or self.n_targets < 1:
            raise ShapeError(f"n_targets must be at least 1, got {self.n_targets}")
        base = self.base()
        if base is not None and len(base) != self.n_targets:
            raise ShapeError(f"base_values must have a number for each of {self.n_targets} targets, got {len(base)}")
        return Type(float32, (self.rows(x), self.n_targets))

    def emit(self, cpp: Writer) -> None:
        self.emit_regression(cpp, self.aggregate_function, self.base(), self.post_transform, float32)


#: Two trees over three features with every mode of version 1, NaN one way and the other.
SMALL: dict[str, Any] = {
    "nodes_treeids": [0] * 7 + [7] * 7,
    "nodes_nodeids": [*range(7)] * 2,
    "nodes_featureids": [0, 1, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0],
    "nodes_values": [0.5, -0.25, 1.0, 0, 0, 0, 0, 0.0, 2.0, 1.5, 0, 0, 0, 0],
    "nodes_modes": ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", *["LEAF"] * 4, "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", *["LEAF"] * 4],
    "nodes_truenodeids": [1, 3, 5, 0, 0, 0, 0] * 2,
    "nodes_falsenodeids": [2, 4, 6, 0, 0, 0, 0] * 2,
    "nodes_missing_value_tracks_true": [1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0],
}

#: The leaves of both trees: which tree, which node.
LEAVES = [0] * 4 + [7] * 4, [3, 4, 5, 6] * 2

#: Rows at, just under and just over its thresholds, and what is no number.
ROWS = [
    [0.5, -0.25, 1.0],
    [np.nextafter(np.float32(0.5), np.float32(1)), -0.25, 1.0],
    [0.5, np.nextafter(np.float32(-0.25), np.float32(-1)), 1.0],
    [0.6, 0.0, np.nextafter(np.float32(1), np.float32(0))],
    [2.0, 1e-40, 1.5],
    [2.0, -1e-40, 1.5],
    [np.nan, 1.0, 1.0],
    [0.1, np.nan, 2.0],
    [np.inf, np.inf, np.nan],
    [-np.inf, -np.inf, -np.inf],
    [np.nan, np.nan, np.nan],
    [2.0, -0.0, 1.0],
]


def _cases() -> Sequence[Case]:
    def weighted(targets: int, ids: Sequence[int]) -> dict[str, Any]:
        each = len(ids) // 8
        trees, nodes = ([value for value in part for _ in range(each)] for part in LEAVES)
        weights = [0.1, -0.7, 0.3, 1e-3, 16.5, 0.2, -2.0, 0.7] + [0.3 * number for number in range(8)]
        return {
            **SMALL, "n_targets": targets, "target_treeids": trees, "target_nodeids": nodes, "target_ids": list(ids),
            "target_weights": weights[: len(ids)],
        }  # fmt: skip

    one, two, rows, forest = weighted(1, [0] * 8), weighted(2, [0, 1] * 4), weighted(2, [0, 1] * 8), weighted(2, [0] * 4 + [1] * 4)
    return [
        case(x=data("N", 3), attributes=one, exact=True),
        *(case(x=given(ROWS), attributes=attributes, exact=True) for attributes in (one, two, rows, forest)),
        *(case(x=given(ROWS, "float64"), attributes=attributes, exact=True) for attributes in (one, two)),
        *(case(x=given(ROWS), attributes={**a, "aggregate_function": f}) for a in (one, two, rows) for f in ("AVERAGE", "MIN", "MAX")),
        *(case(x=given(ROWS), attributes={**two, "post_transform": t, "base_values": [0.1, 0.2]}) for t in ("LOGISTIC", "SOFTMAX", "NONE")),
        case(x=given(ROWS), attributes={**one, "base_values": [0.3], "post_transform": "LOGISTIC", "aggregate_function": "AVERAGE"}),
        case(x=data(0, 3), attributes=one),
        case(
            x=given(ROWS, "float64"), opset=3,
            attributes={
                **{key: value for key, value in one.items() if key not in ("nodes_values", "target_weights")},
                "nodes_values_as_tensor": np.array(SMALL["nodes_values"]) + 1e-12, "target_weights_as_tensor": np.arange(8) / 7,
                "base_values_as_tensor": np.array([0.1]),
            },
        ),
    ]  # fmt: skip


TreeEnsembleRegressor.cases = tuple(_cases())
