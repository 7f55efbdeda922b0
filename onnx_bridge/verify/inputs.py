"""Seeded inputs for a verification: of several kinds of values, and what each input takes."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import float8e8m0, string
from onnx_bridge.ir.meaning import Meaning
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.tensor import PARTS, Tensor
from onnx_bridge.processes import most_memory
from onnx_bridge.references.refusal import Refusal
from onnx_bridge.verify.sequences import table
from onnx_bridge.verify.words import numbers_of, texts, words_of

#: Floats: normally distributed, larger, zeros, and among normal ones zeros of both signs, tiny and large ones. Integers: drawn from all
#: that they may be, zeros (or what is nearest), the ends alone.
KINDS = ("normal", "wide", "zeros", "edges")

#: Integer inputs are indices more often than not; where nothing says how large they may be, these are safe.
SAFE_INTEGERS = 2

#: Integers that are calculated with, and those of which any will do, are less than this.
_COUNTS, _FREE = 10, 100_000

#: Bytes of a number as it is drawn.
_DRAWN_BYTES = 8

#: How often one of the numbers that a model compares with is put among others.
_CODES = 0.15

#: How often a number that trees compare with, or one beside it, is.
_NEAR = 0.7


def feeds(model: RModel, sizes: Mapping[str, int], kind: str, seed: int) -> dict[str, np.ndarray]:
    """Inputs of one kind (see `KINDS`), by name.

    Args:
        model: with what its inputs mean.
        sizes: the run-time sizes.
        kind: of values.
        seed: the same gives the same inputs.

    Raises:
        Refusal: an input of these sizes is more than numpy, or this machine, can hold.
    """
    rng = np.random.default_rng([seed, *(size % 2**32 for size in sizes.values())])
    made: dict[str, np.ndarray] = {}
    tables = {group.table: model.tensor(group.data) for group in model.input_groups if group.table}
    flags = {group.there for group in model.input_groups if group.there}
    words, become = (sorted(words_of(model)), numbers_of(model)) if any(t.dtype is string for t in model.inputs) else ([], {})
    for tensor in model.inputs:
        if tensor.name in tables:
            length, columns = (dims.evaluate(size, sizes) for size in tensor.shape)
            made[tensor.name] = table(rng, length, columns, dims.evaluate(tables[tensor.name].count, sizes))
            continue
        shape = _possible(tensor, [dims.evaluate(size, sizes) for size in tensor.shape])
        if tensor.name in model.input_values:
            values = [dims.evaluate(size, sizes) for size in model.input_values[tensor.name]]
            numbers = np.asarray(values) / PARTS if tensor.dtype.is_float else values
            made[tensor.name] = np.asarray(numbers, tensor.dtype.numpy).reshape(shape)
        elif tensor.name in flags:  # missing once, where other bools are true: a loop that takes no turn may need it
            made[tensor.name] = np.full(shape, kind != "edges")
        elif tensor.dtype is string:
            made[tensor.name] = texts(rng, shape, kind, words, become.get(tensor))
        else:
            drawn = _drawn(rng, tensor, shape, model.meanings.get(tensor.name, Meaning()), sizes, kind)
            made[tensor.name] = np.asarray(drawn).astype(tensor.dtype.numpy)
    return made


def _possible(tensor: Tensor, shape: list[int]) -> list[int]:
    """A shape, if an array may have it. Numbers are drawn as doubles; of empty arrays, too, numpy counts bytes as if no size were zero."""
    most, needed = most_memory(), _DRAWN_BYTES * math.prod(size for size in shape if size)
    if needed > (most if 0 not in shape else sys.maxsize):
        room = "any array can have" if 0 in shape else f"the {most} that the machine, or $ONNX_BRIDGE_GIBIBYTES, has"
        raise Refusal("numpy", "inputs", f"input {tensor.name!r} of shape {tuple(shape)} would take {needed} bytes, more than {room}")
    return shape


def _drawn(
    rng: np.random.Generator, tensor: Tensor, shape: Sequence[int], meaning: Meaning, sizes: Mapping[str, int], kind: str
) -> np.ndarray:
    if meaning.bounds:
        return _within(rng, shape, meaning, sizes, kind)
    if meaning.keeps and shape:
        return _mask(rng, tensor, shape, meaning.keeps, kind)
    if tensor.dtype.is_float:
        drawn = _floats(rng, shape, kind)
        if meaning.compared and kind in ("normal", "edges"):
            drawn = _around(rng, drawn, meaning.compared, tensor.dtype.numpy)
        return np.abs(drawn) if tensor.dtype is float8e8m0 else drawn
    if tensor.dtype.name == "bool":
        one = int(np.prod(shape)) == 1  # a choice of a branch: each once
        return np.full(shape, kind in ("normal", "edges")) if one else rng.integers(0, 2, shape) * (kind != "zeros")
    return _integers(rng, tensor, shape, meaning, kind)


def _within(rng: np.random.Generator, shape: Sequence[int], meaning: Meaning, sizes: Mapping[str, int], kind: str) -> np.ndarray:
    """Indices and lengths: all bounds hold. Where some of them are left out of a row by a comparison, its first is not."""
    pairs = [bound.of(sizes) for bound in meaning.bounds]
    low, high = max(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    high = max(low, high)
    if meaning.ascends:
        offsets = np.sort(rng.integers(0, high + 1, shape)) * (kind != "zeros")
        offsets[:1] = 0
        return np.asarray(offsets)
    least = -(high + 1) if meaning.wraps and kind == "edges" else low
    values: np.ndarray
    if kind == "zeros":
        values = np.full(shape, min(max(0, low), high))
    elif kind == "edges":
        values = rng.choice(np.array([least, high]), shape)
    else:
        values = rng.integers(least, high + 1, shape)
    codes = [code for code in sorted(meaning.codes) if low <= code <= high]
    if not codes or not shape or not values.size:
        return values
    if kind == "normal":
        values = np.where(rng.random(shape) < _CODES, rng.choice(np.array(codes), shape), values)
    others = np.setdiff1d(np.arange(low, min(high, low + len(codes) + 1) + 1), codes)
    if others.size and len(shape) > 1:
        values[..., :1] = np.where(np.isin(values[..., :1], codes), others[-1], values[..., :1])
    return values


def _mask(rng: np.random.Generator, tensor: Tensor, shape: Sequence[int], keeps: int, kind: str) -> np.ndarray:
    """What is kept comes first in each row, as tokenizers pad, and is at least one: a row of nothing is nobody's input."""
    axis = max((axis for axis in range(min(1, len(shape) - 1), len(shape)) if tensor.shape[axis] != 1), default=len(shape) - 1)
    size = shape[axis]
    lengths = rng.integers(1, max(1, size) + 1, [1 if place == axis else length for place, length in enumerate(shape)])
    if kind == "zeros":
        lengths = np.full_like(lengths, size)
    elif kind == "edges":
        lengths = np.where(lengths % 2 == 0, size, 1)
    places = np.arange(size).reshape([size if place == axis else 1 for place in range(len(shape))])
    return np.asarray((places < lengths) == (keeps > 0))


