"""Convolutions and pools in double precision: every form, held to onnx.reference by verification, to the last digits of a double."""

from __future__ import annotations

import numpy as np
from models import model_of
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge import convert


def test_windows_in_double_precision() -> None:
    """Groups, strides, pads, dilations, open sizes, weights known at conversion and not, indices of maxima."""
    rng = np.random.default_rng(3)
    shapes = {"w": (6, 2, 3, 3), "b": (6,), "d": (4, 3, 2, 3), "t": (6, 4, 3, 2), "tb": (4,)}
    weights = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    wide = {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], group=2, pads=[1, 1, 1, 1], strides=[2, 1]),
        helper.make_node("Conv", ["c", "v"], ["run_time"], dilations=[1, 2]),
        helper.make_node("Conv", ["c", "d"], ["dilated"], group=2, dilations=[2, 1]),
        helper.make_node("ConvTranspose", ["c", "t", "tb"], ["transposed"], strides=[2, 3], pads=[1, 0, 1, 1]),
        helper.make_node("MaxPool", ["c"], ["largest", "places"], **wide),
        helper.make_node("AveragePool", ["c"], ["means"], count_include_pad=1, **wide),
        helper.make_node("LpPool", ["c"], ["norms"], p=2, kernel_shape=[2, 2]),
        helper.make_node("GlobalAveragePool", ["c"], ["mean"]),
        helper.make_node("GlobalMaxPool", ["c"], ["most"]),
    ]
    inputs = [("x", ["n", 4, "h", 9]), ("v", [3, 6, 2, 2])]
    outputs = ["run_time", "dilated", "transposed", "largest", "places", "means", "norms", "mean", "most"]
    graph = helper.make_graph(
        nodes,
        "doubles",
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, shape) for name, shape in inputs],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )

    report = convert(model_of(graph), name="windows").report

    assert all(row.worst <= 1e-13 * max(1.0, row.scale) for row in report.rows), report.table()
