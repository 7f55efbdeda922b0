"""Whether an exported model computes what PyTorch does: at the example, at other sizes of its dynamic dims, with other numbers.

The exporters have errors that nothing announces: a branch that the example took is frozen, an argument is dropped, a length is built
in. A route whose model fails here is passed over for the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

#: Largest difference, relative to the largest magnitude of the output. The conversion asks for more; this finds what is wrong, not inexact.
RELATIVE = 1e-4
#: ...or as a multiple of how far PyTorch's own answer moves with its inputs' last places.
CONDITIONING = 16.0

Arrays = Mapping[str, np.ndarray]


@dataclass
class Seen:
    """What a comparison saw.

    Attributes:
        refused: sizes that PyTorch does not take, with its words.
        shapes: of the outputs, for each set of inputs.
    """

    refused: list[str]
    shapes: list[list[tuple[int, ...]]]


class Rejected(Exception):
    """An exported model that is not the framework's."""


def compare(
    model: onnx.ModelProto, reference: Callable[[Arrays], Sequence[np.ndarray]], example: Arrays, axes: Mapping[str, Mapping[int, str]]
) -> Seen:
    """Compares an exported model, in onnxruntime, with the framework's answer.

    Args:
        model: the model.
        reference: the framework's answer.
        example: inputs by name.
        axes: for inputs, the names of their dynamic axes.

    Raises:
        Rejected: onnxruntime does not load it, refuses what the framework takes, or answers differently.
    """
    session = _session(model)
    others: dict[str, str] = {}
    shapes: list[list[tuple[int, ...]]] = []
    for sizes, kind, feeds in _tried(example, axes):
        where = ", ".join(f"{name} = {size}" for name, size in sizes.items()) or "the example"
        try:
            wanted = list(reference(feeds))
        except Exception as error:  # whatever a framework raises for sizes and numbers that it does not take
            others.setdefault(where, " ".join(str(error).split())[:200])
            continue
        if kind == "far" and not all(np.isfinite(value).all() for value in wanted if value.dtype.kind == "f"):
            continue  # the framework itself overflows: nothing to learn
        others[where] = ""
        try:
            got = session.run(None, dict(feeds))
        except Exception as error:
            raise Rejected(f"onnxruntime refuses at {where} what PyTorch takes: {' '.join(str(error).split())[:300]}") from None
        _same(got, wanted, where, lambda feeds=feeds: reference({k: _nudged(v) for k, v in feeds.items()}))  # type: ignore[misc]
        shapes.append([value.shape for value in wanted])
    refused = [f"PyTorch refuses {where}, so nothing was compared there: {why}" for where, why in others.items() if why]
    return Seen(refused, shapes)


def _session(model: onnx.ModelProto) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise Rejected(f"onnxruntime does not load what was exported: {' '.join(str(error).split())[:400]}") from None


def _tried(example: Arrays, axes: Mapping[str, Mapping[int, str]]) -> Iterator[tuple[dict[str, int], str, dict[str, np.ndarray]]]:
    """Sizes, kind of numbers, inputs: the example, then others."""
    named = {name: example[key].shape[axis] for key, of in axes.items() for axis, name in of.items()}
    yield named, "example", dict(example)
    rng = np.random.default_rng(0)
    sizes = [named]
    if named:
        sizes += [{name: size + 1 + i for i, (name, size) in enumerate(named.items())}, dict.fromkeys(named, 1)]
    for number, chosen in enumerate(sizes):
        for kind in ("normal", "wide", "far") if number < 2 else ("normal",):
            yield chosen, kind, {key: _other(rng, value, axes.get(key, {}), chosen, kind) for key, value in example.items()}
        if number:
            yield chosen, "example", {key: _other(rng, value, axes.get(key, {}), chosen, "example") for key, value in example.items()}


def _other(rng: np.random.Generator, value: np.ndarray, axes: Mapping[int, str], sizes: Mapping[str, int], kind: str) -> np.ndarray:
    """An input like `value` in other sizes: numbers of a kind; for what may be indices or lengths, those of the example in order."""
    for axis, name in axes.items():
        old = value.shape[axis]
        value = np.take(value, np.sort(rng.integers(0, max(old, 1), sizes[name])) if old else np.zeros(0, int), axis)
    if value.dtype.kind != "f" or kind == "example":
        return value
    scale = {"normal": 1.0, "wide": 4.0, "far": 50.0}[kind]
    return np.asarray(rng.standard_normal(value.shape) * scale, value.dtype)


def _same(got: Sequence[np.ndarray], wanted: Sequence[np.ndarray], where: str, again: Callable[[], Sequence[np.ndarray]]) -> None:
    if len(got) != len(wanted):
        raise Rejected(f"it has {len(got)} outputs, the framework gives {len(wanted)}")
    nudged: list[np.ndarray] = []
    for index, (a, b) in enumerate(zip(map(np.asarray, got), wanted, strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            raise Rejected(f"output {index} at {where} is {a.dtype}{list(a.shape)}, PyTorch gives {b.dtype}{list(b.shape)}")
        if not b.size:
            continue
        gap = _difference(a, b)
        finite = np.abs(b[np.isfinite(b)].astype(np.float64)) if b.dtype.kind == "f" else np.zeros(0)
        relative = max(RELATIVE, 8 * float(np.finfo(b.dtype).eps)) if b.dtype.kind == "f" else 0.0
        if gap > relative * finite.max(initial=0):
            nudged = nudged or list(again())
            if nudged[index].shape != b.shape or gap > CONDITIONING * _difference(nudged[index], b):
                raise Rejected(f"output {index} at {where} is off by {gap:.3g}")


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    x, y = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore"):
        gaps = np.where((x == y) | (np.isnan(x) & np.isnan(y)), 0.0, np.abs(x - y))
    return float(np.where(np.isnan(gaps), np.inf, gaps).max(initial=0))


def _nudged(value: np.ndarray) -> np.ndarray:
    """The last places moved by one, up and down by turns."""
    if value.dtype.kind != "f":
        return value
    signs = np.where(np.arange(value.size).reshape(value.shape) % 2, 1, -1)
    return np.asarray(value + signs * np.spacing(np.abs(value)), value.dtype)
