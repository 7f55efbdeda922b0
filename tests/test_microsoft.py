"""Operators of com.microsoft that onnxruntime has no kernel for on a CPU, and files as its optimiser writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from onnx import helper

from onnx_bridge import convert

Arrays = Mapping[str, np.ndarray]


def answers(op_type: str, feeds: Arrays, **attributes: object) -> list[np.ndarray]:
    """What the header of one node says; all inputs are open."""
    inputs = [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for k, v in feeds.items()]
    node = helper.make_node(op_type, list(feeds), ["y"], domain="com.microsoft", name="node", **attributes)
    graph = helper.make_graph([node], "g", inputs, [helper.make_empty_tensor_value_info("y")])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    found = convert(helper.make_model(graph, opset_imports=opsets, ir_version=9), verify=False).compile()(**feeds)
    return [np.asarray(value) for value in (found if isinstance(found, tuple) else (found,))]


def numbers(*shape: int, seed: int = 1) -> np.ndarray:
    """Drawn numbers."""
    return np.random.default_rng(seed).uniform(-2, 2, shape).astype(np.float32)


def gelu(x: np.ndarray, *, fast: bool = False) -> np.ndarray:
    """Gelu in float64."""
    wide = x.astype(np.float64)
    if fast:
        return 0.5 * wide * (1 + np.tanh(math.sqrt(2 / math.pi) * (wide + 0.044715 * wide**3)))
    return 0.5 * wide * (1 + np.vectorize(math.erf)(wide / math.sqrt(2)))


def test_fused_matmul_activation() -> None:
    a, b = numbers(2, 7, 5), numbers(2, 7, 6, seed=2)
    want = 0.5 * np.swapaxes(a, 1, 2).astype(np.float64) @ b
    (got,) = answers("FusedMatMulActivation", {"a": a, "b": b}, activation="LeakyRelu", activation_alpha=0.1, transA=1, alpha=0.5)
    np.testing.assert_allclose(got, np.where(want < 0, 0.1 * want, want), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("biased", [True, False])
def test_gemm_fast_gelu(biased: bool) -> None:
    x, w, bias = numbers(3, 7), numbers(7, 6, seed=2), numbers(6, seed=3)
    (got,) = answers("GemmFastGelu", {"x": x, "w": w, **({"bias": bias} if biased else {})})
    np.testing.assert_allclose(got, gelu(x.astype(np.float64) @ w + (bias if biased else 0), fast=True), rtol=1e-5, atol=1e-5)
