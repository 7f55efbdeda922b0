"""SVMClassifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS, float32, int32, int64, string
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.kernels.support_vectors import SUPPORT
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.library.labels import label_table, label_type, labels_of
from onnx_bridge.library.post_transform import functor
from onnx_bridge.operators.cases import case, data
from onnx_bridge.operators.linear_regressor import rows_of, scores_of
from onnx_bridge.operators.svm_regressor import check_kernel, kernels_of


@dataclass(eq=False, kw_only=True)
class MarginClasses(ROperator):
    """y, z = labels and scores, from what a linear support vector machine says of each class. What SVMClassifier is made of."""

    op_type = "MarginClasses"
    computes = ((float32,),)

    labels: Any = attribute()
    chances: int = attribute()
    positive: int = attribute()
    post_transform: str = attribute("NONE")

    def kernel_files(self) -> Sequence[str]:
        return ["class_scores.hxx", *(["text.hxx"] if label_type(self.labels) is string else [])]

    def types(self, scores: Tensor) -> list[Type]:
        return [Type(label_type(self.labels), scores.shape[:1]), scores.type]

    def emit(self, cpp: Writer) -> None:
        rows, classes = self.x.shape
        labels, post = label_table(cpp, self.y.name, self.labels), f"{functor(self.post_transform)}()"
        cpp.call(
            "margin_classes", rows, classes, bool(self.chances), bool(self.positive), self.x, labels, post, self.y, self.output(1)
        )  # fmt: skip


@dataclass(eq=False, kw_only=True)
class SupportClasses(ROperator):
    """y, z = labels and scores, from what each support vector says. What SVMClassifier is made of; see support_vectors.hxx."""

    op_type = "SupportClasses"
    computes = ((float32,),)

    labels: Any = attribute()
    columns: int = attribute()
    arrays: Any = attribute()
    post_transform: str = attribute("NONE")

    def kernel_files(self) -> Sequence[str]:
        return [SUPPORT.header, "class_scores.hxx", *(["text.hxx"] if label_type(self.labels) is string else [])]

    def types(self, kernels: Tensor) -> list[Type]:
        return [Type(label_type(self.labels), kernels.shape[:1]), Type(float32, (kernels.shape[0], self.columns))]

    def scratch_bytes(self) -> Size:
        return SUPPORT.scratch_bytes(len(self.labels))

    def emit(self, cpp: Writer) -> None:
        rows, count = self.x.shape
        parts = [cpp.weight(f"{self.y.name}_{name}", array) if array.size else "nullptr" for name, array in self.arrays.items()]
        machine = f"SupportMachine{{{len(self.labels)}, {count}, {', '.join(parts)}}}"
        labels, post = label_table(cpp, self.y.name, self.labels), f"{functor(self.post_transform)}()"
        cpp.call(SUPPORT.function, rows, machine, self.columns, self.x, labels, post, self.y, self.output(1), cpp.scratch())


@operator("SVMClassifier", domain="ai.onnx.ml", since=1)
class SVMClassifier(Composite):
    """y [rows] = the label that most decisions between two classes are for; z = chances of the classes, or the decisions.

    Without vectors it is linear: a row of coefficients a class. Where ONNX is silent it is as in onnxruntime (class_scores.hxx,
    support_vectors.hxx).
    """

    computes = ((*WIDE_FLOATS, int32, int64),)

    classlabels_ints: list[int] | None = attribute(None)
    classlabels_strings: list[str] | None = attribute(None)
    coefficients: list[float] | None = attribute(None)
    kernel_params: list[float] | None = attribute(None)
    kernel_type: str = attribute("LINEAR")
    post_transform: str = attribute("NONE")
    prob_a: list[float] | None = attribute(None)
    prob_b: list[float] | None = attribute(None)
    rho: list[float] | None = attribute(None)
    support_vectors: list[float] | None = attribute(None)
    vectors_per_class: list[int] | None = attribute(None)

    def labels(self) -> list[Any]:
        """The labels of the classes."""
        return labels_of(self.classlabels_ints, self.classlabels_strings)

    def vector_count(self) -> int:
        """How many support vectors there are."""
        return sum(self.vectors_per_class or [])

    def columns(self) -> int:
        """How many scores a row has."""
        classes = len(self.labels())
        return classes if not self.vector_count() or self.prob_a or classes == 2 else classes * (classes - 1) // 2

    def types(self, x: Tensor) -> list[Type]:
        functor(self.post_transform)
        check_kernel(self.kernel_type, self.kernel_params)
        classes, vectors = len(self.labels()), self.vector_count()
        if any(count < 0 for count in self.vectors_per_class or []):
            raise ShapeError("vectors_per_class must not be negative")
        if len(self.prob_a or []) != len(self.prob_b or []):
            raise ShapeError(f"prob_a and prob_b must have one length, got {len(self.prob_a or [])} and {len(self.prob_b or [])}")
        if vectors:
            rows_of(self.support_vectors, vectors, x, "support_vectors")
            pairs = classes * (classes - 1) // 2
            needed = {"coefficients": (classes - 1) * vectors, "rho": pairs, "prob_a": pairs if self.prob_a else 0}
            if classes < 2 or len(self.vectors_per_class or []) != classes:
                raise ShapeError(f"vectors_per_class must be a number for each of at least two classes, got {self.vectors_per_class}")
            for name, count in needed.items():
                if len(getattr(self, name) or []) < count:
                    raise ShapeError(f"{name} must be {count} numbers, got {len(getattr(self, name) or [])}")
        else:
            rows_of(self.coefficients, classes, x, "coefficients")
            if not self.rho:
                raise ShapeError("rho must be at least one number")
        return [Type(label_type(self.labels()), x.shape[:1]), Type(float32, (x.shape[0], self.columns()))]

    def parts(self, build: Parts) -> list[Tensor]:
        labels = self.labels()
        coefficients = np.asarray(self.coefficients, np.float32)
        if not self.vector_count():
            rows = rows_of(self.coefficients, len(labels), self.x, "coefficients")
            scores = scores_of(build, self.x, rows, np.full(len(labels), (self.rho or [0.0])[0]))
            positive = bool((coefficients >= 0).all())
            return build.many(
                2, MarginClasses, scores, labels=labels, chances=int(bool(self.prob_a)), positive=int(positive),
                post_transform=self.post_transform,
            )  # fmt: skip
        vectors = rows_of(self.support_vectors, self.vector_count(), self.x, "support_vectors")
        kernels = kernels_of(build, self.x, vectors, self.kernel_type, self.kernel_params)
        arrays = {
            "per_class": np.asarray(self.vectors_per_class, np.int64), "coefficients": coefficients,
            "rho": np.asarray(self.rho, np.float32),
            "a": np.asarray(self.prob_a or [], np.float32), "b": np.asarray(self.prob_b or [], np.float32),
        }  # fmt: skip
        return build.many(
            2, SupportClasses, kernels, labels=labels, columns=self.columns(), arrays=arrays, post_transform=self.post_transform
        )  # fmt: skip


_RBF = {"kernel_type": "RBF", "kernel_params": [0.4, 0.0, 3.0]}
_TWO = {
    **_RBF, "vectors_per_class": [2, 1], "support_vectors": [0.5, -1.0, 2.0, 0.25, 0.125, -0.5, 1.0, 1.0, 1.0],
    "coefficients": [0.5, -1.5, 0.75], "rho": [0.125], "classlabels_ints": [3, 8],
}  # fmt: skip
_THREE = {
    **_TWO, "vectors_per_class": [1, 0, 2], "coefficients": [0.5, -1.5, 0.75, 1.0, -0.25, 0.5], "rho": [0.125, -0.5, 0.25],
    "classlabels_ints": [3, 8, -1],
}  # fmt: skip
_CHANCES = {"prob_a": [-1.0, -2.0, 0.5], "prob_b": [0.1, -0.2, 0.3]}
_LINEAR = {
    "kernel_params": [0.0, 0.0, 0.0],
    "coefficients": [0.5, -1.0, 2.0, 0.25, 0.125, -0.5],
    "rho": [0.125],
    "classlabels_ints": [3, 8],
}
SVMClassifier.cases = (
    case(x=("N", 3), outputs=2, attributes=_THREE),
    case(x=("N", 3), outputs=2, attributes={**_THREE, **_CHANCES}),
    *(case(x=(9, 3), outputs=2, attributes={**_TWO, "post_transform": name}) for name in ("NONE", "LOGISTIC", "SOFTMAX")),
    case(x=(9, 3), outputs=2, attributes={**_TWO, "prob_a": [-1.0], "prob_b": [0.1], "post_transform": "LOGISTIC"}),
    case(x=(9, 3), outputs=2, attributes={**_THREE, "kernel_type": "POLY", "kernel_params": [0.4, 0.5, 3.0], "post_transform": "SOFTMAX"}),
    case(x=data(9, 3, dtype="float64"), outputs=2, attributes={**_THREE, "kernel_type": "SIGMOID", "kernel_params": [0.4, 0.5, 3.0]}),
    case(x=data(9, 3, dtype="int64", low=-2, high=3), outputs=2, attributes={**_TWO, "kernel_type": "LINEAR"}),
    case(x=(9, 3), outputs=2, attributes={**_THREE, "classlabels_ints": None, "classlabels_strings": ["a", "b", "c"]}),
    case(x=("N", 3), outputs=2, attributes=_LINEAR),
    case(x=(9, 3), outputs=2, attributes={**_LINEAR, "coefficients": [0.5, 0.0, 2.0, 0.25, 0.125, 0.5], "post_transform": "LOGISTIC"}),
)
