"""Tiles of convolutions: a header has those that its network's rows are cut into, and puts any other one together pixel by pixel."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from faults import plant
from onnx import helper, numpy_helper

from onnx_bridge import convert

WHOLE = "for (int i = 0; i < Pixels; i++) conv_tile<Channels, Vectors, Pixel, 1>"
ROWS = "constexpr ConvRow rows[] = {ONNX_BRIDGE_CONV_ROWS};"


def net() -> onnx.ModelProto:
    """Of few channels, by one tap, by three along the height, through Winograd, and strided, to channels that are no whole panel."""
    random = np.random.default_rng(0)
    nodes, weights, before = [], [], "x"
    layers = [(3, 32, (3, 3), 1, 1), (32, 48, (1, 1), 1, 0), (48, 32, (3, 1), 1, 0), (32, 64, (3, 3), 1, 1), (64, 20, (3, 3), 2, 0)]
    for i, (c, o, kernel, stride, pad) in enumerate(layers):
        weights.append(numpy_helper.from_array((random.standard_normal((o, c, *kernel)) / 9).astype(np.float32), f"w{i}"))
        attributes = {"kernel_shape": kernel, "strides": [stride] * 2, "pads": [pad] * 4}
        nodes.append(helper.make_node("Conv", [before, f"w{i}"], [f"y{i}"], **attributes))
        before = f"y{i}"
    ends = [helper.make_tensor_value_info("x", 1, ["N", 3, 21, 19]), helper.make_tensor_value_info(before, 1, None)]
    graph = helper.make_graph(nodes, "tiles", ends[:1], ends[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(("good", "bad"), [(ROWS, "constexpr ConvRow rows[] = {{2, 2, 1}};"), (WHOLE, WHOLE.replace("< Pixels", "< 0"))])
def test_tiles_that_are_there_and_others(good: str, bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without foresight the bits are the same; with it nothing is put together: were it, nothing would be computed in the second case."""
    x = np.random.default_rng(1).standard_normal((2, 3, 21, 19), np.float32)
    expected = convert(net(), verify=False).compile()(x)
    plant(monkeypatch, good, bad)

    assert np.array_equal(convert(net(), verify=False).compile()(x), expected)


def test_rows_that_are_not_known_have_all_tiles() -> None:
    model = net()
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "H"

    assert "#define ONNX_BRIDGE_CONV_ROWS" not in convert(model, verify=False).header
    assert "#define ONNX_BRIDGE_CONV_ROWS" in convert(net(), verify=False).header
