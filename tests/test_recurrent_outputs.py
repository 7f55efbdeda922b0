"""Recurrent layers where converters go wrong without a word: the sequence of both directions, batches, a direction that is written."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from check import oracle
from onnx import helper, numpy_helper

from onnx_bridge import convert

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def model_of(op_type: str, direction: str | None, outputs: tuple[str, ...], hidden: int = 5, width: int = 4) -> onnx.ModelProto:
    """A recurrent layer of random weights, with all of T, N open, and a dense layer behind its sequence."""
    rng = np.random.default_rng(11)
    ways = 2 if direction == "bidirectional" else 1
    gates = GATES[op_type] * hidden
    shapes = {"w": (ways, gates, width), "r": (ways, gates, hidden), "b": (ways, 2 * gates), "d": (ways * hidden, 3)}
    weights = [numpy_helper.from_array(rng.uniform(-0.7, 0.7, shape).astype(np.float32), name) for name, shape in shapes.items()]
    weights.append(numpy_helper.from_array(np.array([0, 0, -1]), "flat"))
    given = {} if direction is None else {"direction": direction}
    nodes = [
        helper.make_node(op_type, ["x", "w", "r", "b"], list(outputs), name="layer", hidden_size=hidden, **given),
        helper.make_node("Transpose", ["y"], ["across"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["across", "flat"], ["both"]),
        helper.make_node("MatMul", ["both", "d"], ["z"]),
    ]
    ends = [helper.make_empty_tensor_value_info(name) for name in (*outputs, "z") if name]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", 1, ["T", "N", width])], ends, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("direction", ["bidirectional", "reverse", "forward", None])
@pytest.mark.parametrize("op_type", sorted(GATES))
def test_recurrent(op_type: str, direction: str | None) -> None:
    """Every output, at several lengths and batches, each row of a batch as it is alone."""
    outputs = ("y", "h", "c") if op_type == "LSTM" else ("y", "h")
    model = model_of(op_type, direction, outputs)
    net, session = convert(model, verify=False).compile(), oracle(model)
    for length, batch in ((1, 1), (6, 3), (4, 17)):
        x = np.random.default_rng(length).uniform(-1, 1, (length, batch, 4)).astype(np.float32)
        got = net(x)
        for ours, theirs in zip(got, session.run(None, {"x": x}), strict=True):
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(net(np.ascontiguousarray(x[:, -1:]))[0], np.asarray(got[0])[:, :, -1:])
