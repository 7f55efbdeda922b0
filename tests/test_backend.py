"""onnx_bridge as an `onnx.backend`."""

from __future__ import annotations

import unittest

import numpy as np
import onnx
import onnx.backend.test
import pytest
from onnx import TensorProto, helper

import onnx_bridge.backend
from onnx_bridge import ArgumentError, InferenceError, UnsupportedModel

F32 = TensorProto.FLOAT


def model_of(node: onnx.NodeProto, inputs: dict[str, list[int | str]], outputs: list[str]) -> onnx.ModelProto:
    described = [helper.make_tensor_value_info(name, F32, shape) for name, shape in inputs.items()]
    graph = helper.make_graph([node], "net", described, [helper.make_tensor_value_info(name, F32, None) for name in outputs])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


SUB = model_of(helper.make_node("Sub", ["a", "b"], ["y"]), {"a": ["N"], "b": ["N"]}, ["y"])
A, B = np.array([3.0, 5.0], np.float32), np.array([1.0, 7.0], np.float32)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # onnx's cases overflow as they are made
def test_onnxs_own_runner_runs_it() -> None:
    """The cases of one operator, as anybody runs them."""
    test = onnx.backend.test.BackendTest(onnx_bridge.backend, __name__)
    test.include(r"^test_(mod_broadcast|mod_int64_fmod|split_equal_parts_1d_opset13)_cpu$")
    test.include(r"^test_sum_example_cpu$")
    result = unittest.TextTestRunner().run(test.test_suite)

    assert result.wasSuccessful()
    assert result.testsRun - len(result.skipped) == 4


def test_inputs_in_order_and_by_name() -> None:
    rep = onnx_bridge.backend.prepare(SUB)

    np.testing.assert_array_equal(rep.run([A, B])[0], A - B)
    np.testing.assert_array_equal(rep.run({"b": B, "a": A})[0], A - B)
    np.testing.assert_array_equal(onnx_bridge.backend.run_model(SUB, [A, B], verify=True)[0], A - B)


def test_one_node() -> None:
    node = helper.make_node("Clip", ["x", "", "high"], ["y"])
    (got,) = onnx_bridge.backend.run_node(node, [A, None, np.float32(4.0)])
    np.testing.assert_array_equal(got, np.minimum(A, 4.0))

    same = helper.make_node("Mul", ["x", "x"], ["y"])
    np.testing.assert_array_equal(onnx_bridge.backend.run_node(same, {"x": A}, opset_version=13)[0], A * A)


def test_devices() -> None:
    assert onnx_bridge.backend.supports_device("CPU")
    assert onnx_bridge.backend.supports_device("cpu:0")
    assert not onnx_bridge.backend.supports_device("CUDA")
    with pytest.raises(ArgumentError, match="CUDA"):
        onnx_bridge.backend.prepare(SUB, "CUDA")


def test_what_cannot_be_converted_is_neither_compatible_nor_prepared() -> None:
    unknown = model_of(helper.make_node("ImageDecoder", ["x"], ["y"]), {"x": ["N"]}, ["y"])

    assert onnx_bridge.backend.is_compatible(SUB)
    assert not onnx_bridge.backend.is_compatible(unknown)
    with pytest.raises(UnsupportedModel):
        onnx_bridge.backend.prepare(unknown)


def test_wrong_calls_are_told() -> None:
    rep = onnx_bridge.backend.prepare(SUB)

    with pytest.raises(InferenceError, match="missing: 'b'"):
        rep.run([A])
    with pytest.raises(ArgumentError, match="got 3"):
        rep.run([A, B, B])
    with pytest.raises(ArgumentError, match="opset"):
        onnx_bridge.backend.prepare(SUB, opset=3)
