"""Verification draws numbers that come close to what trees compare them with."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper

from onnx_bridge import convert
from onnx_bridge.verify.inputs import KINDS, feeds


def test_numbers_come_close_to_what_trees_compare_them_with() -> None:
    """At a threshold, just under and just over it, in the type of the input, of the feature that is compared, behind a Cast as well."""
    cast = helper.make_node("Cast", ["x"], ["wide"], to=onnx.TensorProto.DOUBLE)
    trees = helper.make_node(
        "TreeEnsemble", ["wide"], ["y"], domain="ai.onnx.ml", tree_roots=[0, 1], n_targets=1, nodes_featureids=[0, 1],
        nodes_truenodeids=[0, 1], nodes_trueleafs=[1, 1], nodes_falsenodeids=[1, 0], nodes_falseleafs=[1, 1], leaf_targetids=[0, 0],
        nodes_modes=onnx.numpy_helper.from_array(np.zeros(2, np.uint8)), leaf_weights=onnx.numpy_helper.from_array(np.array([1.0, 2.0])),
        nodes_splits=onnx.numpy_helper.from_array(np.array([0.1, 30.0])),
    )  # fmt: skip
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 2])
    graph = helper.make_graph([cast, trees], "net", [x], [helper.make_empty_tensor_value_info("y")])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    model = convert(helper.make_model(graph, opset_imports=opsets, ir_version=10), verify=False).model

    rows = np.concatenate([feeds(model, {"N": 40}, kind, seed)["x"] for kind in KINDS for seed in (0, 1)])
    for column, threshold in ((0, np.float32(0.1)), (1, np.float32(30))):
        near = {threshold, np.nextafter(threshold, np.float32(-99)), np.nextafter(threshold, np.float32(99))}
        assert near <= set(rows[:, column]) and not near & set(rows[:, 1 - column])
