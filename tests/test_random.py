"""Random numbers: those of onnxruntime for a seed, and a seed for whoever has none."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge import UnsupportedModel, VerificationError, convert

F32, BOOL = TensorProto.FLOAT, TensorProto.BOOL


def model(*nodes: onnx.NodeProto, opset: int = 21, **constants: np.ndarray) -> onnx.ModelProto:
    """A model of x [N, 4] and y."""
    given = [helper.make_tensor_value_info("x", F32, ["N", 4])]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(list(nodes), "net", given, [helper.make_empty_tensor_value_info("y")], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


NOISE = helper.make_node("RandomNormalLike", ["x"], ["noise"], name="noise")
ADD = helper.make_node("Add", ["x", "noise"], ["y"])


def test_without_a_seed_one_is_given_and_said() -> None:
    """The header and onnxruntime share it, so that values are compared."""
    made = convert(model(NOISE, ADD))

    assert "RandomNormalLike 'noise' has no seed; its numbers are those of seed 1" in str(made.report)
    assert made.report.passed


def test_every_call_draws_the_same_numbers() -> None:
    net = convert(model(NOISE, ADD), verify=False).compile()
    x = np.zeros((5, 4), np.float32)

    assert np.array_equal(net.run({"x": x})[0], net.run({"x": x})[0])
    assert len(set(np.asarray(net.run({"x": x})[0]).reshape(-1).tolist())) == 20


@pytest.mark.parametrize("kind", ["Dropout", "Bernoulli", "Multinomial"])
def test_operators_that_draw_are_compared_by_value(kind: str) -> None:
    inputs = {"Dropout": ["x", "", "on"], "Bernoulli": ["p"], "Multinomial": ["x"]}[kind]
    nodes = [helper.make_node("Sigmoid", ["x"], ["p"])] if kind == "Bernoulli" else []

    assert convert(model(*nodes, helper.make_node(kind, inputs, ["y"]), on=np.array(True))).report.passed


def test_a_dropout_that_is_off_is_none() -> None:
    """It gets no seed, and is x."""
    made = convert(model(helper.make_node("Dropout", ["x", "", "off"], ["y"]), off=np.array(False)))

    assert "seed" not in str(made.report)


def test_numbers_that_nobody_draws_alike_are_not_believed() -> None:
    """onnxruntime has no kernel in opset 22, and onnx.reference other numbers."""
    with pytest.raises(VerificationError, match="draws other numbers"):
        convert(model(NOISE, ADD, opset=22))


def test_a_body_that_draws_needs_a_seed() -> None:
    """A Loop would draw others at every turn."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["c_out"]), helper.make_node("RandomNormal", [], ["made"], shape=[2])], "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("c", BOOL, [])],
        [helper.make_tensor_value_info("c_out", BOOL, []), helper.make_tensor_value_info("made", F32, [2])],
    )  # fmt: skip
    loop = helper.make_node("Loop", ["n", ""], ["y"], body=body)
    with pytest.raises(UnsupportedModel, match="without a seed"):
        convert(model(loop, n=np.array(3)), verify=False)
