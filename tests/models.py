"""Small models that several tests use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WEIGHTS = np.array([[1, -2], [0.5, 3], [-1, 0.25]], np.float32)
BIAS = np.array([0.125, -0.5], np.float32)


def dense_net() -> onnx.ModelProto:
    """x [N, 3] -> Gemm -> Relu -> y [N, 2]."""
    dense = helper.make_node("Gemm", ["x", "weights", "bias"], ["hidden"], "dense")
    activation = helper.make_node("Relu", ["hidden"], ["y"], "activation")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width]) for name, width in (("x", 3), ("y", 2))]
    initializers = [numpy_helper.from_array(WEIGHTS, "weights"), numpy_helper.from_array(BIAS, "bias")]
    return model_of(helper.make_graph([dense, activation], "net", ends[:1], ends[1:], initializers))


def dense_answer(x: np.ndarray) -> np.ndarray:
    """What `dense_net` computes."""
    return np.maximum(x @ WEIGHTS + BIAS, 0)


def one_node(
    op_type: str, *, domain: str = "", dtype: int = TensorProto.FLOAT, shape: Sequence[int | str] | None = ("N", 3), **attributes: object
) -> onnx.ModelProto:
    """x -> op_type -> y; a shape of None leaves even the rank open."""
    node = helper.make_node(op_type, ["x"], ["y"], "node", domain=domain, **attributes)
    graph = helper.make_graph([node], "one", [helper.make_tensor_value_info("x", dtype, shape)], [helper.make_empty_tensor_value_info("y")])
    return model_of(graph, domain)


def model_of(graph: onnx.GraphProto, *domains: str) -> onnx.ModelProto:
    """A model of opset 17, and version 1 of other domains."""
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(domain, 1) for domain in domains if domain)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)
