"""The models of the README's comparison: shapes that people use, with seeded random weights."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Builder:
    """A graph that grows node by node; `op` returns the name of the output, `ops` of several."""

    def __init__(self, name: str, shape: Sequence[int | str]) -> None:
        self.name, self.rng = name, np.random.default_rng(zlib.crc32(name.encode()))
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.input = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)

    def ops(self, outputs: int, op_type: str, *inputs: str, **attributes: Any) -> list[str]:
        names = [f"{op_type.lower()}{len(self.nodes)}" + (f"_{i}" if outputs > 1 else "") for i in range(outputs)]
        self.nodes.append(helper.make_node(op_type, inputs, names, f"{op_type}_{len(self.nodes)}", **attributes))
        return names

    def op(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        return self.ops(1, op_type, *inputs, **attributes)[0]

    def constant(self, array: Any) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(array), f"c{len(self.constants)}"))
        return self.constants[-1].name

    def weights(self, *shape: int, inputs: int) -> str:
        return self.constant(self.rng.normal(0, np.sqrt(2 / inputs), shape).astype(np.float32))

    def dense(self, x: str, inputs: int, outputs: int) -> str:
        return self.op("Gemm", x, self.weights(outputs, inputs, inputs=inputs), self.weights(outputs, inputs=400), transB=1)

    def linear(self, x: str, inputs: int, outputs: int) -> str:
        """A dense layer over the last axis, whatever the rank."""
        return self.op("Add", self.op("MatMul", x, self.weights(inputs, outputs, inputs=2 * inputs)), self.weights(outputs, inputs=400))

    def conv(self, x: str, inputs: int, outputs: int) -> str:
        weights = self.weights(outputs, inputs, 3, 3, inputs=9 * inputs)
        return self.op("Relu", self.op("Conv", x, weights, self.weights(outputs, inputs=400), kernel_shape=[3, 3], pads=[1, 1, 1, 1]))

    def norm(self, x: str, width: int) -> str:
        return self.op("LayerNormalization", x, self.constant(np.ones(width, np.float32)), self.weights(width, inputs=400), axis=-1)

    def model(self, output: str, width: int) -> onnx.ModelProto:
        ends = [self.input], [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", width])]
        graph = helper.make_graph(self.nodes, self.name, *ends, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def mlp_7_64x3() -> onnx.ModelProto:
    """A classifier of seven features: 7 -> 64 -> 64 -> 64 -> 1."""
    b = Builder("mlp_7_64x3", ["N", 7])
    x = b.op("Relu", b.dense("x", 7, 64))
    x = b.op("Relu", b.dense(x, 64, 64))
    x = b.op("Relu", b.dense(x, 64, 64))
    return b.model(b.op("Sigmoid", b.dense(x, 64, 1)), 1)


def mlp_512x3() -> onnx.ModelProto:
    """Weights of 3 MB: 512 -> 512 -> 512 -> 512."""
    b = Builder("mlp_512x3", ["N", 512])
    x = b.op("Relu", b.dense("x", 512, 512))
    x = b.op("Relu", b.dense(x, 512, 512))
    return b.model(b.dense(x, 512, 512), 512)


def cnn_28x28() -> onnx.ModelProto:
    """Two convolutions with pooling and two dense layers on a picture of 28 by 28."""
    b = Builder("cnn_28x28", ["N", 1, 28, 28])
    x = b.op("MaxPool", b.conv("x", 1, 16), kernel_shape=[2, 2], strides=[2, 2])
    x = b.op("MaxPool", b.conv(x, 16, 32), kernel_shape=[2, 2], strides=[2, 2])
    x = b.op("Relu", b.dense(b.op("Flatten", x), 1568, 64))
    return b.model(b.op("Softmax", b.dense(x, 64, 10), axis=1), 10)


def gru_20x16_64() -> onnx.ModelProto:
    """A GRU of 64 cells over 20 steps of 16 features."""
    b = Builder("gru_20x16_64", [20, "N", 16])
    weights = [b.weights(1, 192, inputs, inputs=2 * 64) for inputs in (16, 64)]
    _, last = b.ops(2, "GRU", "x", *weights, b.weights(1, 384, inputs=400), hidden_size=64, linear_before_reset=1)
    return b.model(b.op("Softmax", b.dense(b.op("Squeeze", last, b.constant(np.array([0]))), 64, 8), axis=1), 8)


def transformer_64x128(layers: int = 2, width: int = 128, heads: int = 4, hidden: int = 512) -> onnx.ModelProto:
    """An encoder of two layers on 64 tokens of 128 numbers."""
    b = Builder("transformer_64x128", ["N", 64, width])
    x = "x"
    split, joined = b.constant(np.array([0, 64, heads, width // heads])), b.constant(np.array([0, 64, width]))
    for _ in range(layers):
        q, k, v = (b.op("Reshape", b.linear(x, width, width), split) for _ in range(3))
        scores = b.op("MatMul", b.op("Transpose", q, perm=[0, 2, 1, 3]), b.op("Transpose", k, perm=[0, 2, 3, 1]))
        shares = b.op("Softmax", b.op("Mul", scores, b.constant(np.float32((width // heads) ** -0.5))), axis=-1)
        mixed = b.op("Transpose", b.op("MatMul", shares, b.op("Transpose", v, perm=[0, 2, 1, 3])), perm=[0, 2, 1, 3])
        x = b.norm(b.op("Add", x, b.linear(b.op("Reshape", mixed, joined), width, width)), width)
        x = b.norm(b.op("Add", x, b.linear(b.op("Relu", b.linear(x, width, hidden)), hidden, width)), width)
    return b.model(b.dense(b.op("ReduceMean", x, axes=[1], keepdims=0), width, 10), 10)


MODELS: tuple[Callable[[], onnx.ModelProto], ...] = (mlp_7_64x3, mlp_512x3, cnn_28x28, gru_20x16_64, transformer_64x128)
