"""Forms of opsets 1-6, which onnxruntime no longer runs: compared with numpy, and by `convert` with the model lifted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge import UnsupportedModel, convert

X = np.random.default_rng(3).uniform(0.5, 2, (2, 3, 4)).astype(np.float32)
ALONG = np.array([1, 2, 3], np.float32)
LAST = np.array([1, 2, 3, 4], np.float32)


def old(op_type: str, opset: int, *constants: np.ndarray, variable: bool = False, **attributes: object) -> onnx.ModelProto:
    """x [2, 3, 4] and constants (`variable`: another input) -> op_type -> y."""
    names = [f"c{index}" for index in range(len(constants))]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3, 4])]
    if variable:
        inputs += [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape) for name, value in zip(names, constants, strict=True)
        ]
    graph = helper.make_graph(
        [helper.make_node(op_type, ["x", *names], ["y"], "node", **attributes)], "old", inputs,
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [] if variable else [numpy_helper.from_array(value, name) for name, value in zip(names, constants, strict=True)],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=4)


@pytest.mark.parametrize(
    ("model", "answer"),
    [
        (old("Add", 6, ALONG, axis=1, broadcast=1), lambda x: x + ALONG[:, None]),
        (old("Mul", 6, ALONG[:, None] * LAST, axis=1, broadcast=1), lambda x: x * (ALONG[:, None] * LAST)),
        (old("Add", 6, LAST[:3], axis=1, broadcast=1), lambda x: x + LAST[:3, None]),
        (old("Sub", 6, LAST, broadcast=1), lambda x: x - LAST),
        (old("Div", 6, X[0, 0, 0].reshape(()), broadcast=1), lambda x: x / X[0, 0, 0]),
        (old("Pow", 1, ALONG, axis=1, broadcast=1), lambda x: x ** ALONG[:, None]),
        (old("PRelu", 6, ALONG), lambda x: np.where(x < 0, x * ALONG[:, None], x)),
        (old("Clip", 1, min=0.75, max=1.5, consumed_inputs=[0]), lambda x: np.clip(x, 0.75, 1.5)),
        (old("Relu", 1, consumed_inputs=[0]), lambda x: np.maximum(x, 0)),
        (old("Cast", 1, to="FLOAT"), lambda x: x),
        (old("Sum", 1, X, consumed_inputs=[0, 0]), lambda x: x + X),
    ],
    ids=lambda value: value.graph.node[0].op_type if isinstance(value, onnx.ModelProto) else "",
)
def test_old_form(model: onnx.ModelProto, answer: Callable[[np.ndarray], np.ndarray]) -> None:
    x = X - 1

    made = convert(model)
    (y,) = made.compile().run({"x": x})

    np.testing.assert_allclose(y, answer(x).astype(np.float32), rtol=1e-6)
    assert made.report.reference.endswith("on the model lifted to opset 7")


def test_second_operand_from_an_axis_on_must_be_constant() -> None:
    with pytest.raises(UnsupportedModel, match="must be a constant"):
        convert(old("Add", 6, ALONG, variable=True, axis=1, broadcast=1), verify=False)
