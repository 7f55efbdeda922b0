"""Sequences and optionals between a verification, which knows tensors, and a reference, which takes and gives lists, and None.

A sequence `x` is "x numbers", those of all elements one behind the other, and "x shapes", a row for each; an optional one has
"x there", too, and an optional tensor is "x value". A row of nine is a rank and up to eight sizes; that of an answer always is one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import onnx

_ANY, _MOST = 9, 8

#: numpy's types by what a type is called, where numpy calls it otherwise.
_NAMES = {"float": "float32", "double": "float64"}


def given_as(feeds: Mapping[str, np.ndarray], kinds: Mapping[str, str]) -> dict[str, Any]:
    """What a reference is fed: the same, but for what is no tensor.

    Args:
        feeds: tensors by name.
        kinds: the types of the model's inputs, as onnxruntime spells them.
    """
    made: dict[str, Any] = {}
    for name, kind in kinds.items():
        if name in feeds:
            made[name] = feeds[name]
        elif kind.startswith("optional(") and not feeds[f"{name} there"]:
            made[name] = None
        elif f"{name} value" in feeds:
            made[name] = feeds[f"{name} value"]
        else:
            made[name] = _elements(feeds[f"{name} numbers"], feeds[f"{name} shapes"])
    return made


def _elements(numbers: np.ndarray, table: np.ndarray) -> list[np.ndarray]:
    made, at = [], 0
    for row in table.tolist():
        shape = row[1 : 1 + row[0]] if len(row) == _ANY else row
        made.append(numbers[at : at + math.prod(shape)].reshape(shape))
        at += math.prod(shape)
    return made


def answered(values: Iterable[Any], kinds: Iterable[str]) -> list[np.ndarray]:
    """What a reference has answered, as tensors; `kinds` are the types of the model's outputs."""
    made: list[np.ndarray] = []
    for value, kind in zip(values, kinds, strict=True):
        inside = kind
        if kind.startswith("optional("):
            made.append(np.array(value is not None))
            inside = kind[len("optional(") : -1]
        if inside.startswith("seq("):
            made += _flat([] if value is None else value, inside)
        else:
            made.append(np.asarray(value))
    return made


def _flat(value: Iterable[Any], kind: str) -> list[np.ndarray]:
    arrays = [np.asarray(element) for element in value]
    name = kind[len("seq(tensor(") : -2]
    dtype = arrays[0].dtype if arrays else np.dtype(_NAMES.get(name, name) or "float32")
    rows = [[array.ndim, *array.shape, *[0] * (_MOST - array.ndim)] for array in arrays]
    numbers = np.concatenate([array.reshape(-1) for array in arrays]) if arrays else np.zeros(0, dtype)
    return [numbers, np.array(rows, np.int64).reshape(len(rows), _ANY)]


def spelt(declared: onnx.TypeProto) -> str:
    """A type as onnxruntime spells it."""
    kind = declared.WhichOneof("value")
    if kind == "sequence_type":
        return f"seq({spelt(declared.sequence_type.elem_type)})"
    if kind == "optional_type":
        return f"optional({spelt(declared.optional_type.elem_type)})"
    if kind != "tensor_type" or not declared.tensor_type.elem_type:
        return ""
    name = onnx.TensorProto.DataType.Name(declared.tensor_type.elem_type).lower()
    return f"tensor({name})"
