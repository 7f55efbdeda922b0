"""Scan against onnxruntime: states, axes, directions."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from check import oracle, worst
from onnx import TensorProto, helper

from onnx_bridge import convert
from onnx_bridge.errors import UnsupportedModel
from onnx_bridge.runtime.compiled import compile_emitted


def recurrence(**attributes: object) -> onnx.ModelProto:
    """h' = tanh(h * 0.5 + a[t] - b[t]) and h' + a[t], over two scanned inputs, one state and one that stays as it is."""
    body = onnx.parser.parse_graph(
        """body (float[N, 3] h, float[3] kept, float[N, 3] a, float[N, 3] b)
            => (float[N, 3] h2, float[3] kept2, float[N, 3] y, float[N, 3] z) <float half = {0.5}> {
            m = Mul(h, half)  s = Add(m, a)  d = Sub(s, b)  t = Mul(d, kept)
            h2 = Tanh(t)
            y = Add(h2, a)
            z = Identity(h2)
            kept2 = Identity(kept)
        }"""
    )
    shapes = {"h": ["N", 3], "kept": [3], "a": ["T", "N", 3], "b": ["T", "N", 3]}
    axes = attributes.get("scan_input_axes")
    if axes == [1, 2]:
        shapes |= {"a": ["N", "T", 3], "b": ["N", 3, "T"]}
    node = helper.make_node("Scan", list(shapes), ["last", "same", "y", "z"], name="scan", body=body, num_scan_inputs=2, **attributes)
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    outputs = [helper.make_empty_tensor_value_info(name) for name in ("last", "same", "y", "z")]
    graph = helper.make_graph([node], "recurrence", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"scan_input_directions": [1, 0], "scan_output_directions": [0, 1]},
        {"scan_input_axes": [1, 2], "scan_output_axes": [1, 2]},
        {"scan_input_axes": [1, 2], "scan_output_axes": [-2, -1], "scan_input_directions": [0, 1], "scan_output_directions": [1, 1]},
    ],
    ids=["plain", "backwards", "axes", "both"],
)
def test_scan(attributes: dict[str, list[int]]) -> None:
    """All sizes, one turn included, and none, where onnxruntime ends the whole process."""
    model = recurrence(**attributes)
    compiled, session = compile_emitted(convert(model, verify=False).emitted), oracle(model)
    rng = np.random.default_rng(3)
    for batch, length in ((2, 5), (1, 1)):
        sizes = {"N": batch, "T": length}
        described = {value.name: value.type.tensor_type.shape.dim for value in model.graph.input}
        shapes = {name: [sizes.get(d.dim_param, d.dim_value) for d in shape] for name, shape in described.items()}
        feeds = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
        for got, wanted in zip(compiled.run(feeds), session.run(None, feeds), strict=True):
            assert worst(got, wanted) <= 1e-6, (batch, length)
    if not attributes:
        h, kept, *scans = compiled.run({**feeds, "a": np.zeros((0, 1, 3), np.float32), "b": np.zeros((0, 1, 3), np.float32)})
        assert np.array_equal(h, feeds["h"]) and np.array_equal(kept, feeds["kept"]) and all(scan.shape == (0, 1, 3) for scan in scans)


def test_a_state_handed_on() -> None:
    """A state that the body gives back as it is; onnxruntime 1.31 gives zeros in its place, so it is held against a loop."""
    model = recurrence()
    body = next(helper.get_attribute_value(a) for a in model.graph.node[0].attribute if a.name == "body")
    body.output[1].name = "kept"
    del body.node[-1]
    net = compile_emitted(convert(model, verify=False).emitted)
    rng = np.random.default_rng(5)
    shapes = {"h": (2, 3), "kept": (3,), "a": (4, 2, 3), "b": (4, 2, 3)}
    feeds = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    last, same, *_ = net.run(feeds)

    h = feeds["h"]
    for a, b in zip(feeds["a"], feeds["b"], strict=True):
        h = np.tanh((h * np.float32(0.5) + a - b) * feeds["kept"])
    assert worst(last, h) <= 1e-6
    assert np.array_equal(same, feeds["kept"])


def test_a_body_that_does_not_fit_is_refused() -> None:
    """As many inputs as the operator has."""
    model = recurrence()
    del model.graph.node[0].input[-1]
    with pytest.raises(UnsupportedModel, match="the body has 4 inputs, expected 3"):
        convert(model, verify=False)
