"""Classical models of ai.onnx.ml: what their operators' own cases cannot say, pipelines, and attributes that contradict themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from check import oracle
from onnx import helper

from onnx_bridge import convert
from onnx_bridge.errors import InferenceError, UnsupportedModel


def model(nodes: list[onnx.NodeProto], outputs: list[onnx.ValueInfoProto], features: int, dtype: int = 1) -> onnx.ModelProto:
    """Nodes over x [rows, features]."""
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", dtype, ["rows", features])], outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)], ir_version=8)


def ml(op_type: str, inputs: list[str], outputs: list[str], **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op_type, inputs, outputs, domain="ai.onnx.ml", name=op_type, **attributes)


def any_type(*names: str) -> list[onnx.ValueInfoProto]:
    return [helper.make_empty_tensor_value_info(name) for name in names]


@pytest.mark.parametrize("labels", [[3, 1, 2], ["b", "a", "c"]])
def test_a_zip_map_at_the_end_is_a_matrix(labels: list[Any]) -> None:
    """Columns in the order of the labels, whatever the order of the keys is; verified, with a note."""
    kind, key = ("classlabels_int64s", onnx.TensorProto.INT64) if isinstance(labels[0], int) else ("classlabels_strings", 8)
    maps = helper.make_sequence_type_proto(helper.make_map_type_proto(key, helper.make_tensor_type_proto(1, [])))
    nodes = [ml("Normalizer", ["x"], ["p"], norm="L1"), ml("ZipMap", ["p"], ["z"], **{kind: labels})]
    made = convert(model(nodes, [onnx.ValueInfoProto(name="z", type=maps)], 3))
    x = np.array([[1, 2, 5], [0, 4, 4]], np.float32)

    assert np.array_equal(made.compile().run({"x": x})[0], x / x.sum(1, keepdims=True))
    assert any("a column for each of the labels" in note and repr(labels[0]) in note for note in made.report.notes)


def test_a_zip_map_that_is_read_is_refused() -> None:
    nodes = [ml("ZipMap", ["x"], ["z"], classlabels_int64s=[0, 1]), helper.make_node("SequenceLength", ["z"], ["n"])]

    with pytest.raises(UnsupportedModel, match="ZipMap"):
        convert(model(nodes, any_type("n"), 2), verify=False)


def test_what_is_no_category_is_refused_where_it_must_be_one() -> None:
    """zeros = 0: by the call, as onnxruntime does."""
    net = convert(model([ml("OneHotEncoder", ["x"], ["y"], cats_int64s=[1, 2], zeros=0)], any_type("y"), 2), verify=False).compile()

    assert np.array_equal(net.run({"x": np.array([[1, 2]], np.float32)})[0], [[[1, 0], [0, 1]]])
    with pytest.raises(InferenceError):
        net.run({"x": np.array([[1, 3]], np.float32)})


def test_a_pipeline_of_strings() -> None:
    """Names in, their places among the categories scored, a name out, as onnxruntime has it; what is no category counts for nothing."""
    nodes = [
        ml("OneHotEncoder", ["x"], ["hot"], cats_strings=["red", "green", "blue"]),
        helper.make_node("Flatten", ["hot"], ["flat"]),
        ml("LinearClassifier", ["flat"], ["label", "z"], coefficients=np.linspace(-1, 1, 12).tolist(), intercepts=[0.1, -0.1],
           classlabels_strings=["no", "yes"], post_transform="SOFTMAX"),
    ]  # fmt: skip
    made = model(nodes, any_type("label", "z"), 2, dtype=8)
    feeds = {"x": np.array([["red", "blue"], ["green", "?"], ["blue", "red"]])}
    label, z = convert(made, verify=False).compile().run(feeds)
    wanted, scores = oracle(made).run(None, feeds)

    assert list(label) == list(wanted)
    np.testing.assert_allclose(z, scores, rtol=1e-6)


_SVM: dict[str, Any] = {
    "kernel_type": "RBF", "kernel_params": [0.5, 0.0, 3.0], "vectors_per_class": [1, 1], "support_vectors": [1.0, 2.0, 3.0, 4.0],
    "coefficients": [1.0, -1.0], "rho": [0.1], "classlabels_ints": [0, 1],
}  # fmt: skip
_LINEAR: dict[str, Any] = {"coefficients": [1.0, 2.0, 3.0, 4.0], "intercepts": [0.0, 1.0], "classlabels_ints": [0, 1]}


@pytest.mark.parametrize(
    ("op_type", "attributes", "why"),
    [
        ("SVMClassifier", {**_SVM, "rho": []}, "rho must be 1 numbers"),
        ("SVMClassifier", {**_SVM, "coefficients": [1.0]}, "coefficients must be 2 numbers"),
        ("SVMClassifier", {**_SVM, "prob_a": [1.0]}, "prob_a and prob_b must have one length"),
        ("SVMClassifier", {**_SVM, "vectors_per_class": [1, -1]}, "must not be negative"),
        ("SVMClassifier", {**_SVM, "vectors_per_class": [2]}, "each of at least two classes"),
        ("SVMClassifier", {**_SVM, "support_vectors": [1.0, 2.0]}, "sizes"),
        ("SVMClassifier", {**_SVM, "kernel_type": "COSINE"}, "kernel_type must be one of"),
        ("SVMClassifier", {**_SVM, "kernel_params": [1.0]}, "kernel_params must be gamma, coef0 and degree"),
        ("SVMClassifier", {**_SVM, "classlabels_ints": []}, "either labels that are integers"),
        ("SVMRegressor", {"coefficients": [1.0], "n_supports": 2, "support_vectors": [1.0] * 4, "rho": [0.0]}, "one for each of 2 vectors"),
        ("SVMRegressor", {"coefficients": [1.0, 2.0], "rho": []}, "rho must be one number"),
        ("LinearClassifier", {**_LINEAR, "intercepts": []}, "intercepts must be a number for each class"),
        ("LinearClassifier", {**_LINEAR, "classlabels_ints": [1]}, "there must be 2 labels"),
        ("LinearClassifier", {**_LINEAR, "coefficients": [1.0, 2.0, 3.0]}, "must be a row for each of 2"),
        ("LinearClassifier", {**_LINEAR, "post_transform": "TANH"}, "post_transform must be one of"),
        ("LinearRegressor", {"coefficients": [1.0, 2.0], "targets": 0}, "must be a row for each of 0"),
        ("LinearRegressor", {"coefficients": [1.0, 2.0], "intercepts": [1.0, 2.0]}, "intercepts must be a number for each of 1"),
        ("Scaler", {"offset": [1.0], "scale": [1.0, 2.0]}, "must have one length"),
        ("Scaler", {"offset": [1.0] * 3, "scale": [1.0] * 3}, "sizes"),
        ("Normalizer", {"norm": "L3"}, "norm must be one of"),
        ("Imputer", {"imputed_value_int64s": [1]}, "imputed_value_floats alone"),
        ("OneHotEncoder", {"cats_strings": ["a"]}, "cats_int64s alone"),
        ("FeatureVectorizer", {"inputdimensions": [1, 2]}, "a size for each of 1 inputs"),
        ("CategoryMapper", {"cats_int64s": [1], "cats_strings": ["a"]}, "ONNX allows"),
    ],
)
def test_what_contradicts_itself_is_refused(op_type: str, attributes: dict[str, Any], why: str) -> None:
    names = ["y", "z"] if op_type.endswith("Classifier") else ["y"]
    given = {name: value for name, value in attributes.items() if value != []}

    with pytest.raises(UnsupportedModel, match=why):
        convert(model([ml(op_type, ["x"], names, **given)], any_type(*names), 2), verify=False)
