"""Loops as tf2onnx writes those of Keras 2, without a trip count: it is found where the condition counts, and only there."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto
from zoo import Net

import onnx_bridge
from onnx_bridge.frontends.keras.loops import trip_counts

INT = TensorProto.INT64


def counting(start: int = 0, step: int = 1, both: bool = False, moving: bool = False, other: str = "") -> onnx.ModelProto:
    """h and all its values, while a counter is below 5 (and, with `both`, another limit): Keras 2's form."""
    net, body = Net("net"), Net("turn", seed=2)
    h = net.input("x", ("batch", 3))
    body.input("number", (), INT)
    body.input("on", (), TensorProto.BOOL)
    counter, limit, state = body.input("counter", (), INT), body.input("limit", (), INT), body.input("state", ("batch", 3))
    after = body("Add", counter, body.constant(step))
    below = body("Less", body("Cast", after, to=INT), body("Identity", limit))
    if both:
        below = body(other or "And", below, body("Less", after, "most"))
    moved = body("Tanh", body("Add", state, state))
    kept = body("Add", limit, body.constant(0)) if moving else limit
    graph = body.graph(
        on_out=(below, TensorProto.BOOL, ()), counter_out=(after, INT, ()), limit_out=(kept, INT, ()),
        state_out=(moved, TensorProto.FLOAT, ("batch", 3)), seen=(moved, TensorProto.FLOAT, ("batch", 3)),
    )  # fmt: skip
    net.weights.append(onnx.numpy_helper.from_array(np.array(4), "most"))
    outputs = net.many("Loop", "", net.constant(True, np.bool_), net.constant(start), net.constant(5), h, outputs=4, body=graph)
    return net.floats(last=(outputs[2], ("batch", 3)), path=(outputs[3], ("turns", "batch", 3)))


@pytest.mark.parametrize(("both", "turns"), [(False, 5), (True, 4)])
def test_a_condition_that_counts_is_a_trip_count(both: bool, turns: int) -> None:
    model = counting(both=both)
    x = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
    wanted = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})
    with pytest.raises(onnx_bridge.UnsupportedModel, match="trip count"):
        onnx_bridge.convert(model)

    assert len(trip_counts(model.graph)) == 1
    last, path = onnx_bridge.convert(model).compile()(x)
    assert path.shape == (turns, 2, 3)
    assert np.abs(last - wanted[0]).max() < 1e-6 and np.abs(path - wanted[1]).max() < 1e-6


@pytest.mark.parametrize(
    "model",
    [counting(start=1), counting(step=2), counting(moving=True), counting(both=True, other="Or")],
    ids=["another start", "another step", "a limit that moves", "either of two"],
)
def test_other_conditions_are_left_alone(model: onnx.ModelProto) -> None:
    assert trip_counts(model.graph) == []
