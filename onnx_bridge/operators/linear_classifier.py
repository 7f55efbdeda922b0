"""LinearClassifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnx_bridge.ir.dtypes import WIDE_FLOATS, float32, int32, int64, string
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.library.labels import label_table, label_type, labels_of
from onnx_bridge.library.post_transform import functor
from onnx_bridge.operators.cases import case, data
from onnx_bridge.operators.linear_regressor import rows_of, scores_of


@dataclass(eq=False, kw_only=True)
class LinearClasses(ROperator):
    """y, z = labels and scores of classes, from what a linear model says of each. What LinearClassifier is made of."""

    op_type = "LinearClasses"
    computes = ((float32,),)

    labels: Any = attribute()
    columns: int = attribute()
    post_transform: str = attribute("NONE")

    def kernel_files(self) -> Sequence[str]:
        return ["class_scores.hxx", *(["text.hxx"] if label_type(self.labels) is string else [])]

    def types(self, scores: Tensor) -> list[Type]:
        return [Type(label_type(self.labels), scores.shape[:1]), Type(float32, (scores.shape[0], self.columns))]

    def emit(self, cpp: Writer) -> None:
        rows, classes = self.x.shape
        labels, post = label_table(cpp, self.y.name, self.labels), f"{functor(self.post_transform)}()"
        cpp.call("linear_classes", rows, classes, self.columns, self.x, labels, post, self.y, self.output(1))


@operator("LinearClassifier", domain="ai.onnx.ml", since=1)
class LinearClassifier(Composite):
    """y [rows] = the label of the largest score, z [rows][classes] = scores, x coefficients + intercepts, transformed.

    One row of coefficients for two labels: the second above 0; z = [1 - score, score], LOGISTIC of -score and score, or PROBIT and 0, as in
    onnxruntime.
    """

    computes = ((*WIDE_FLOATS, int32, int64),)

    classlabels_ints: list[int] | None = attribute(None)
    classlabels_strings: list[str] | None = attribute(None)
    coefficients: list[float] = attribute()
    intercepts: list[float] | None = attribute(None)
    multi_class: int = attribute(0)
    post_transform: str = attribute("NONE")

    def classes(self) -> int:
        """How many rows of coefficients there are."""
        return len(self.intercepts or [])

    def labels(self) -> list[Any]:
        """What comes out for each class; of one row of coefficients, for scores up to 0 and above."""
        given = labels_of(self.classlabels_ints, self.classlabels_strings)
        if len(given) != self.columns():
            raise ShapeError(f"there must be {self.columns()} labels for {self.classes()} rows of coefficients, got {len(given)}")
        return given

    def columns(self) -> int:
        """How many scores a row has."""
        return max(2, self.classes())

    def types(self, x: Tensor) -> list[Type]:
        functor(self.post_transform)
        if not self.classes():
            raise ShapeError("intercepts must be a number for each class, got none")
        rows_of(self.coefficients, self.classes(), x, "coefficients")
        return [Type(label_type(self.labels()), x.shape[:1]), Type(float32, (x.shape[0], self.columns()))]

    def parts(self, build: Parts) -> list[Tensor]:
        coefficients = rows_of(self.coefficients, self.classes(), self.x, "coefficients")
        scores = scores_of(build, self.x, coefficients, np.asarray(self.intercepts))
        return build.many(2, LinearClasses, scores, labels=self.labels(), columns=self.columns(), post_transform=self.post_transform)


_THREE = {
    "coefficients": [0.5, -1.0, 2.0, 0.25, 0.125, -0.5, 1.0, 1.0, 1.0],
    "intercepts": [0.1, -0.2, 0.0],
    "classlabels_ints": [7, -3, 9],
}
_ONE = {"coefficients": [0.5, -1.0, 2.0], "intercepts": [0.25]}
LinearClassifier.cases = (
    case(x=("N", 3), outputs=2, attributes=_THREE),
    *(case(x=(9, 3), outputs=2, attributes={**_THREE, "post_transform": name}) for name in ("LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO")),
    case(x=data(9, 3, dtype="int64", low=-5, high=5), outputs=2, attributes=_THREE),
    case(x=data(9, 3, dtype="float64"), outputs=2, attributes={**_ONE, "classlabels_ints": [4, 5]}),
    case(x=(9, 3), outputs=2, attributes={**_ONE, "classlabels_ints": [4, 5], "post_transform": "LOGISTIC"}),
    case(x=("N", 3), outputs=2, attributes={**_ONE, "classlabels_strings": ["a", "b"], "post_transform": "SOFTMAX"}),
    case(x=("N", 3), outputs=2, attributes={**_THREE, "classlabels_ints": None, "classlabels_strings": ["a", "bc", ""]}),
)
