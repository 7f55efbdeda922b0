"""TreeEnsemble, and what it has in common with TreeEnsembleClassifier and TreeEnsembleRegressor."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS, DType
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.kernels.trees import TREES, rows_at_a_time
from onnx_bridge.library.post_transform import functor
from onnx_bridge.library.tree_tables import Tables, tables
from onnx_bridge.library.trees import Ensemble, of_version_5
from onnx_bridge.operators.cases import Case, case, data, given

#: The functors of trees.hxx by ONNX's names of aggregate functions.
COMBINE = {"SUM": "TreeSum()", "AVERAGE": "TreeSum()", "MIN": "TreeLeast()", "MAX": "TreeLargest()"}


class TreeOperator(ROperator):
    """An ensemble of trees over the rows of x [rows][features]."""

    kernels: ClassVar[tuple[str, ...]] = (TREES.header,)

    def ensemble(self) -> Ensemble:
        """The trees, checked."""
        raise NotImplementedError

    def targets(self) -> int:
        """How many sums the leaves add to."""
        raise NotImplementedError

    @functools.cached_property
    def tables(self) -> Tables:
        """The trees as the kernel reads them, made once: attributes do not change."""
        return tables(self.ensemble(), self.targets())

    def rows(self, x: Tensor) -> Size:
        """How many rows x has.

        Raises:
            ShapeError: it has another rank than 2, or too few features.
        """
        if x.rank != 2:
            raise ShapeError(f"x must be [rows, features], got {x.type}")
        room = x.shape[-1] - self.tables.width
        if isinstance(room, int) and room < 0:
            raise ShapeError(f"a node asks for feature {self.tables.width - 1}, of {x.type}")
        dims.assume(room)
        return x.shape[0]

    def scratch_bytes(self) -> Size:
        found = self.tables
        columns = found.width * (2 if found.nan_low and found.nan_high else 1)
        return TREES.scratch_bytes(rows_at_a_time(self.rows(self.x), found.width), columns, self.targets(), found.dtype.size // 4)

    def emit_trees(self, cpp: Writer, combine: str, finish: str) -> None:
        """The call of the kernel; `finish` says what is made of the sums of a row."""
        found, name, x = self.tables, self.y.name, self.x
        kind = found.dtype.storage
        roots, nodes = cpp.weight(f"{name}_roots", found.roots), cpp.weight(f"{name}_nodes", found.nodes)
        flags = ", ".join("true" if flag else "false" for flag in (found.nan_low, found.nan_high))
        trees = f"Trees<{kind}>{{{len(found.roots)}, {found.width}, {flags}, {roots}, {nodes}}}"
        block = rows_at_a_time(self.rows(x), found.width)
        leaf = f"{found.form}<{kind}>{{{', '.join(self._leaf(cpp))}}}"
        cpp.call(TREES.function, self.rows(x), x.shape[-1], self.targets(), block, x, trees, leaf, combine, finish, cpp.scratch())

    def _leaf(self, cpp: Writer) -> list[str]:
        """What the functor of leaves is made of."""
        found, name = self.tables, self.y.name
        if found.form == "LeafWeight":
            return [cpp.weight(f"{name}_targets", found.targets) if found.targets.size else "nullptr"]
        weights = cpp.weight(f"{name}_weights", found.weights) if found.weights.size else "nullptr"
        if found.form == "LeafRow":
            return [str(self.targets()), weights]
        ids = cpp.weight(f"{name}_ids", found.ids) if found.ids.size else "nullptr"
        return [cpp.weight(f"{name}_first", found.first), ids, weights]

    def emit_regression(self, cpp: Writer, aggregate: str, base: np.ndarray | None, transform: str, y: DType) -> None:
        """The call of the kernel where each target's sum is a number of the output."""
        kind, count = self.tables.dtype.storage, self.targets()
        # Of a target alone onnxruntime transforms nothing but by PROBIT.
        post = functor(transform if count > 1 or transform == "PROBIT" else "NONE")
        divisor = len(self.tables.roots) if aggregate == "AVERAGE" else 1
        added = "nullptr" if base is None else cpp.weight(f"{self.y.name}_base", base.astype(self.tables.dtype.numpy))
        parts = f"{count}, static_cast<{kind}>({divisor}), {added}, {cpp.pointer(self.y)}, {post}()"
        self.emit_trees(cpp, COMBINE[aggregate], f"TreeRegression<{kind}, {y.storage}, {post}>{{{parts}}}")


def chosen(value: str, known: Sequence[str], name: str) -> str:
    """An attribute that is one of some words.

    Raises:
        ShapeError: it is another one.
    """
    if value not in known:
        raise ShapeError(f"{name} must be one of {', '.join(known)}, got {value!r:.40}")
    return value


_AGGREGATES = ("AVERAGE", "SUM", "MIN", "MAX")
_TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")


@dataclass(eq=False, kw_only=True)
class ListedTrees(TreeOperator):
    """Trees as versions 1 and 3 list them: an entry a node in each list, leaves in lists of their own."""

    base_values: list[float] | None = attribute(None)
    base_values_as_tensor: Any = attribute(None)
    nodes_falsenodeids: list[int] | None = attribute(None)
    nodes_featureids: list[int] | None = attribute(None)
    nodes_hitrates: list[float] | None = attribute(None)
    nodes_hitrates_as_tensor: Any = attribute(None)
    nodes_missing_value_tracks_true: list[int] | None = attribute(None)
    nodes_modes: list[str] | None = attribute(None)
    nodes_nodeids: list[int] | None = attribute(None)
    nodes_treeids: list[int] | None = attribute(None)
    nodes_truenodeids: list[int] | None = attribute(None)
    nodes_values: list[float] | None = attribute(None)
    nodes_values_as_tensor: Any = attribute(None)
    post_transform: str = attribute("NONE")


