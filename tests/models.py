"""Small models that several tests use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def dense_net(
    *,
    names: Sequence[str] = ("x", "weights", "bias", "hidden", "y"),
    node_names: Sequence[str] = ("dense", "activation"),
    graph_name: str = "net",
    batch: int | str = "N",
) -> onnx.ModelProto:
    """x [batch, 3] -> Gemm -> Relu -> y [batch, 2]; every name can be chosen."""
    x, weights, bias, hidden, y = names
    initializers = [
        numpy_helper.from_array(np.array([[1, -2], [0.5, 3], [-1, 0.25]], np.float32), weights),
        numpy_helper.from_array(np.array([0.125, -0.5], np.float32), bias),
    ]
    nodes = [helper.make_node("Gemm", [x, weights, bias], [hidden], node_names[0]), helper.make_node("Relu", [hidden], [y], node_names[1])]
    graph = helper.make_graph(
        nodes, graph_name, [helper.make_tensor_value_info(x, TensorProto.FLOAT, [batch, 3])],
        [helper.make_tensor_value_info(y, TensorProto.FLOAT, [batch, 2])], initializers,
    )  # fmt: skip
    return model_of(graph)


def dense_answer(x: np.ndarray) -> np.ndarray:
    """What `dense_net` computes."""
    weights, bias = np.array([[1, -2], [0.5, 3], [-1, 0.25]], np.float32), np.array([0.125, -0.5], np.float32)
    return np.maximum(x @ weights + bias, 0)


def one_node(
    op_type: str, *, domain: str = "", dtype: int = TensorProto.FLOAT, shape: Sequence[int | str | None] | None = ("N", 3), **attributes: object
) -> onnx.ModelProto:
    """x -> op_type -> y; a shape of None leaves even the rank open."""
    node = helper.make_node(op_type, ["x"], ["y"], "node", domain=domain, **attributes)
    graph = helper.make_graph([node], "one", [helper.make_tensor_value_info("x", dtype, shape)], [helper.make_empty_tensor_value_info("y")])
    return model_of(graph, domain)


def model_of(graph: onnx.GraphProto, *domains: str) -> onnx.ModelProto:
    """A model of opset 17, and version 1 of other domains."""
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(domain, 1) for domain in domains if domain)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)
