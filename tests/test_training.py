"""Optimizers of ai.onnx.preview.training, which onnxruntime lacks: ONNX's own cases, and forms that those do not have."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from onnx_bridge import UnsupportedModel, convert

DOMAIN = "ai.onnx.preview.training"
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "Adagrad": {"norm_coefficient": 0.01, "decay_factor": 0.1},
    "Adam": {"norm_coefficient": 0.01, "norm_coefficient_post": 0.02, "alpha": 0.9, "beta": 0.99},
    "Momentum": {"norm_coefficient": 0.01, "alpha": 0.9, "beta": 0.5, "mode": "nesterov"},
}
STATES = {"Adagrad": 1, "Adam": 2, "Momentum": 1}


def model(kind: str, tensors: int, dtype: int = onnx.TensorProto.FLOAT, **attributes: Any) -> onnx.ModelProto:
    """A step for some tensors [N, 3]."""
    names = [f"t{i}" for i in range(tensors * (2 + STATES[kind]))]
    node = helper.make_node(kind, ["r", "t", *names], [f"y{i}" for i in range(tensors * (1 + STATES[kind]))], domain=DOMAIN, **attributes)
    given = [helper.make_tensor_value_info("r", dtype, []), helper.make_tensor_value_info("t", onnx.TensorProto.INT64, [])]
    given += [helper.make_tensor_value_info(name, dtype, ["N", 3]) for name in names]
    graph = helper.make_graph([node], "net", given, [helper.make_tensor_value_info(name, dtype, ["N", 3]) for name in node.output])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(DOMAIN, 1)], ir_version=9)


def expected(kind: str, r: float, t: int, tensors: list[np.ndarray], each: int, a: dict[str, Any]) -> list[np.ndarray]:
    """As ONNX's text has it, in double."""
    made = []
    for place in range(each):
        x, gradient, *states = (tensor.astype(np.float64) for tensor in tensors[place::each])
        g = gradient + a["norm_coefficient"] * x
        if kind == "Adagrad":
            h = states[0] + g * g
            made.append([x - r / (1 + t * a["decay_factor"]) * g / (np.sqrt(h) + 1e-6), h])
        elif kind == "Adam":
            v, h = a["alpha"] * states[0] + (1 - a["alpha"]) * g, a["beta"] * states[1] + (1 - a["beta"]) * g * g
            rate = r * np.sqrt(1 - a["beta"] ** t) / (1 - a["alpha"] ** t) if t > 0 else r
            made.append([(1 - a["norm_coefficient_post"]) * (x - rate * v / (np.sqrt(h) + 1e-6)), v, h])
        else:
            v = a["alpha"] * states[0] + (a["beta"] if t > 0 else 1.0) * g
            made.append([x - r * (g + a["alpha"] * v), v])
    return [array for kind_of in zip(*made, strict=True) for array in kind_of]


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step(kind: str, dtype: str) -> None:
    """Two tensors of open size, at the first step and at a later one."""
    attributes = OPTIMIZERS[kind]
    net = convert(model(kind, 2, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), **attributes), verify=False).compile()
    for t, n in ((0, 1), (7, 5), (3, 0)):
        rng = np.random.default_rng(t)
        tensors = [np.abs(rng.standard_normal((n, 3))).astype(dtype) for _ in range(2 * (2 + STATES[kind]))]
        feeds = {"r": np.asarray(0.1, dtype), "t": np.asarray(t), **{f"t{i}": tensor for i, tensor in enumerate(tensors)}}
        wanted = expected(kind, float(feeds["r"]), t, tensors, 2, attributes)
        for got, right in zip(net.run(feeds), wanted, strict=True):
            np.testing.assert_allclose(got, right, rtol=3e-6, atol=1e-6)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_it_is_verified_by_onnx_reference(kind: str) -> None:
    assert convert(model(kind, 1, **OPTIMIZERS[kind])).report.passed


def test_tensors_that_do_not_go_together_are_refused() -> None:
    wrong = model("Adagrad", 1)
    del wrong.graph.node[0].input[-1]
    with pytest.raises(UnsupportedModel, match="there must be 3 tensors"):
        convert(wrong, verify=False)
    with pytest.raises(UnsupportedModel, match="mode must be"):
        convert(model("Momentum", 1, alpha=0.9, beta=0.5, mode="other", norm_coefficient=0.0), verify=False)
