"""Keras' policies of half precision, and operators that ONNX does not define for bfloat16."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import pytest
from harness import needs
from onnx import TensorProto, helper
from onnx.helper import get_node_attr_value

import onnx_bridge
from onnx_bridge.frontends.halves import with_one_type, with_types_that_onnx_has

pytestmark = needs("keras")

BFLOAT16 = TensorProto.BFLOAT16


def test_what_onnx_does_not_define_for_bfloat16_is_computed_in_float32() -> None:
    """Einsum is, whichever of its inputs; Relu, which ONNX defines, and what is in float32 stay."""
    nodes = [
        helper.make_node("Einsum", ["x", "w"], ["a"], equation="ij,jk->ik"),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Cast", ["b"], ["c"], to=TensorProto.FLOAT),
        helper.make_node("Einsum", ["c", "c"], ["y"], equation="ij,ij->i"),
    ]
    values = [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in (
        ("x", BFLOAT16, [2, 3]), ("w", BFLOAT16, [3, 4]), ("a", BFLOAT16, [2, 4]), ("y", TensorProto.FLOAT, [2]))]  # fmt: skip
    graph = helper.make_graph(nodes, "g", values[:2], values[3:], value_info=values[2:3])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)

    assert with_types_that_onnx_has(model) == 1
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["Cast", "Cast", "Einsum", "Cast", "Relu", "Cast", "Einsum"]
    assert with_types_that_onnx_has(model) == 0


def test_a_bias_that_came_out_as_float32_is_rounded_where_a_layer_reads_it() -> None:
    """Who else reads it has it as it is."""
    half, single = TensorProto.FLOAT16, TensorProto.FLOAT
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["y"]), helper.make_node("Neg", ["b"], ["z"])]
    values = [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in (("x", half, [2, 3]), ("y", half, [2, 4]),
                                                                                          ("z", single, [4]))]  # fmt: skip
    weights = [onnx.numpy_helper.from_array(np.ones((3, 4), np.float16), "w"), onnx.numpy_helper.from_array(np.ones(4, np.float32), "b")]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)

    assert with_one_type(model) == 1
    onnx.checker.check_model(model, full_check=True)
    assert with_one_type(model) == 0


@pytest.fixture
def keras() -> Iterator[Any]:
    """Keras, with its policy as it was afterwards."""
    import keras

    policy = keras.mixed_precision.dtype_policy()
    yield keras
    keras.mixed_precision.set_dtype_policy(policy)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)])
@pytest.mark.parametrize("net", ["dense", "convolution", "attention", pytest.param("recurrent", marks=pytest.mark.slow)])
def test_mixed_precision(keras: Any, policy: str, net: str) -> None:
    """Verified as every model is, by Keras' own answer too; computed in halves."""
    keras.mixed_precision.set_dtype_policy(policy)
    keras.utils.set_random_seed(0)
    layers = keras.layers
    x = keras.Input({"dense": (8,), "convolution": (8, 8, 3), "attention": (6, 8), "recurrent": (5, 4)}[net])
    if net == "dense":
        y = layers.LayerNormalization()(layers.Dense(16, "relu")(x))
    elif net == "convolution":
        y = layers.GlobalAveragePooling2D()(layers.MaxPooling2D()(layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3)(x)))))
    else:
        y = layers.MultiHeadAttention(2, 4)(x, x) if net == "attention" else layers.LSTM(6)(x)
    made = onnx_bridge.convert(keras.Model(x, layers.Dense(2, dtype="float32")(y)), name=f"{net}_{policy}")

    assert made.report.passed
    half = BFLOAT16 if policy == "mixed_bfloat16" else TensorProto.FLOAT16
    assert any(node.op_type == "Cast" and get_node_attr_value(node, "to") == half for node in made.normal.graph.node)
    assert made.compile()(np.zeros((1, *x.shape[1:]), np.float32))[0].dtype == np.float32
