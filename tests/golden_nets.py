"""The nets whose headers stand in tests/golden/: one of each kind, as small as shows it, their weights written down and not drawn."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import numpy as np
import onnx
from onnx import TensorProto
from zoo import Net

from onnx_bridge import convert
from onnx_bridge.emit import banner
from onnx_bridge.emit.header import emit

FOLDER = Path(__file__).resolve().parent / "golden"
GOLDEN: dict[str, Callable[[], onnx.ModelProto]] = {}

FLOAT, INT64, INT32, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL


def golden(make: Callable[[], onnx.ModelProto]) -> Callable[[], onnx.ModelProto]:
    """Keeps the header of a net."""
    GOLDEN[make.__name__] = make
    return make


def made(name: str) -> dict[str, str]:
    """The files of a golden net: its header, and a line with the hash of its weights, as sha256sum prints it.

    What differs from version to version and with how the model was serialised is held fixed.
    """
    model = convert(GOLDEN[name](), name=name, verify=False).model
    model.source = {"file": f"{name}.onnx", "sha256": "0" * 64, "opsets": "ai.onnx 17"}
    with patch.object(banner, "__version__", "VERSION"):
        emitted = emit(model)
    return {f"{name}.hxx": emitted.header, f"{name}.dat.sha256": f"{sha256(emitted.weights.data).hexdigest()}  {name}.dat\n"}


class Plain(Net):
    """A Net whose weights are multiples of 1/16, by a rule that no library of random numbers may change."""

    def weight(self, *shape: int, low: float = -1, high: float = 1) -> str:
        count = int(np.prod(shape))
        steps = (np.arange(count) * 7 + len(self.weights) * 3) % int(16 * (high - low) + 1)
        return self.constant((low + steps / 16).reshape(shape), np.float32)


@golden
def dense() -> onnx.ModelProto:
    net = Plain("dense")
    h = net("Relu", net.dense(net.input("x", ("N", 7)), 7, 20))
    return net.floats(p=(net("Sigmoid", net.dense(h, 20, 1)), ("N", 1)))


@golden
def convolution() -> onnx.ModelProto:
    """A padded convolution with its BatchNormalization and Relu, and the mean of each channel."""
    net = Plain("convolution")
    h = net("Conv", net.input("image", ("N", 2, 6, 5)), net.weight(18, 2, 3, 3), pads=[1, 1, 1, 1])
    h = net("BatchNormalization", h, net.weight(18, low=0.5), net.weight(18), net.weight(18), net.weight(18, low=0.5))
    return net.floats(means=(net("GlobalAveragePool", net("Relu", h)), ("N", 18, 1, 1)))


@golden
def recurrent() -> onnx.ModelProto:
    """A GRU over a sequence of open length; its last state alone goes on."""
    net = Plain("recurrent")
    x = net.input("x", ("T", "N", 3))
    w, r, b = net.weight(1, 12, 3), net.weight(1, 12, 4), net.weight(1, 24)
    last = net.many("GRU", x, w, r, b, outputs=2, hidden_size=4, linear_before_reset=1)[1]
    return net.floats(state=(net("Squeeze", last, net.constant([0])), ("N", 4)))


@golden
def attention() -> onnx.ModelProto:
    """Two heads over a sequence of open length."""
    net = Plain("attention")
    x = net.input("x", ("B", "S", 8))

    def heads(perm: list[int]) -> str:
        h = net("MatMul", x, net.weight(8, 8))
        return net("Transpose", net("Reshape", h, net.constant([0, 0, 2, 4])), perm=perm)

    q, k, v = heads([0, 2, 1, 3]), heads([0, 2, 3, 1]), heads([0, 2, 1, 3])
    weights = net("Softmax", net("Mul", net("MatMul", q, k), net.constant(0.5, np.float32)), axis=-1)
    mixed = net("Reshape", net("Transpose", net("MatMul", weights, v), perm=[0, 2, 1, 3]), net.constant([0, 0, 8]))
    return net.floats(y=(mixed, ("B", "S", 8)))


@golden
def control_flow() -> onnx.ModelProto:
    """A Loop of five turns that keeps every state; in it an If, whose branches read the state outside."""
    yes, no, body = Plain("yes"), Plain("no"), Plain("body")
    body.input("turn", (), INT64)
    going = body.input("going", (), BOOL)
    now = body.input("now", ("N", 3))
    large = body("Greater", body("ReduceMax", now, keepdims=0), body.constant(2, np.float32))
    halved = yes.graph(halved=(yes("Mul", now, yes.constant(0.5, np.float32)), FLOAT, ("N", 3)))
    grown = no.graph(grown=(no("Add", no("Abs", now), no.constant(1, np.float32)), FLOAT, ("N", 3)))
    moved = body("If", large, then_branch=halved, else_branch=grown)
    turn = body.graph(still=(body("Identity", going), BOOL, ()), after=(moved, FLOAT, ("N", 3)), seen=(moved, FLOAT, ("N", 3)))
    net = Plain("control_flow")
    start = net.input("start", ("N", 3))
    last, path = net.many("Loop", net.constant(5), net.constant(True, np.bool_), start, outputs=2, body=turn)
    return net.floats(last=(last, ("N", 3)), path=(path, (5, "N", 3)))


@golden
def integers() -> onnx.ModelProto:
    """A table that is read by hashed indices, counts, a comparison, and a number that is made of a size."""
    net = Plain("integers")
    ids = net.input("ids", ("N", "T"), INT64)
    hashed = net("Mod", net("Add", net("Mul", ids, net.constant(31)), net.constant(7)), net.constant(11))
    codes = net("Gather", net.constant(np.arange(22).reshape(11, 2) * 5 % 13, np.int32), hashed)
    total = net("ReduceSum", codes, net.constant([1]), keepdims=0)
    many = net("GreaterOrEqual", total, net("Cast", net("Gather", net("Shape", ids), net.constant(1)), to=INT32))
    return net.model(total=(total, INT32, ("N", 2)), many=(many, BOOL, ("N", 2)))
