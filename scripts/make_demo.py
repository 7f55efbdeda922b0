#!/usr/bin/env python3
"""Trains the model of `onnx-bridge demo` and writes onnx_bridge/demo/diphoton.onnx: numpy trains, onnx.helper exports.

A classifier (8 -> 64 -> 64 -> 32 -> 1, ReLU, sigmoid) of events of the toy generator in onnx_bridge/demo/events.py. Every random
number has a seed, so the same numpy and BLAS make the same file; others make a model of the same quality, not of the same bits.

    python scripts/make_demo.py            # a few minutes on one core
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge.demo.events import FEATURES, events

OUT = Path(__file__).resolve().parent.parent / "onnx_bridge" / "demo" / "diphoton.onnx"
WIDTHS = (len(FEATURES), 64, 64, 32, 1)
BATCH = 1000

Parameters = list[np.ndarray]


def initial(rng: np.random.Generator) -> Parameters:
    """Weights by He's rule and biases of 0, in turn."""
    parameters: Parameters = []
    for inputs, outputs in zip(WIDTHS, WIDTHS[1:], strict=False):
        parameters += [rng.normal(0, np.sqrt(2 / inputs), (inputs, outputs)).astype(np.float32), np.zeros(outputs, np.float32)]
    return parameters


def forward(parameters: Parameters, x: np.ndarray) -> list[np.ndarray]:
    """The input and the output of every layer; the last is the logit."""
    layers = [x]
    for i in range(0, len(parameters), 2):
        x = x @ parameters[i] + parameters[i + 1]
        if i + 2 < len(parameters):
            x = np.maximum(x, 0)
        layers.append(x)
    return layers


def gradients(parameters: Parameters, x: np.ndarray, y: np.ndarray) -> Parameters:
    """Of the mean cross entropy."""
    layers = forward(parameters, x)
    sigmoid = np.float32(0.5) * (1 + np.tanh(layers[-1] / 2))
    delta = (sigmoid - y[:, None]) / np.float32(len(y))
    found: Parameters = []
    for i in range(len(parameters) - 2, -1, -2):
        found = [layers[i // 2].T @ delta, delta.sum(0), *found]
        if i:
            delta = (delta @ parameters[i].T) * (layers[i // 2] > 0)
    return found


def train(x: np.ndarray, y: np.ndarray, epochs: int, seed: int) -> Parameters:
    """Adam, its step falling along a cosine."""
    rng = np.random.default_rng(seed)
    parameters = initial(rng)
    first, second = [np.zeros_like(p) for p in parameters], [np.zeros_like(p) for p in parameters]
    steps, step = epochs * (len(x) // BATCH), 0
    for epoch in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x) - BATCH + 1, BATCH):
            step += 1
            rate = np.float32(0.003 * 0.5 * (1 + np.cos(np.pi * step / steps)) + 1e-6)
            rows = order[start : start + BATCH]
            for p, m, v, g in zip(parameters, first, second, gradients(parameters, x[rows], y[rows]), strict=True):
                m += np.float32(0.1) * (g - m)
                v += np.float32(0.001) * (g * g - v)
                p -= rate * (m / np.float32(1 - 0.9**step)) / (np.sqrt(v / np.float32(1 - 0.999**step)) + np.float32(1e-8))
        if sys.stderr.isatty():
            print(f"epoch {epoch + 1}/{epochs}", end="\r", file=sys.stderr, flush=True)
    return parameters


def exported(parameters: Parameters, mean: np.ndarray, scale: np.ndarray) -> onnx.ModelProto:
    """The network with its standardisation, ONNX opset 17."""
    initializers = [numpy_helper.from_array(mean, "mean"), numpy_helper.from_array(scale, "scale")]
    nodes = [helper.make_node("Sub", ["event", "mean"], ["centred"], "centre")]
    nodes.append(helper.make_node("Div", ["centred", "scale"], ["x0"], "scale"))
    for i in range(0, len(parameters), 2):
        layer, last = i // 2 + 1, i + 2 == len(parameters)
        weights, bias = f"weights{layer}", f"bias{layer}"
        initializers += [numpy_helper.from_array(parameters[i], weights), numpy_helper.from_array(parameters[i + 1], bias)]
        nodes.append(helper.make_node("Gemm", [f"x{layer - 1}", weights, bias], [f"sum{layer}"], f"dense{layer}"))
        activation, output = ("Sigmoid", "signal") if last else ("Relu", f"x{layer}")
        nodes.append(helper.make_node(activation, [f"sum{layer}"], [output], f"activation{layer}"))
    graph = helper.make_graph(
        nodes, "diphoton",
        [helper.make_tensor_value_info("event", TensorProto.FLOAT, ["N", len(FEATURES)])],
        [helper.make_tensor_value_info("signal", TensorProto.FLOAT, ["N", 1])], initializers,
        "Probability that a pair of photons is the decay of a scalar of 125 GeV; inputs: " + ", ".join(FEATURES) + ". Toy data, seeded.",
    )  # fmt: skip
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, producer_name="onnx_bridge scripts/make_demo.py", opset_imports=opset, ir_version=8)
    onnx.checker.check_model(model)
    return model


def main() -> None:
    """Trains, prints the accuracy on events that were not trained on, writes the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    x, y = events(options.events, seed=1)
    mean, scale = x.mean(0), x.std(0)
    parameters = train((x - mean) / scale, y.astype(np.float32), options.epochs, seed=2)
    for what, (test_x, test_y) in {"trained on": (x, y), "new": events(50_000, seed=3)}.items():
        decided = forward(parameters, (test_x - mean) / scale)[-1][:, 0] > 0
        print(f"accuracy on {len(test_y)} {what} events: {(decided == test_y).mean():.4f}")
    onnx.save(exported(parameters, mean, scale), options.out)
    print(f"{options.out.name}: {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
