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
    sizes = {"columns": [3, 6, 4], "image": [3, 3], "block": [2, 3]}
    weights |= {name: np.array(value) for name, value in sizes.items()}
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
        helper.make_node("LRN", ["c"], ["local"], size=3, alpha=0.5, beta=0.6, bias=2.0),
        helper.make_node("Reshape", ["v", "columns"], ["taps"]),
        helper.make_node("Col2Im", ["taps", "image", "block"], ["put"], pads=[0, 1, 0, 0]),
    ]
    inputs = [("x", ["n", 4, "h", 9]), ("v", [3, 6, 2, 2])]
    outputs = ["run_time", "dilated", "transposed", "largest", "places", "means", "norms", "mean", "most", "local", "put"]
    graph = helper.make_graph(
        nodes,
        "doubles",
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, shape) for name, shape in inputs],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )

    model = model_of(graph)
    model.opset_import[0].version = 18  # the first that has Col2Im

    report = convert(model, name="windows").report

    assert all(row.worst <= 1e-13 * max(1.0, row.scale) for row in report.rows), report.table()
