"""Networks whose inputs and outputs are what columns of events can be: small, with seeded weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import onnx_bridge
from onnx_bridge.conversion import Conversion

_RNG = np.random.default_rng(7)


def _weights(*shape: int) -> np.ndarray:
    return _RNG.normal(0, 0.5, shape).astype(np.float32)


def _value(name: str, shape: Sequence[int | str], kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def _model(
    name: str,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    constants: Mapping[str, np.ndarray],
) -> onnx.ModelProto:
    kept = [numpy_helper.from_array(array, key) for key, array in constants.items()]
    return helper.make_model(
        helper.make_graph(nodes, name, inputs, outputs, kept), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )


def flat(features: int = 4, name: str = "flat") -> onnx.ModelProto:
    """[N, features] to [N, 1]: a score of an event, or of each of its particles."""
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]), helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("MatMul", ["r", "w2"], ["z"]), helper.make_node("Sigmoid", ["z"], ["y"]),
    ]  # fmt: skip
    constants = {"w1": _weights(features, 32), "b1": _weights(32), "w2": _weights(32, 1)}
    return _model(name, nodes, [_value("x", ["N", features])], [_value("y", ["N", 1])], constants)


def sets() -> onnx.ModelProto:
    """[N, P, 3] to [N, 2], and [N, P] beside it: a sum over an event's particles, and a number for each of them."""
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["h"]), helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("ReduceSum", ["r", "one"], ["p"], keepdims=0), helper.make_node("MatMul", ["p", "w2"], ["scores"]),
        helper.make_node("ReduceMax", ["r"], ["weights"], axes=[2], keepdims=0),
    ]  # fmt: skip
    constants = {"w1": _weights(3, 8), "one": np.array([1]), "w2": _weights(8, 2)}
    return _model("sets", nodes, [_value("x", ["N", "P", 3])], [_value("scores", ["N", 2]), _value("weights", ["N", "P"])], constants)


def padded() -> onnx.ModelProto:
    """Points [N, 2, 6] and a mask [N, 1, 6], as ParticleNet takes them, to [N, 1]: features before particles, of which there are six."""
    nodes = [
        helper.make_node("Mul", ["points", "mask"], ["m"]), helper.make_node("Conv", ["m", "w"], ["c"], kernel_shape=[1]),
        helper.make_node("Relu", ["c"], ["r"]), helper.make_node("ReduceMean", ["r"], ["y"], axes=[1, 2], keepdims=0),
        helper.make_node("Unsqueeze", ["y", "one"], ["score"]),
    ]  # fmt: skip
    inputs = [_value("points", ["N", 2, 6]), _value("mask", ["N", 1, 6])]
    return _model("padded", nodes, inputs, [_value("score", ["N", 1])], {"w": _weights(5, 2, 1), "one": np.array([1])})


def image() -> onnx.ModelProto:
    """[N, 1, 4, 4] to int64 [N]: one column that is the whole tensor, and a class."""
    nodes = [
        helper.make_node("Flatten", ["x"], ["f"]), helper.make_node("MatMul", ["f", "w"], ["s"]),
        helper.make_node("ArgMax", ["s"], ["class"], axis=1, keepdims=0),
    ]  # fmt: skip
    return _model("image", nodes, [_value("x", ["N", 1, 4, 4])], [_value("class", ["N"], TensorProto.INT64)], {"w": _weights(16, 3)})


def found() -> onnx.ModelProto:
    """[P] to the positions of what is above zero: as many as the event has."""
    nodes = [
        helper.make_node("Greater", ["x", "zero"], ["above"]), helper.make_node("NonZero", ["above"], ["n"]),
        helper.make_node("Squeeze", ["n", "first"], ["positions"]),
    ]  # fmt: skip
    constants = {"zero": np.float32(0)[None], "first": np.array([0])}
    return _model("found", nodes, [_value("x", ["P"])], [_value("positions", ["found"], TensorProto.INT64)], constants)


def converted(model: onnx.ModelProto) -> Conversion:
    """The model as a header; that it is right is compared here with onnxruntime, event by event."""
    return onnx_bridge.convert(model, name=model.graph.name, verify=False)
