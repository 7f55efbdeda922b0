"""Scan of opset 8 against its definition: a batch of sequences, their lengths, directions."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from onnx_bridge import convert
from onnx_bridge.errors import UnsupportedModel


def recurrence(lengths: bool, **attributes: object) -> onnx.ModelProto:
    """h' = h / 2 + a[t] - b[t], and h' + a[t], of sequences [N, T, 3]."""
    body = onnx.parser.parse_graph(
        """body (float[3] h, float[3] a, float[3] b) => (float[3] h2, float[3] y) <float half = {0.5}> {
            m = Mul(h, half)  s = Add(m, a)  h2 = Sub(s, b)  y = Add(h2, a)
        }"""
    )
    shapes = {"h": ["N", 3], "a": ["N", "T", 3], "b": ["N", "T", 3]}
    node = helper.make_node(
        "Scan", ["lengths" if lengths else "", *shapes], ["last", "y"], name="scan", body=body, num_scan_inputs=2, **attributes
    )
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    inputs += [helper.make_tensor_value_info("lengths", TensorProto.INT64, ["N"])] if lengths else []
    graph = helper.make_graph([node], "recurrence", inputs, [helper.make_empty_tensor_value_info(name) for name in ("last", "y")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 8)], ir_version=4)


def wanted(feeds: dict[str, np.ndarray], directions: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """By the definition; lengths beyond 0 .. T are cut."""
    a, b, h = feeds["a"], feeds["b"], feeds["h"].copy()
    y = np.zeros_like(a)
    for row, length in enumerate(np.clip(feeds.get("lengths", np.full(len(a), a.shape[1])), 0, a.shape[1])):
        places = [range(length)[::-1] if backwards else range(length) for backwards in directions]
        for turn, (i, j) in enumerate(zip(*places, strict=True)):
            h[row] = h[row] / 2 + a[row, i] - b[row, j]
            y[row, turn] = h[row] + a[row, i]
    return h, y


@pytest.mark.parametrize("directions", [[0, 0], [0, 1]], ids=["forwards", "backwards"])
@pytest.mark.parametrize("lengths", [False, True], ids=["whole", "lengths"])
def test_sequences(lengths: bool, directions: list[int]) -> None:
    net = convert(recurrence(lengths, directions=directions), verify=False).compile()
    rng = np.random.default_rng(3)
    for batch, steps in ((5, 4), (1, 1), (2, 0)):
        shapes = {"h": (batch, 3), "a": (batch, steps, 3), "b": (batch, steps, 3)}
        feeds = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
        if lengths:
            feeds["lengths"] = np.array([4, 0, 2, 9, -3][:batch])
        for ours, theirs in zip(net(**feeds), wanted(feeds, directions), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


def test_it_is_verified() -> None:
    assert convert(recurrence(True, directions=[0, 1])).report.passed


def test_what_does_not_fit_is_refused() -> None:
    model = recurrence(False, directions=[0, 2])
    with pytest.raises(UnsupportedModel, match="directions must be 0 or 1"):
        convert(model, verify=False)
    model = recurrence(False)
    del model.graph.node[0].input[-1]
    with pytest.raises(UnsupportedModel, match="the body has 3 inputs and 2 outputs for 2"):
        convert(model, verify=False)
