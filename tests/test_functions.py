"""Operators that ONNX defines by a function of others: taken apart where no file here has them, or has their form."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from onnx_bridge import BridgeError, UnsupportedModel, check, convert

F32, F16, I64, U8 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT64, TensorProto.UINT8


def model(node: onnx.NodeProto, inputs: dict[str, tuple[int, list[int | str]]], outputs: dict[str, int], opset: int) -> onnx.ModelProto:
    graph = helper.make_graph(
        [node],
        "net",
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def test_a_loss_in_a_loss() -> None:
    """SoftmaxCrossEntropyLoss calls NegativeLogLikelihoodLoss; which body they have depends on inputs and attributes."""
    node = helper.make_node("SoftmaxCrossEntropyLoss", ["x", "labels"], ["y", "log_prob"], reduction="none")
    made = convert(
        model(node, {"x": (F32, ["N", 5]), "labels": (I64, ["N"])}, {"y": F32, "log_prob": F32}, 13),
        name="net",
        inputs=[{"x": np.eye(4, 5, dtype=np.float32), "labels": np.array([0, 4, 2, 1])}],
    )

    assert made.report.passed
    assert "SoftmaxCrossEntropyLoss" not in made.header.split("#ifndef")[0]


def test_embeddings_of_positions() -> None:
    node = helper.make_node("RotaryEmbedding", ["x", "cos", "sin"], ["y"], num_heads=2)
    inputs = {"x": (F32, ["B", "T", 8]), "cos": (F32, ["B", "T", 2]), "sin": (F32, ["B", "T", 2])}

    assert convert(model(node, inputs, {"y": F32}, 23), name="net").report.passed


def test_a_form_that_the_operators_file_refuses_is_taken_apart() -> None:
    """Attention has a file, which knows no windows; inputs that are left out have no type."""
    node = helper.make_node("Attention", ["q", "k", "v", "", "past_k", "past_v"], ["y", "k_all", "v_all"], left_window_size=2, is_causal=1)
    inputs = {name: (F32, ["B", 2, "T", 4]) for name in "qkv"} | {name: (F32, ["B", 2, "P", 4]) for name in ("past_k", "past_v")}

    assert convert(model(node, inputs, {"y": F32, "k_all": F32, "v_all": F32}, 26), name="net").report.passed


def test_what_does_not_help_is_said_of_the_operator_itself() -> None:
    """The function of ReduceL1 reduces along the same axes: what is refused is named as the model has it."""
    node = helper.make_node("ReduceL1", ["x", "axes"], ["y"])
    found = check(model(node, {"x": (F32, ["N", 3]), "axes": (I64, ["K"])}, {"y": F32}, 18))

    assert {finding.op for finding in found} == {"ReduceL1"}


def test_unknown_operators_are_still_refused() -> None:
    with pytest.raises(UnsupportedModel, match="ImageDecoder.*decodes files of images"):
        convert(model(helper.make_node("ImageDecoder", ["x"], ["y"]), {"x": (U8, ["n"])}, {"y": U8}, 22), name="net")


def test_what_the_inliner_stumbles_over_is_refused_for_what_it_is() -> None:
    """A loss in the body of a Scan whose inputs are not those of its node: onnx's inliner asserts that they are."""
    loss = helper.make_node("SoftmaxCrossEntropyLoss", ["x", "labels"], ["y"])
    body = helper.make_graph([loss], "body", [], [helper.make_tensor_value_info("y", F32, None)])
    node = helper.make_node("Scan", ["s"], ["z"], body=body, num_scan_inputs=1)
    inputs: dict[str, tuple[int, list[int | str]]] = {"x": (F32, ["N", 5]), "labels": (I64, ["N"]), "s": (F32, ["T"])}

    with pytest.raises(UnsupportedModel, match="the body has 0 inputs, expected 1"):
        convert(model(node, inputs, {"z": F32}, 13), name="net", verify=False)


def test_a_body_that_is_missing_is_said_of_the_node() -> None:
    """onnx's own builder of the function raises ValueError."""
    node = helper.make_node("SequenceMap", ["x"], ["y"], name="map")

    with pytest.raises(BridgeError, match="map"):
        convert(model(node, {"x": (F32, ["N", 3])}, {"y": F32}, 17), name="net", verify=False)


def test_outputs_that_onnx_cannot_infer_are_said_of_the_node() -> None:
    """onnx infers no types where a node lacks an output; a function beside it that needs them is left, and said by its name."""
    lacking = helper.make_node("DynamicQuantizeLinear", ["x"], ["y"], name="quantise")
    loss = helper.make_node("SoftmaxCrossEntropyLoss", ["x", "labels"], ["z"], name="loss")
    net = model(lacking, {"x": (F32, ["N", 3]), "labels": (I64, ["N"])}, {"y": U8, "z": F32}, 13)
    net.graph.node.append(loss)

    with pytest.raises(onnx.shape_inference.InferenceError, match="quantise"):
        onnx.shape_inference.infer_shapes(net)
    with pytest.raises(UnsupportedModel, match="LogLikelihoodLoss at"):
        convert(net, name="net", verify=False)
