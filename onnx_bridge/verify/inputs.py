"""Seeded inputs for a verification, of several kinds of values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.rmodel import RModel, nested_models
from onnx_bridge.ir.tensor import Tensor

#: Integer inputs are indices more often than not; where nothing says how large they may be, these are safe.
SAFE_INTEGERS = 2

_PASSING = {"Cast", "Reshape", "Unsqueeze", "Squeeze", "Identity", "Flatten", "Transpose", "Expand", "Copy", "Clip", "Pointwise"}


def feeds(model: RModel, sizes: Mapping[str, int], kind: str, seed: int) -> dict[str, np.ndarray]:
    """Inputs of one kind: "normal", "wide" (larger), "zeros", or "edges" (zeros of both signs, tiny and large values among others)."""
    rng = np.random.default_rng([seed, *sizes.values()])
    highest = index_bounds(model)
    by_input = {source: symbol for symbol, source in model.symbol_inputs.items()}
    made: dict[str, np.ndarray] = {}
    for tensor in model.inputs:
        shape = [dims.evaluate(size, sizes) for size in tensor.shape]
        if tensor.name in by_input:
            made[tensor.name] = np.full(shape, sizes[by_input[tensor.name]], tensor.dtype.numpy)
        elif tensor.dtype.is_float and tensor.name in highest:
            made[tensor.name] = np.asarray(rng.integers(0, max(1, highest[tensor.name]), shape), tensor.dtype.numpy)
        elif tensor.dtype.is_float:
            made[tensor.name] = np.asarray(_floats(rng, shape, kind), tensor.dtype.numpy)
        else:
            high = 2 if tensor.dtype.name == "bool" else highest.get(tensor.name, SAFE_INTEGERS)
            values = np.zeros(shape, np.int64) if kind == "zeros" else rng.integers(0, max(1, high), shape)
            made[tensor.name] = np.asarray(values).astype(tensor.dtype.numpy)
    return made


KINDS = ("normal", "wide", "zeros", "edges")


def _floats(rng: np.random.Generator, shape: list[int], kind: str) -> np.ndarray:
    normal = np.asarray(rng.standard_normal(shape))
    if kind == "wide":
        return normal * 4
    if kind == "zeros":
        return np.zeros(shape)
    if kind == "edges" and normal.size:
        edges = np.array([0.0, -0.0, 1e-30, -1e-30, 1.0, -1.0, 20.0, -20.0])
        places = rng.random(shape) < 0.25
        return np.where(places, rng.choice(edges, shape), normal)
    return normal


def index_bounds(model: RModel) -> dict[str, int]:
    """For inputs that index something: the number of entries there, the smallest where there are several.

    Floats, too: the inputs of Keras models are floats unless something else is said, those of an Embedding as well.
    """
    bounds: dict[str, int] = {}
    follows: dict[Tensor, str] = {t: t.name for t in model.inputs}

    def walk(body: RModel) -> None:
        for op in body.operators:
            for index, tensor in enumerate(op.inputs):
                if tensor is None or tensor not in follows:
                    continue
                source = follows[tensor]
                if op.op_type in ("Gather", "GatherElements", "OneHot") and index == 1:
                    data = op.x
                    size = data.shape[getattr(op, "axis", 0) or 0] if data.rank else 1
                    if isinstance(size, int):
                        bounds[source] = min(bounds.get(source, size), size)
                elif op.op_type in _PASSING:
                    follows.update({t: source for t in op.outputs if t is not None})
            for inner in nested_models(op):
                walk(inner)

    walk(model)
    return bounds