@operator("TreeEnsemble", domain="ai.onnx.ml", since=5)
class TreeEnsemble(TreeOperator):
    """y [rows][n_targets] = what the leaves that a row ends in say of each target, put together by `aggregate_function`."""

    kernels = (TREES.header, "post_transform.hxx")
    computes = (WIDE_FLOATS,)

    aggregate_function: int = attribute(1)
    leaf_targetids: list[int] = attribute()
    leaf_weights: Any = attribute()
    membership_values: Any = attribute(None)
    n_targets: int = attribute()
    nodes_falseleafs: list[int] = attribute()
    nodes_falsenodeids: list[int] = attribute()
    nodes_featureids: list[int] = attribute()
    nodes_hitrates: Any = attribute(None)
    nodes_missing_value_tracks_true: list[int] | None = attribute(None)
    nodes_modes: Any = attribute()
    nodes_splits: Any = attribute()
    nodes_trueleafs: list[int] = attribute()
    nodes_truenodeids: list[int] = attribute()
    post_transform: int = attribute(0)
    tree_roots: list[int] = attribute()

    def ensemble(self) -> Ensemble:
        return of_version_5(self)

    def targets(self) -> int:
        return self.n_targets

    def types(self, x: Tensor) -> Type:
        for value, known, name in (
            (self.aggregate_function, _AGGREGATES, "aggregate_function"), (self.post_transform, _TRANSFORMS, "post_transform"),
        ):  # fmt: skip
            if not 0 <= value < len(known):
                raise ShapeError(f"{name} must be a number from 0 to {len(known) - 1}, got {value}")
        if self.n_targets < 1:
            raise ShapeError(f"n_targets must be at least 1, got {self.n_targets}")
        if self.n_targets > 1 and self.post_transform in (1, 2):
            raise UnsupportedForm(
                "post_transform is 1 or 2, of which ONNX and onnxruntime disagree which is SOFTMAX and which LOGISTIC; "
                "make it 0 and put a Softmax or a Sigmoid behind"
            )
        return Type(x.dtype, (self.rows(x), self.n_targets))

    def emit(self, cpp: Writer) -> None:
        self.emit_regression(cpp, _AGGREGATES[self.aggregate_function], None, _TRANSFORMS[self.post_transform], self.y.dtype)


def _cases() -> Sequence[Case]:
    """Every mode, NaN, thresholds met, aggregate functions, transforms, doubles."""
    shape = {
        "tree_roots": [0, 3], "n_targets": 2, "nodes_featureids": [0, 2, 0, 1, 0, 1, 0], "nodes_truenodeids": [1, 0, 2, 4, 4, 6, 7],
        "nodes_trueleafs": [0, 1, 1, 0, 1, 0, 1], "nodes_falsenodeids": [2, 1, 3, 5, 5, 6, 8], "nodes_falseleafs": [0, 1, 1, 0, 1, 1, 1],
        "nodes_modes": np.array([0, 4, 6, 3, 5, 1, 2], np.uint8), "leaf_targetids": [0, 1, 0, 0, 1, 0, 0, 1, 1],
        "nodes_missing_value_tracks_true": [0, 1, 0, 1, 0, 0, 1],
    }  # fmt: skip

    def typed(kind: str, **more: Any) -> dict[str, Any]:
        splits, weights = (
            np.array([0.5, 1.0, 0.0, 0.0, 1.0, -1.0, 0.25], kind),
            np.array([1.5, -2.0, 0.3, 7.0, 0.1, 0.7, -4.0, 0.6, 9.0], kind),
        )
        members = np.array([2.0, -3.0, 1.0, np.nan], kind)
        sets = {} if "nodes_modes" in more else {"membership_values": members}
        return {**shape, "nodes_splits": splits, "leaf_weights": weights, **sets, **more}

    # onnxruntime rounds before it looks for members; ONNX does not. So what is looked for is whole.
    x = [[0.5, 0, 1], [0.25, -0.0, 2], [np.nan, 1, 1], [1, 1e-40, 0], [3, np.nan, 0], [2, -1, 0], [-1, 0, np.nan], [np.inf, 0, -np.inf]]
    return [
        case(x=data("N", 3), opset=5, attributes=typed("float32", nodes_modes=np.array([0, 4, 3, 3, 5, 1, 2], np.uint8)), exact=True),
        case(x=given([*x, [-3, 0, 1]]), opset=5, attributes=typed("float32"), exact=True),
        case(x=given(x, "float64"), opset=5, attributes=typed("float64"), exact=True),
        *(case(x=given(x), opset=5, attributes=typed("float32", aggregate_function=number)) for number in (0, 2, 3)),
        *(case(x=given(x), opset=5, attributes=typed("float32", post_transform=number)) for number in (3, 4)),
        case(x=given(x), opset=5, attributes=typed("float32", post_transform=4, n_targets=1, leaf_targetids=[0] * 9)),
    ]


TreeEnsemble.cases = tuple(_cases())
