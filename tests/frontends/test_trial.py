"""The trial of an exported model, with functions of numpy in place of a framework."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import onnx
import pytest
from onnx import helper

from onnx_bridge.frontends.trial import Rejected, Seen, Trial

Arrays = Mapping[str, np.ndarray]


def model(node: onnx.NodeProto, inputs: Mapping[str, tuple[int, list[object]]], output: int) -> onnx.ModelProto:
    """One node; inputs by name as (type, shape), the output `y`."""
    values = [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()]
    graph = helper.make_graph([node], "g", values, [helper.make_tensor_value_info("y", output, None)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def tried(made: onnx.ModelProto, answer: Callable[[Arrays], np.ndarray], example: Arrays, axes: Mapping[str, Mapping[int, str]]) -> Seen:
    return Trial(made, "numpy", lambda feeds: [answer(feeds)], example, axes).run()


FLOAT, INT = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
NEG = model(helper.make_node("Neg", ["x"], ["y"]), {"x": (FLOAT, ["n", 3])}, FLOAT)
X, N = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32), {"x": {0: "n"}}


def test_a_call_is_measured_by_the_largest_value_of_all_calls() -> None:
    """As a saturated LSTM is: one call whose outputs are all tiny, off by rounding of what is summed before."""
    tried(NEG, lambda feeds: -feeds["x"] + np.float32(2.6e-8), {"x": X * np.float32(2e-5)}, N)
    with pytest.raises(Rejected, match=r"output 0 at n = 4 is off by 0.00[0-9]+, the largest value being"):
        tried(NEG, lambda feeds: -feeds["x"] * np.float32(1.001), {"x": X}, N)


def test_a_framework_that_refuses_nudged_inputs_does_not_move() -> None:
    """What it says of them is no reason to pass over the exported model, nor to take it."""

    def of_quarters(feeds: Arrays) -> np.ndarray:
        if (feeds["x"] * 4 != np.rint(feeds["x"] * 4)).any():
            raise ValueError("not of quarters")
        return -feeds["x"] * np.float32(1.001)

    with pytest.raises(Rejected, match="is off by"):
        tried(NEG, of_quarters, {"x": np.rint(X * 4) / 4}, N)


@pytest.mark.parametrize("answer", [lambda feeds: -feeds["x"][:1], lambda feeds: -feeds["x"].astype(np.float64)], ids=["shape", "type"])
def test_shapes_and_types_are_compared(answer: Callable[[Arrays], np.ndarray]) -> None:
    with pytest.raises(Rejected, match=r"output 0 at n = 4 is float32\[4, 3\], numpy gives"):
        tried(NEG, answer, {"x": X}, N)


def test_positions_of_ties_are_no_fault_and_other_positions_are() -> None:
    """ONNX takes the first of equal values; the last is as good, the least is not."""
    first = model(helper.make_node("ArgMax", ["x"], ["y"], axis=1, keepdims=0), {"x": (FLOAT, ["n", 3])}, INT)
    zeros = np.zeros((4, 3), np.float32)

    tried(first, lambda feeds: 2 - np.argmax(feeds["x"][:, ::-1], 1), {"x": zeros}, N)
    with pytest.raises(Rejected, match="is off by"):
        tried(first, lambda feeds: np.argmin(feeds["x"], 1), {"x": zeros}, N)


def test_ties_of_integers_are_known_without_nudges() -> None:
    """What nothing can nudge: equal counts; a position of another count is a fault, one of an equal count is none."""
    first = model(helper.make_node("ArgMax", ["x"], ["y"], axis=1, keepdims=0), {"x": (onnx.TensorProto.INT32, ["n", 4])}, INT)
    counts = np.array([[1, 3, 3, 0], [2, 2, 2, 2], [0, 1, 2, 3]], np.int32)

    tried(first, lambda feeds: 3 - np.argmax(feeds["x"][:, ::-1], 1), {"x": counts}, N)
    with pytest.raises(Rejected, match="is off by"):
        tried(first, lambda feeds: np.argmin(feeds["x"], 1), {"x": counts}, N)


def _raises(feeds: Arrays) -> np.ndarray:
    return feeds["x"][feeds["i"]]


def _clamps(feeds: Arrays) -> np.ndarray:
    return feeds["x"][np.minimum(feeds["i"], len(feeds["x"]) - 1)]


@pytest.mark.parametrize("answer", [_raises, _clamps])
def test_indices_stay_within_an_axis_that_gets_shorter(answer: Callable[[Arrays], np.ndarray]) -> None:
    """Frameworks refuse indices beyond an axis, or take the last entry; what the model computes is compared with those within."""
    rows = model(helper.make_node("Gather", ["x", "i"], ["y"]), {"x": (FLOAT, ["n", 3]), "i": (INT, ["e"])}, FLOAT)
    seen = tried(rows, answer, {"x": X, "i": np.array([3, 0, 2, 3, 1])}, {"x": {0: "n"}, "i": {0: "e"}})

    assert any(shape[0] == (1, 3) for shape in seen.shapes)
    assert seen.remarks == ["at n = 1, e = 1 integers were kept within the sizes that they are within in the example"]


def test_a_framework_that_refuses_everything_proves_nothing() -> None:
    def refuses(feeds: Arrays) -> np.ndarray:
        raise ValueError("not today")

    with pytest.raises(Rejected, match="numpy refuses the example: not today"):
        tried(NEG, refuses, {"x": X}, N)


def test_a_model_that_onnxruntime_has_no_kernels_for_is_tried_in_the_next_reference() -> None:
    """It has no Erf of doubles; a fault is found all the same."""
    erf = model(helper.make_node("Erf", ["x"], ["y"]), {"x": (onnx.TensorProto.DOUBLE, ["n", 3])}, onnx.TensorProto.DOUBLE)
    x = X.astype(np.float64)

    seen = tried(erf, lambda feeds: np.vectorize(math.erf)(feeds["x"]), {"x": x}, N)

    assert "onnxruntime does not load what was exported" in seen.remarks[-1]
    with pytest.raises(Rejected, match="output 0 at n = 4 is off by"):
        tried(erf, lambda feeds: np.vectorize(math.erf)(feeds["x"]) * 1.001, {"x": x}, N)


def test_a_model_that_no_reference_takes_is_rejected() -> None:
    unknown = model(helper.make_node("Nonesuch", ["x"], ["y"], domain="no.where"), {"x": (FLOAT, ["n", 3])}, FLOAT)
    unknown.opset_import.append(helper.make_opsetid("no.where", 1))

    with pytest.raises(Rejected, match="onnxruntime does not load what was exported: .*Nonesuch"):
        tried(unknown, lambda feeds: feeds["x"], {"x": X}, N)