def _integers(rng: np.random.Generator, tensor: Tensor, shape: Sequence[int], meaning: Meaning, kind: str) -> np.ndarray:
    """Codes among others; bytes and words over all of their range; what is calculated with, small; any, large; else what is safe."""
    least, most = tensor.dtype.limits
    low, high = 0, SAFE_INTEGERS - 1
    if tensor.dtype.size <= 2:
        low, high = least, most
    elif meaning.free:
        high = _FREE
    elif meaning.counts:
        high = _COUNTS - 1
    codes = np.array([*(code for code in sorted(meaning.codes) if least <= code <= most)], np.int64)
    if codes.size:
        codes = np.append(codes, codes[-1] + (codes[-1] < most))  # and one that it is not compared with
    if codes.size and int(np.prod(shape)) == 1:
        return np.full(shape, codes[KINDS.index(kind) % codes.size])
    if kind == "zeros":
        return np.zeros(shape, np.int64)
    values = rng.choice(np.array([low, high]), shape) if kind == "edges" else rng.integers(low, high + 1, shape)
    return np.where(rng.random(shape) < 0.5, rng.choice(codes, shape), values) if codes.size else np.asarray(values)


def _around(rng: np.random.Generator, drawn: np.ndarray, compared: Mapping[int | None, np.ndarray], dtype: Any) -> np.ndarray:
    """Numbers at, just under and just over those that trees compare with, in the input's own type, among others."""
    for column, numbers in compared.items():
        part = drawn if column is None else drawn[..., column]
        at = numbers.astype(dtype)
        near = [at, np.nextafter(at, at.dtype.type(-np.inf)), np.nextafter(at, at.dtype.type(np.inf))]
        if at.size:
            part[...] = np.where(rng.random(part.shape) < _NEAR, rng.choice(np.concatenate(near), part.shape), part)
    return drawn


def _floats(rng: np.random.Generator, shape: Sequence[int], kind: str) -> np.ndarray:
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
