"""Resize and Upsample of float64, which onnxruntime has not: onnx.reference says what is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from onnx_bridge import UnsupportedModel, convert

SIZES, SCALES = {"sizes": [1, 2, 9, 4]}, {"scales": [1.0, 1.0, 0.6, 2.7]}


def model_of(shape: list[int | str], given: dict[str, list[float]], opset: int = 18, **attributes: Any) -> onnx.ModelProto:
    """One Resize; `given` are its roi, scales or sizes."""
    kinds = {"roi": np.float64, "scales": np.float32, "sizes": np.int64}
    constants = [numpy_helper.from_array(np.array(values, kinds[name]), name) for name, values in given.items()]
    names = ["x", *(name if name in given else "" for name in kinds)]
    node = helper.make_node("Resize", names, ["y"], name="node", **attributes)
    inputs = [helper.make_tensor_value_info("x", TensorProto.DOUBLE, shape)]
    ends = [helper.make_tensor_value_info("y", TensorProto.DOUBLE, None)]
    graph = helper.make_graph([node], "g", inputs, ends, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


@pytest.mark.parametrize(
    ("given", "attributes"),
    [
        (SIZES, {"mode": "linear"}),
        (SCALES, {"mode": "linear"}),
        (SIZES, {"mode": "linear", "coordinate_transformation_mode": "align_corners"}),
        (SCALES, {"mode": "linear", "coordinate_transformation_mode": "half_pixel_symmetric"}),
        (SIZES, {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}),
        (SCALES, {"mode": "nearest"}),
        (
            {"roi": [0, 0, 0.2, 0.3, 1, 1, 0.8, 1.2], **SIZES},
            {"mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 7.1},
        ),
    ],
    ids=str,
)
def test_resize(given: dict[str, list[float]], attributes: dict[str, Any]) -> None:
    model = model_of([1, 2, 6, 7], given, **attributes)
    x = np.random.default_rng(3).uniform(-2, 2, (1, 2, 6, 7))

    got = convert(model, verify=False).compile()(x=x)

    (want,) = ReferenceEvaluator(model).run(None, {"x": x})
    assert np.asarray(got).dtype == np.float64
    np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-13)


def cubic(size: int, out: int) -> np.ndarray:
    """What each output takes of each input, by the formula: onnx.reference rounds the weights to float32."""
    taken, a = np.zeros((out, size)), -0.75
    for o in range(out):
        place = (o + 0.5) * size / out - 0.5
        below = int(np.floor(place))
        for k in range(-1, 3):
            d = abs(place - below - k)
            far, near = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a, ((a + 2) * d - (a + 3)) * d * d + 1
            taken[o, min(max(below + k, 0), size - 1)] += near if d <= 1 else far
    return taken


def test_cubic() -> None:
    x = np.random.default_rng(3).uniform(-2, 2, (1, 2, 6, 7))

    got = convert(model_of([1, 2, 6, 7], SIZES, mode="cubic"), verify=False).compile()(x=x)

    want = cubic(6, 9) @ x @ cubic(7, 4).T
    np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_it_is_verified(mode: str) -> None:
    """Against onnx.reference, with a batch and a width that are open."""
    assert "onnx.reference" in str(convert(model_of(["N", 2, 5, "W"], {"scales": [1.0, 1.0, 2.0, 3.0]}, mode=mode)).report)


def test_antialias_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match="antialias of float64"):
        convert(model_of([1, 2, 6, 7], SIZES, mode="linear", antialias=1), verify=False)
