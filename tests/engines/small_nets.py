"""Networks for the engines' tests, from ONNX's text, with seeded weights."""

from __future__ import annotations

import numpy as np
from onnx import numpy_helper, parser

import onnx_bridge
from onnx_bridge import CompiledModel


def compiled(text: str, **weights: np.ndarray) -> CompiledModel:
    """What is built for a graph, opset 17."""
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {text}')
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in weights.items())
    return onnx_bridge.convert(model, verify=False).compile()


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.5, shape).astype(np.float32)


def score(features: int = 4, outputs: int = 1) -> CompiledModel:
    """x [N, features] -> y [N, outputs]; what lies between is in the workspace."""
    text = f"""score (float[N, {features}] x) => (float[N, {outputs}] y)
    {{ h = MatMul(x, w1)  s = Softmax <axis = 0> (h)  t = Softmax <axis = 1> (s)  y = MatMul(t, w2) }}"""
    return compiled(text, w1=drawn(features, 8), w2=drawn(8, outputs))
