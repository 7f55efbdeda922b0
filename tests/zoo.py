"""Small models of every kind, made here, so that the repository can test itself alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Shape: TypeAlias = Sequence[int | str]
ZOO: dict[str, Callable[[], onnx.ModelProto]] = {}


class Net:
    """A graph that is written down line by line: `h = net("Relu", h)`; weights are random, and the same each time."""

    def __init__(self, name: str, opset: int = 17, seed: int = 1) -> None:
        self.name, self.opset, self.rng = name, opset, np.random.default_rng(seed)
        self.inputs: list[onnx.ValueInfoProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.nodes: list[onnx.NodeProto] = []

    def input(self, name: str, shape: Shape, kind: int = TensorProto.FLOAT) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, list(shape)))
        return name

    def constant(self, values: object, dtype: type = np.int64) -> str:
        name = f"{self.name}_c{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weight(self, *shape: int, low: float = -1, high: float = 1) -> str:
        return self.constant(self.rng.uniform(low, high, shape), np.float32)

    def __call__(self, op: str, *inputs: str, **attributes: Any) -> str:
        return self.many(op, *inputs, outputs=1, **attributes)[0]

    def many(self, op: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        names = [f"{self.name}_{op}{len(self.nodes)}" + (f"_{i}" if outputs > 1 else "") for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, names[0], **attributes))
        return names

    def dense(self, x: str, inputs: int, outputs: int) -> str:
        return self("Gemm", x, self.weight(inputs, outputs, low=-0.6, high=0.6), self.weight(outputs))

    def graph(self, **outputs: tuple[str, int, Shape | None]) -> onnx.GraphProto:
        """The graph; `outputs` says for each name which tensor it is, of which type and shape."""
        infos = []
        for name, (tensor, kind, shape) in outputs.items():
            self.nodes.append(helper.make_node("Identity", [tensor], [name], name))
            infos.append(helper.make_tensor_value_info(name, kind, None if shape is None else list(shape)))
        return helper.make_graph(self.nodes, self.name, self.inputs, infos, self.weights)

    def model(self, **outputs: tuple[str, int, Shape | None]) -> onnx.ModelProto:
        made = helper.make_model(self.graph(**outputs), opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        onnx.checker.check_model(made)
        return made

    def typed(self, **outputs: tuple[str, int]) -> onnx.ModelProto:
        """The model; the file says nothing of its outputs' shapes."""
        graph = self.graph(**{name: (tensor, kind, None) for name, (tensor, kind) in outputs.items()})
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)

    def floats(self, **outputs: tuple[str, Shape]) -> onnx.ModelProto:
        return self.model(**{name: (tensor, TensorProto.FLOAT, shape) for name, (tensor, shape) in outputs.items()})


def zoo(make: Callable[[], onnx.ModelProto]) -> Callable[[], onnx.ModelProto]:
    """Puts a model into the zoo."""
    ZOO[make.__name__] = make
    return make


@zoo
def mlp() -> onnx.ModelProto:
    net = Net("mlp")
    h = net("Relu", net.dense(net.input("x", ("N", 7)), 7, 33))
    h = net("Tanh", net.dense(h, 33, 19))
    return net.floats(y=(net("Softmax", net.dense(h, 19, 3), axis=1), ("N", 3)))


@zoo
def conv_net() -> onnx.ModelProto:
    """Convolutions, plain, strided, depthwise and pointwise, with BatchNormalization, pooling and a residual."""
    net = Net("conv_net")
    h = net("Conv", net.input("image", ("N", 3, 15, 13)), net.weight(18, 3, 3, 3), net.weight(18), pads=[1, 1, 1, 1])
    h = net("BatchNormalization", h, net.weight(18, low=0.5), net.weight(18), net.weight(18), net.weight(18, low=0.5))
    h = net("MaxPool", net("Relu", h), kernel_shape=[2, 2], strides=[2, 2])
    side = net("Conv", h, net.weight(18, 1, 3, 3), group=18, pads=[1, 1, 1, 1])
    h = net("Relu", net("Add", h, net("Conv", side, net.weight(18, 18, 1, 1), net.weight(18))))
    h = net("Conv", h, net.weight(5, 18, 3, 3), strides=[2, 2])
    h = net("Flatten", net("GlobalAveragePool", h))
    return net.floats(scores=(net.dense(h, 5, 4), ("N", 4)))


@zoo
def pair() -> onnx.ModelProto:
    """Two inputs with a size each, two outputs of different types."""
    net = Net("pair")
    a, rows = net.input("a", ("N", 4)), net.input("rows", ("M",), TensorProto.INT64)
    chosen = net("Gather", net.weight(9, 4), rows)
    scores = net("MatMul", a, net("Transpose", chosen, perm=[1, 0]))
    best = net("Add", net("ArgMax", net("MatMul", a, net.weight(4, 6)), axis=1, keepdims=0), net("ReduceMax", rows, keepdims=0))
    return net.model(scores=(scores, TensorProto.FLOAT, ("N", "M")), best=(best, TensorProto.INT64, ("N",)))


@zoo
def plain() -> onnx.ModelProto:
    """No weights, no open sizes, two outputs of one type."""
    net = Net("plain")
    x = net.input("x", (2, 5))
    return net.floats(squashed=(net("Tanh", net("Mul", x, x)), (2, 5)), total=(net("ReduceSum", net("Exp", x), net.constant([1])), (2, 1)))


