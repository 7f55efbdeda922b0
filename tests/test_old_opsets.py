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


def test_forms_of_opset_1_that_later_ones_renamed() -> None:
    """Upsample with a scale for height and one for width, Pad with paddings, Gemm with broadcast; GRU of opset 3."""
    rng = np.random.default_rng(8)
    w, r, weight = (rng.standard_normal(size).astype(np.float32) for size in ((1, 9, 2), (1, 9, 3), (63, 2)))
    bias = np.array([1, -2], np.float32)
    nodes = [
        helper.make_node("Upsample", ["x"], ["up"], height_scale=2.0, width_scale=1.5, mode="nearest"),
        helper.make_node("Pad", ["up"], ["padded"], paddings=[0, 0, 1, 0, 0, 0, 0, 1], value=1.5),
        helper.make_node("Reshape", ["padded"], ["flat"], shape=[2, -1]),
        helper.make_node("Split", ["flat", "parts"], ["front", "back"], axis=1),
        helper.make_node("Concat", ["back", "front"], ["swapped"]),
        helper.make_node("Gemm", ["swapped", "weight", "bias"], ["once"], broadcast=1, alpha=0.5),
        helper.make_node("Tile", ["once", "two", "one"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "old", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3, 1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 4])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias"),
         *(numpy_helper.from_array(np.array(value, np.float32), name) for name, value in (("parts", [3, 60]), ("two", [2]), ("one", [1])))],
        value_info=[helper.make_tensor_value_info("once", TensorProto.FLOAT, [2, 2])],
    )  # fmt: skip
    x = X.reshape(2, 3, 1, 4)
    wide = np.pad(x.repeat(2, axis=2)[..., [0, 0, 1, 2, 2, 3]], ((0, 0), (0, 0), (1, 0), (0, 1)), constant_values=1.5)

    made = convert(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 1)], ir_version=4))

    once = 0.5 * np.roll(wide.reshape(2, 63), -3, axis=1) @ weight + bias
    np.testing.assert_allclose(made.compile()(x), np.tile(once, (1, 2)), rtol=1e-5)
    graph = helper.make_graph(
        [helper.make_node("GRU", ["x", "w", "r"], ["y", ""], hidden_size=3, output_sequence=1)], "old",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 1, 2])], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(w, "w"), numpy_helper.from_array(r, "r")],
    )  # fmt: skip
    convert(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 3)], ir_version=4), verify=False)
