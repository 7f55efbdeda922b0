"""Activations of recurrent layers as recurrent_activation.hxx has them."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.literals import literal

#: ONNX's names of activations, in small letters, as enumerators of recurrent_activation.hxx.
FUNCTIONS: dict[str, str] = {
    "relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid", "affine": "affine", "leakyrelu": "leaky_relu",
    "thresholdedrelu": "thresholded_relu", "scaledtanh": "scaled_tanh", "hardsigmoid": "hard_sigmoid", "elu": "elu",
    "softsign": "softsign", "softplus": "softplus",
}  # fmt: skip


def activation(name: str, alpha: float, beta: float) -> str:
    """A RecurrentActivation."""
    return f"RecurrentActivation{{RecurrentFunction::{FUNCTIONS[name]}, {literal(alpha, float32)}, {literal(beta, float32)}}}"


def clip(at: float | None) -> str:
    """Where values are clipped; infinity, if nowhere."""
    return literal(at if at else float("inf"), float32)
