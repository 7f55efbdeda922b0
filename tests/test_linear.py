"""Optimising, planning memory and emitting take work in proportion to the operators: counted in calls of functions, not in seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import numpy as np
import onnx
import pytest
from zoo import Net

from onnx_bridge.emit.header import emit
from onnx_bridge.lowering import lower
from onnx_bridge.normalize import normalize
from onnx_bridge.optimise import optimise


def chain(blocks: int) -> onnx.ModelProto:
    """Pointwise operators one behind the other, some with two readers."""
    net = Net("chain")
    h = net.input("x", ("N", 8))
    for _ in range(blocks):
        h = net("Add", net("Mul", h, net("Sigmoid", h)), net.weight(8))
    return net.floats(y=(h, ("N", 8)))


def residual(blocks: int) -> onnx.ModelProto:
    """Convolutions with residuals: each pair of them has epilogues that meet."""
    net = Net("residual")
    h = net.input("x", ("N", 4, 8, 8))
    for _ in range(blocks):
        inner = net("Relu", net("Conv", h, net.weight(4, 4, 3, 3), net.weight(4), pads=[1, 1, 1, 1]))
        h = net("Relu", net("Add", h, net("Conv", inner, net.weight(4, 4, 1, 1), net.weight(4))))
    return net.floats(y=(h, ("N", 4, 8, 8)))


def moved(blocks: int) -> onnx.ModelProto:
    """Views and transpositions, there and back."""
    net = Net("moved")
    h = net.input("x", ("N", 4, 6))
    for _ in range(blocks):
        inner = net("Tanh", net("Transpose", net("Reshape", h, net.constant([0, 2, 2, 6])), perm=[0, 2, 1, 3]))
        h = net("Add", net("Reshape", net("Transpose", inner, perm=[0, 2, 1, 3]), net.constant([0, 4, 6])), h)
    return net.floats(y=(h, ("N", 4, 6)))


def normalized(blocks: int) -> onnx.ModelProto:
    """Layer normalisations taken apart, with Gemm between views."""
    net = Net("normalized", opset=17)
    h = net.input("x", ("N", 3, 8))
    for _ in range(blocks):
        centered = net("Sub", h, net("ReduceMean", h, axes=[2]))
        variance = net("ReduceMean", net("Mul", centered, centered), axes=[2])
        scaled = net("Div", centered, net("Sqrt", net("Add", variance, net.constant(1e-5, np.float32))))
        flat = net("Reshape", net("Mul", scaled, net.weight(8)), net.constant([-1, 8]))
        h = net("Reshape", net("Gemm", flat, net.weight(8, 8), net.weight(8)), net.constant([-1, 3, 8]))
    return net.floats(y=(h, ("N", 3, 8)))


def fixed(blocks: int) -> onnx.ModelProto:
    """Sizes that are all known: offsets are numbers."""
    net = Net("fixed")
    h = net.input("x", (2, 8))
    for _ in range(blocks):
        h = net("Softmax", net("Gemm", h, net.weight(8, 8), net.weight(8)))
    return net.floats(y=(h, (2, 8)))


def calls(model: onnx.ModelProto) -> int:
    """How many functions are called, and generators asked, from the lowered model to its header."""
    rmodel = lower(normalize(model)[0], "model")
    count = 0

    def counted(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        optimise(rmodel)
        emit(rmodel)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("make", [chain, residual, moved, normalized, fixed], ids=lambda make: make.__name__)
def test_work_is_linear(make: Callable[[int], onnx.ModelProto]) -> None:
    calls(make(2))  # what is read once and kept
    few, many = calls(make(20)), calls(make(80))

    assert many < 4.4 * few
