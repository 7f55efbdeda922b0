"""Whether an exported model computes what JAX computes: in onnxruntime, at the example inputs and at other sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from onnx_bridge.frontends.exported import innermost, require
from onnx_bridge.frontends.jax.graphs import too_new

#: Sizes of dynamic axes that are tried beside the example's: the first name gets the first number, the next one the next.
_SIZES = ((3, 5, 4, 6), (1, 1, 1, 1), (17, 12, 13, 11), (2, 16, 16, 16))

#: Largest difference, of an output's largest value: what tells another function from another order of summation. The comparison of the
#: header with JAX is stricter by far.
_TOLERANCE = 1e-3


def refusal(
    model: onnx.ModelProto, examples: Sequence[np.ndarray], names: Sequence[str], axes: Sequence[Mapping[int, str]],
    answer: Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]],
) -> str:  # fmt: skip
    """Why a model is not what JAX computes; empty where it is.

    Args:
        model: the exported model.
        examples: inputs.
        names: of the inputs.
        axes: names of their dynamic axes.
        answer: JAX's own outputs.
    """
    if newer := too_new(model):
        opset = max(entry.version for entry in model.opset_import if not entry.domain)
        return f"the exporter wrote {', '.join(newer)}, which ONNX has not at opset {opset}"
    runtime = require("onnxruntime", "JAX", "jax")
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        return f"onnxruntime does not load the model: {innermost(error)}"
    for values in _inputs(examples, axes):
        try:
            wanted = answer(values)
        except Exception as error:
            if values is examples:
                return f"JAX does not run on the example inputs: {innermost(error)}"
            continue  # sizes that JAX does not take either
        where = ", ".join(f"{name} {list(value.shape)}" for name, value in zip(names, values, strict=True))
        try:
            found = session.run(None, dict(zip(names, values, strict=True)))
        except Exception as error:
            return f"onnxruntime refuses inputs that JAX takes ({where}): {innermost(error)}"
        for index, (ours, theirs) in enumerate(zip(found, wanted, strict=True)):
            if why := _difference(np.asarray(ours), theirs):
                return f"output {index} is wrong for {where}: {why}"
    return ""


def _inputs(examples: Sequence[np.ndarray], axes: Sequence[Mapping[int, str]]) -> Iterator[Sequence[np.ndarray]]:
    """The examples, then inputs of other sizes."""
    yield examples
    symbols = list(dict.fromkeys(name for named in axes for name in named.values()))
    for row in _SIZES if symbols else ():
        sizes = {symbol: row[index % len(row)] for index, symbol in enumerate(symbols)}
        rng = np.random.default_rng(row[0])
        yield [
            _like(rng, value, tuple(sizes.get(named.get(axis, ""), size) for axis, size in enumerate(value.shape)))
            for value, named in zip(examples, axes, strict=True)
        ]


def _like(rng: np.random.Generator, example: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An input of another shape, its numbers drawn from the example's: indices stay in their range."""
    if not example.size:
        return np.zeros(shape, example.dtype)
    drawn = rng.choice(example.reshape(-1), shape)
    if example.dtype.kind != "f" or example.dtype.itemsize < 4:
        return np.asarray(drawn, example.dtype)
    return np.asarray(drawn * rng.uniform(0.5, 1.0, shape), example.dtype)


def _difference(ours: np.ndarray, theirs: Any) -> str:
    if ours.shape != theirs.shape:
        return f"its shape is {list(ours.shape)}, JAX gives {list(theirs.shape)}"
    if ours.dtype != theirs.dtype:
        return f"its type is {ours.dtype}, JAX gives {theirs.dtype}"
    if not ours.size:
        return ""
    if theirs.dtype.kind not in "fc":
        return "" if np.array_equal(ours, theirs) else f"{int((ours != theirs).sum())} of {ours.size} numbers differ"
    if not np.array_equal(np.isfinite(ours), np.isfinite(theirs)):
        return "it is finite where JAX is not, or the other way round"
    finite = np.isfinite(theirs)
    gap = np.abs(ours[finite] - theirs[finite]).max(initial=0)
    scale = np.abs(theirs[finite]).max(initial=0)
    return "" if gap <= _TOLERANCE * max(scale, 1e-6) else f"it is off by {gap:.3g}, its largest value is {scale:.3g}"
