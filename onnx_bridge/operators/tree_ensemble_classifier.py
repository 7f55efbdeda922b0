"""TreeEnsembleClassifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from onnx_bridge.ir.dtypes import WIDE_FLOATS, float32, float64, int32, int64, string
from onnx_bridge.ir.roperator import Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.kernels.trees import TREES
from onnx_bridge.library.labels import label_table, label_type, labels_of
from onnx_bridge.library.post_transform import functor
from onnx_bridge.library.trees import Ensemble, numbers, of_version_3
from onnx_bridge.operators.cases import Case, case, data, given
from onnx_bridge.operators.tree_ensemble import ListedTrees
from onnx_bridge.operators.tree_ensemble_regressor import LEAVES, ROWS, SMALL


@operator("TreeEnsembleClassifier", domain="ai.onnx.ml", since=1)
class TreeEnsembleClassifier(ListedTrees):
    """y [rows], z [rows][classes] = the label, and what the leaves say of each class + base_values, transformed.

    Where ONNX is silent it is as in onnxruntime (tree_classes.hxx says how): two classes of which leaves speak of both, and one class, have
    the labels 0 and 1 whatever they are called, if they are numbers.
    """

    kernels = (TREES.header, "tree_classes.hxx")
    computes = ((*WIDE_FLOATS, int32, int64),)

    class_ids: list[int] | None = attribute(None)
    class_nodeids: list[int] | None = attribute(None)
    class_treeids: list[int] | None = attribute(None)
    class_weights: list[float] | None = attribute(None)
    class_weights_as_tensor: Any = attribute(None)
    classlabels_int64s: list[int] | None = attribute(None)
    classlabels_strings: list[str] | None = attribute(None)

    def ensemble(self) -> Ensemble:
        return of_version_3(self, "class", self.targets(), self.x.dtype is float64)

    def targets(self) -> int:
        return len(self.classlabels_strings or self.classlabels_int64s or [])

    def base(self) -> np.ndarray | None:
        """What is added to the classes."""
        return numbers(self.base_values, self.base_values_as_tensor, "base_values")

    def types(self, x: Tensor) -> list[Type]:
        functor(self.post_transform)
        count, base = self.targets(), self.base()
        labels = labels_of(self.classlabels_int64s, self.classlabels_strings)
        if base is not None and len(base) != count and not (count == 2 and len(base) == 1):
            raise ShapeError(f"base_values must have a number for each of {count} classes, got {len(base)}")
        rows = self.rows(x)
        return [Type(label_type(labels), (rows,)), Type(float32, (rows, count))]

    def is_binary(self) -> bool:
        """Whether leaves speak of one class of two."""
        return self.targets() == 2 and len(set(self.class_ids or [])) == 1

    def kernel_files(self) -> Sequence[str]:
        return [*self.kernels, "text.hxx"] if self.classlabels_strings else self.kernels

    @staticmethod
    def _label_kinds(labels: Sequence[Any]) -> str:
        return "TextTable, std::string_view" if label_type(labels) is string else "ClassNumbers, std::int64_t"

    def emit(self, cpp: Writer) -> None:
        count, base, kind = self.targets(), self.base(), self.tables.dtype
        labels = labels_of(self.classlabels_int64s, self.classlabels_strings)
        if label_type(labels) is int64 and (count == 1 or (count == 2 and not self.is_binary())):
            labels = [0, 1]
        if count == 1:
            labels = [labels[0], labels[-1]]
        weights = numbers(self.class_weights, self.class_weights_as_tensor, "class_weights")
        positive = weights is None or not (weights < 0).any()
        post = functor(self.post_transform)
        added = ["nullptr", "0"] if base is None else [cpp.weight(f"{self.y.name}_base", base.astype(kind.numpy)), str(len(base))]
        parts = [
            str(count), label_table(cpp, self.y.name, labels), *added,
            "true" if self.is_binary() else "false", "true" if positive else "false",
            cpp.pointer(self.y), cpp.pointer(self.output(1)), f"{post}()",
        ]  # fmt: skip
        self.emit_trees(cpp, "TreeSum()", f"TreeClassification<{kind.storage}, {self._label_kinds(labels)}, {post}>{{{', '.join(parts)}}}")


def _cases() -> Sequence[Case]:
    """One class, two of which leaves speak of one or of both, many; each leaf with one weight, with all, with some."""

    def weighted(labels: Sequence[int], weights: Sequence[float], ids: Sequence[int], **more: Any) -> dict[str, Any]:
        each = len(ids) // 8
        trees, nodes = LEAVES
        return {
            **SMALL, "classlabels_int64s": list(labels), "class_ids": list(ids), "class_weights": list(weights),
            "class_treeids": [tree for tree in trees for _ in range(each)], "class_nodeids": [node for node in nodes for _ in range(each)],
            **more,
        }  # fmt: skip

    mixed, positive = [0.1, -0.7, 0.3, 1e-3, 1.5, 0.2, -1.0, 0.5], [0.1, 0.7, 0.3, 1e-3, 0.25, 0.2, 0.125, 0.0]
    transforms = ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO")
    binary = [
        weighted([3, 9], weights, [of] * 8, post_transform=transform)
        for weights in (mixed, positive) for of in (0, 1) for transform in transforms[: 4 if of == 0 else 2]
    ]  # fmt: skip
    both = weighted([0, 1], [0.25 * (number % 5) for number in range(16)], [0, 1] * 8)
    many = weighted([5, -2, 7, 1 << 40], mixed, [0, 1, 2, 3, 0, 1, 2, 3])
    rows = weighted([5, -2, 7], [0.125 * (number % 7) - 0.25 for number in range(24)], [0, 1, 2] * 8)
    alone = weighted([7], mixed, [0] * 8)
    every = [
        *binary, both, {**both, "post_transform": "SOFTMAX"}, {**both, "base_values": [0.1, 0.2]}, {**binary[0], "base_values": [0.1]},
        {**binary[0], "base_values": [0.1, 0.2]}, alone, {**alone, "base_values": [0.5], "post_transform": "LOGISTIC"},
        *({**form, "post_transform": transform} for form in (many, rows) for transform in transforms[:3]),
        {**many, "base_values": [-1.0, 0.5, 0.0, 0.1]}, {**rows, "base_values": [-1.0, 0.5, 0.0]},
    ]  # fmt: skip
    return [
        case(x=data("N", 3), outputs=2, attributes=rows),
        *(case(x=given(ROWS), outputs=2, attributes=attributes) for attributes in every),
        case(x=data("N", 3), outputs=2, attributes={**rows, "classlabels_int64s": None, "classlabels_strings": ["a", "", "c\u00e9"]}),
        case(x=given(ROWS), outputs=2, attributes={**both, "classlabels_int64s": None, "classlabels_strings": ["no", "yes"]}),
        *(case(x=data(9, 3, dtype=kind, low=-2, high=3), outputs=2, attributes=many) for kind in ("int32", "int64", "float64")),
        case(x=given(ROWS, "float64"), outputs=2, attributes=both),
    ]


TreeEnsembleClassifier.cases = tuple(_cases())
