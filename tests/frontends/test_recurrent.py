"""Cells of any order of gates as ONNX's: what onnxruntime computes of them beside the formulas."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge.frontends.recurrent import USUAL, Activation, Cell, attributes, cell_of, rows, weights

RNG = np.random.default_rng(3)
STEPS, BATCH, INPUTS, UNITS = 4, 2, 3, 5


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def random(*shape: int) -> np.ndarray:
    return RNG.uniform(-1, 1, shape).astype(np.float32)


def matrices(op_type: str, gates: str) -> tuple[Cell, dict[str, list[np.ndarray]]]:
    """A cell, and by gate the kernel, the recurrent kernel and the two biases of which it was made."""
    parts = {gate: [random(UNITS, INPUTS), random(UNITS, UNITS), random(UNITS), random(UNITS)] for gate in gates}
    kernel, recurrent, of_inputs, of_hidden = (np.concatenate([parts[gate][index] for gate in gates]) for index in range(4))
    usual = [Activation(name) for name in USUAL[op_type][:2]]
    return cell_of(op_type, gates, kernel, recurrent, (of_inputs, of_hidden), usual, reset_after=True), parts


def run(cells: list[Cell], direction: str, x: np.ndarray) -> np.ndarray:
    """Y of the node, by onnxruntime."""
    op_type = cells[0].op_type
    tensors = [numpy_helper.from_array(value, name) for name, value in zip("WRB", weights(cells), strict=True)]
    graph = helper.make_graph(
        [helper.make_node(op_type, ["x", "W", "R", "B"], ["y"], **attributes(cells, direction))], "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)], [helper.make_empty_tensor_value_info("y")], tensors,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return np.asarray(onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0])


def stepped(op_type: str, parts: dict[str, list[np.ndarray]], x: np.ndarray) -> np.ndarray:
    """The states of each step, by the formulas of the frameworks."""
    h = c = np.zeros((BATCH, UNITS))
    states = []
    for row in x:
        a, b = ({gate: v @ p[i].T + p[i + 2] for gate, p in parts.items()} for i, v in ((0, row), (1, h)))
        if op_type == "LSTM":
            c = sigmoid(a["f"] + b["f"]) * c + sigmoid(a["i"] + b["i"]) * np.tanh(a["c"] + b["c"])
            h = sigmoid(a["o"] + b["o"]) * np.tanh(c)
        elif op_type == "GRU":
            z, r = (sigmoid(a[gate] + b[gate]) for gate in "zr")
            h = (1 - z) * np.tanh(a["h"] + r * b["h"]) + z * h
        else:
            h = np.tanh(a["h"] + b["h"])
        states.append(h)
    return np.stack(states)


@pytest.mark.parametrize(
    ("op_type", "gates"), [("LSTM", "ifco"), ("LSTM", "iofc"), ("LSTM", "cofi"), ("GRU", "rzh"), ("GRU", "zrh"), ("RNN", "h")]
)
def test_gates_in_any_order(op_type: str, gates: str) -> None:
    (forward, of_forward), (backward, of_backward) = matrices(op_type, gates), matrices(op_type, gates)
    x = random(STEPS, BATCH, INPUTS)

    y = run([forward, backward], "bidirectional", x)

    np.testing.assert_allclose(y[:, 0], stepped(op_type, of_forward, x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(y[:, 1], stepped(op_type, of_backward, x[::-1])[::-1], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(run([backward], "reverse", x)[:, 0], y[:, 1])


def test_rows_of_an_lstm_of_keras() -> None:
    assert rows("LSTM", "ifco", 2).tolist() == [0, 1, 6, 7, 2, 3, 4, 5]


def test_only_what_is_unusual_is_said() -> None:
    kernel, hidden = np.zeros((15, 3)), np.zeros((15, 5))
    usual = cell_of("GRU", "zrh", kernel, hidden, None, [Activation("Sigmoid"), Activation("Tanh")])
    unusual = cell_of("GRU", "zrh", kernel, hidden, None, [Activation("HardSigmoid", 0.2, 0.5), Activation("Elu", 1.0)], reset_after=True)

    assert attributes([usual], "forward") == {"hidden_size": 5} and weights([usual])[2] is None
    assert attributes([unusual, unusual], "bidirectional") == {
        "hidden_size": 5, "direction": "bidirectional", "activations": ["HardSigmoid", "Elu"] * 2, "activation_alpha": [0.2, 1.0] * 2,
        "activation_beta": [0.5] * 2, "linear_before_reset": 1,
    }  # fmt: skip