@zoo
def above() -> onnx.ModelProto:
    """An output of bools."""
    net = Net("above")
    h = net.dense(net.input("x", ("N", 2)), 2, 3)
    return net.model(yes=(net("Greater", h, net.constant(0, np.float32)), TensorProto.BOOL, ("N", 3)))


@zoo
def lstm_tagger() -> onnx.ModelProto:
    net = Net("lstm_tagger")
    x = net.input("tracks", ("N", "T", 5))
    w, r, b = net.weight(2, 48, 5), net.weight(2, 48, 12, low=-0.3, high=0.3), net.weight(2, 96, low=-0.3, high=0.3)
    h = net.many("LSTM", net("Transpose", x, perm=[1, 0, 2]), w, r, b, outputs=3, hidden_size=12, direction="bidirectional")[1]
    h = net("Reshape", net("Transpose", h, perm=[1, 0, 2]), net.constant([-1, 24]))
    return net.floats(p=(net("Sigmoid", net.dense(h, 24, 2)), ("N", 2)))


@zoo
def transformer() -> onnx.ModelProto:
    """One block, batch and sequence open, its Reshapes made from Shape."""
    net = Net("transformer")
    x = net.input("x", ("B", "S", 24))
    shape = net("Shape", x)
    front = net("Slice", shape, net.constant([0]), net.constant([2]))

    def heads(h: str) -> str:
        h = net("Add", net("MatMul", h, net.weight(24, 24, low=-0.3, high=0.3)), net.weight(24))
        h = net("Reshape", h, net("Concat", front, net.constant([3, 8]), axis=0))
        return net("Transpose", h, perm=[0, 2, 1, 3])

    normed = net("LayerNormalization", x, net.weight(24, low=0.5), net.weight(24))
    q, k, v = heads(normed), heads(normed), heads(normed)
    scores = net("Mul", net("MatMul", q, net("Transpose", k, perm=[0, 1, 3, 2])), net.constant(8**-0.5, np.float32))
    mixed = net("Transpose", net("MatMul", net("Softmax", scores, axis=-1), v), perm=[0, 2, 1, 3])
    h = net("Add", x, net("MatMul", net("Reshape", mixed, net("Concat", front, net.constant([24]), axis=0)), net.weight(24, 24)))
    inner = net("MatMul", net("LayerNormalization", h, net.weight(24, low=0.5), net.weight(24)), net.weight(24, 40, low=-0.3, high=0.3))
    erf = net("Add", net("Erf", net("Mul", inner, net.constant(2**-0.5, np.float32))), net.constant(1, np.float32))
    gelu = net("Mul", net("Mul", inner, erf), net.constant(0.5, np.float32))
    return net.floats(y=(net("Add", h, net("MatMul", gelu, net.weight(40, 24, low=-0.3, high=0.3))), ("B", "S", 24)))


@zoo
def either() -> onnx.ModelProto:
    """If, on a condition that depends on the input; both branches read a tensor of the outer graph."""
    net = Net("either")
    h = net.dense(net.input("x", ("N", 3)), 3, 4)
    condition = net("Greater", net("ReduceSum", h, keepdims=0), net.constant(0, np.float32))
    yes, no = Net("yes", seed=2), Net("no", seed=3)
    then_branch = yes.graph(yes_out=(yes("Relu", yes.dense(h, 4, 2)), TensorProto.FLOAT, ("N", 2)))
    else_branch = no.graph(no_out=(no("Tanh", no.dense(h, 4, 2)), TensorProto.FLOAT, ("N", 2)))
    return net.floats(y=(net("If", condition, then_branch=then_branch, else_branch=else_branch), ("N", 2)))


@zoo
def rollout() -> onnx.ModelProto:
    """Loop: a state that a dense layer moves on, seven times, each state kept."""
    net = Net("rollout")
    state = net.input("state", ("N", 4))
    body = Net("body", seed=2)
    body.input("turn", (), TensorProto.INT64)
    body.input("on", (), TensorProto.BOOL)
    moved = body("Tanh", body.dense(body.input("now", ("N", 4)), 4, 4))
    still = body("Identity", "on")
    graph = body.graph(
        still_on=(still, TensorProto.BOOL, ()), next_state=(moved, TensorProto.FLOAT, ("N", 4)), seen=(moved, TensorProto.FLOAT, ("N", 4))
    )
    last, path = net.many("Loop", net.constant(7), net.constant(True, np.bool_), state, outputs=2, body=graph)
    return net.floats(last=(last, ("N", 4)), path=(path, (7, "N", 4)))


@zoo
def upsample() -> onnx.ModelProto:
    """Resize, linear and nearest, between convolutions."""
    net = Net("upsample")
    h = net("Relu", net("Conv", net.input("image", ("N", 2, 6, 5)), net.weight(8, 2, 3, 3), pads=[1, 1, 1, 1]))
    scales = net.constant([1, 1, 2, 2], np.float32)
    h = net("Resize", h, "", scales, mode="linear", coordinate_transformation_mode="half_pixel")
    h = net("Conv", h, net.weight(3, 8, 1, 1), net.weight(3))
    h = net("Resize", h, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    return net.floats(y=(h, ("N", 3, 24, 20)))


@zoo
def windows() -> onnx.ModelProto:
    """Refuses what is shorter than its window, and a second input that is not as long as what the window leaves."""
    net = Net("windows")
    h = net("Conv", net.input("x", (1, 2, "T")), net.weight(1, 2, 5), net.weight(1))
    return net.floats(y=(net("Add", h, net.input("z", (1, 1, "M"))), (1, 1, "M")))
