"""Recurrent layers in double precision: every form, held to ONNX's formulas by verification, to the last digits of a double."""

from __future__ import annotations

import numpy as np
import pytest
from models import model_of
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge import convert

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
FUNCTIONS = {
    "LSTM": ["HardSigmoid", "Softsign", "Elu", "Softplus", "ScaledTanh", "Affine"],
    "GRU": ["ThresholdedRelu", "LeakyRelu", "HardSigmoid", "Relu"],
    "RNN": ["Elu", "Softplus"],
}


@pytest.mark.parametrize("op_type", sorted(GATES))
def test_layers_in_double_precision(op_type: str) -> None:
    """Directions, lengths, states, peepholes, functions, clip, both layouts, weights known at conversion and not, open sizes."""
    rng = np.random.default_rng(5)
    gates, width, units = GATES[op_type], 3, 5
    shapes = {"w": (2, gates * units, width), "r": (2, gates * units, units), "b": (2, 2 * gates * units), "p": (2, 3 * units)}
    weights = {name: rng.uniform(-0.5, 0.5, shape) for name, shape in shapes.items()}
    one = {f"{name}1": value[:1] for name, value in weights.items()}
    states = ["h", "c", "p"] if op_type == "LSTM" else ["h"]
    ends = 3 if op_type == "LSTM" else 2
    variant = {"LSTM": {"input_forget": 1}, "GRU": {"linear_before_reset": 1}, "RNN": {}}[op_type]
    functions = {"activations": FUNCTIONS[op_type], "activation_alpha": [0.3, 0.7], "activation_beta": [0.4], "clip": 0.9, **variant}

    def layer(name: str, inputs: list[str], **said: object) -> tuple[object, list[str]]:
        outputs = [f"{name}_{i}" for i in range(ends)]
        return helper.make_node(op_type, inputs, outputs, hidden_size=units, **said), outputs

    made = [
        layer("plain", ["x", "w1", "r1"], **variant),
        layer("reverse", ["x", "w1", "r1", "b1"], direction="reverse"),
        layer("both", ["x", "w", "r", "b", "lengths", *states], direction="bidirectional"),
        layer("functions", ["x", "w", "r", "b", "lengths", *states], direction="bidirectional", **functions),
        layer("run_time", ["x", "v", "r1", "b1"], **variant),
        layer("batch_first", ["across", "w1", "r1", "b1"], layout=1),
    ]
    nodes = [helper.make_node("Transpose", ["x"], ["across"], perm=[1, 0, 2]), *(node for node, _ in made)]
    inputs = [("x", ["t", "n", width]), ("v", [1, gates * units, width]), ("h", [2, "n", units])]
    inputs += [("c", [2, "n", units])] if op_type == "LSTM" else []
    graph = helper.make_graph(
        nodes,
        "doubles",
        [
            *(helper.make_tensor_value_info(name, TensorProto.DOUBLE, shape) for name, shape in inputs),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["n"]),
        ],
        [helper.make_empty_tensor_value_info(name) for _, outputs in made for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in (weights | one).items()],
    )

    report = convert(model_of(graph), name="layers").report

    assert all(row.worst <= 1e-13 * max(1.0, row.scale) for row in report.rows), report.table()
