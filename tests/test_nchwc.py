"""Files of onnxruntime's last level of optimisation, in which images lie in blocks of channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from onnx_bridge import UnsupportedModel, convert
from onnx_bridge.lowering import blocked

DOMAIN = blocked.DOMAIN


class Net:
    """A small net of convolutions, node by node."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.rng = np.random.default_rng(7)

    def weight(self, *shape: int) -> str:
        self.weights.append(numpy_helper.from_array(self.rng.uniform(-1, 1, shape).astype(np.float32), f"w{len(self.weights)}"))
        return self.weights[-1].name

    def add(self, op_type: str, *inputs: str, **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, list(inputs), [name], name=f"{op_type}{len(self.nodes)}", **attributes))
        return name

    def conv(self, x: str, out: int, channels: int, size: int, group: int = 1, **attributes: object) -> str:
        pads = {"pads": [size // 2] * 4, **attributes}
        return self.add("Conv", x, self.weight(out, channels // group, size, size), self.weight(out), group=group, **pads)

    def model(self, outputs: Sequence[str], shape: Sequence[int | str]) -> onnx.ModelProto:
        x = helper.make_tensor_value_info("x", 1, shape)
        ends = [helper.make_empty_tensor_value_info(name) for name in outputs]
        graph = helper.make_graph(self.nodes, "net", [x], ends, self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def optimised(model: onnx.ModelProto, folder: Path) -> onnx.ModelProto:
    """The file that onnxruntime makes of a model at its last level."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    options.log_severity_level = 4
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return onnx.load(folder / "optimised.onnx")


def residual(net: Net) -> list[str]:
    """Channels that fill no block, depthwise, a sum in the convolution, and pools."""
    a = net.add("Relu", net.conv("x", 20, 3, 3))
    b = net.add("LeakyRelu", net.conv(a, 20, 20, 3, group=20), alpha=0.1)
    c = net.add("Relu", net.add("Add", net.conv(b, 20, 20, 1), a))
    d = net.add("MaxPool", c, kernel_shape=[2, 2], strides=[2, 2])
    e = net.add("AveragePool", d, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    return [net.add("GlobalAveragePool", net.conv(e, 12, 20, 3, strides=[2, 2])), net.add("GlobalMaxPool", net.conv(e, 32, 20, 1))]


def joined(net: Net) -> list[str]:
    """Pointwise operators on blocks: a sum of two, a product that broadcasts, Concat, and activations that move zeros."""
    a, b = net.conv("x", 32, 3, 3), net.conv("x", 32, 3, 1)
    c = net.add("Sigmoid", net.conv(net.add("GlobalAveragePool", a), 32, 32, 1))
    d = net.add("Concat", net.add("Mul", a, c), net.add("Tanh", net.add("Add", a, b)), axis=1)
    return [net.conv(d, 9, 64, 1), net.conv(net.add("Sigmoid", net.conv(d, 20, 64, 3)), 8, 20, 3)]


def grouped(net: Net) -> list[str]:
    """Groups of whole blocks, images with their channels behind the pixels, and images that grow."""
    a = net.conv(net.conv("x", 64, 3, 3), 64, 64, 3, group=2)
    net.weights.append(numpy_helper.from_array(np.array([1, 1, 2, 3], np.float32), "scales"))
    b = net.add("Resize", a, "", "scales", mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric")
    c = net.add("Transpose", net.conv(b, 24, 64, 1), perm=[0, 2, 3, 1])
    return [c, net.conv(b, 4, 64, 3)]


@pytest.mark.parametrize("make", [residual, joined, grouped])
def test_optimised(make: Callable[[Net], list[str]], tmp_path: Path) -> None:
    """What onnxruntime writes at its last level converts, and gives its answers."""
    net = Net()
    model = optimised(net.model(make(net), ["N", 3, 10, 9]), tmp_path)
    found = {node.op_type for node in model.graph.node if node.domain == DOMAIN}
    assert "Conv" in found
    conversion = convert(model)
    assert any("put into ONNX's order" in note for note in conversion.report.notes)
    x = np.random.default_rng(3).uniform(-1, 1, (2, 3, 10, 9)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    got = conversion.compile()(x)
    for ours, theirs in zip(got, session.run(None, {"x": x}), strict=True):
        assert np.abs(ours - theirs).max() <= 1e-6 * np.abs(theirs).max()


@pytest.mark.parametrize("block", [8, 16])
def test_weights(block: int) -> None:
    """Weights of either size of blocks come back in ONNX's order."""
    node = helper.make_node("Conv", ["x", "w"], ["y"], domain=DOMAIN)
    full = np.arange(32 * 48 * 3 * 2, dtype=np.float32).reshape(32, 48, 3, 2)
    packed = full.reshape(32 // block, block, 48 // block, block, 3, 2).transpose(0, 2, 4, 5, 3, 1).reshape(full.shape)
    np.testing.assert_array_equal(blocked._plain(packed, node, block), full)
    few = full[:, :3]
    packed = few.reshape(32 // block, block, 3, 3, 2).transpose(0, 2, 3, 4, 1).reshape(few.shape)
    np.testing.assert_array_equal(blocked._plain(packed, node, block), few)


@pytest.mark.parametrize("op_type", ["MaxPool", "Softmax", ""])
def test_refused(op_type: str) -> None:
    """An image in blocks goes nowhere but to what knows them, and what knows them reads no other."""
    weights = numpy_helper.from_array(np.ones((16, 3, 1, 1), np.float32), "w")
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"], domain=DOMAIN, name="conv", kernel_shape=[1, 1])]
    if op_type == "MaxPool":
        nodes = [helper.make_node(op_type, ["x"], ["c"], domain=DOMAIN, name="pool", kernel_shape=[2, 2])]
    elif op_type:
        nodes.append(helper.make_node(op_type, ["c"], ["y"], name="soft"))
    x = helper.make_tensor_value_info("x", 1, [1, 3, 4, 4])
    ends = [helper.make_empty_tensor_value_info(nodes[-1].output[0])]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)]
    model = helper.make_model(helper.make_graph(nodes, "g", [x], ends, [weights]), opset_imports=opsets, ir_version=8)
    with pytest.raises(UnsupportedModel, match="in blocks of channels"):
        convert(model, verify=False)
