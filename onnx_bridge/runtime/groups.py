"""Sequences and optionals between a caller and a header, which takes and gives tensors: lists of arrays, and None for what is not there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from onnx_bridge.errors import InferenceError
from onnx_bridge.ir.groups import Group
from onnx_bridge.ir.tensor import Tensor

#: Columns of a table of shapes where the rank is not known, and the largest rank that it can say.
_ANY, _MOST = 9, 8


def names_of(tensors: Iterable[str], groups: Sequence[Group]) -> list[str]:
    """What the file has: the tensors' names in order, a group's in the place of its first one."""
    first = {group.tensors[0]: group.name for group in groups}
    inner = {name for group in groups for name in group.tensors[1:]}
    return [first.get(name, name) for name in tensors if name not in inner]


def taken_apart(feeds: Mapping[str, Any], groups: Sequence[Group], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Inputs by name with the tensors of each group in its place; what is not there may be left out.

    Raises:
        InferenceError: a sequence is none, or none that the header takes.
    """
    flat = dict(feeds)
    for group in groups:
        if group.name not in flat and (not group.there or any(name in flat for name in group.tensors)):
            continue
        value = flat.pop(group.name, None)
        if group.there:
            flat[group.there] = np.array(value is not None)
        elif value is None:
            raise InferenceError(f"input {group.name!r} must be there")
        if group.table:
            data, table = _sequence(group.name, [] if value is None else value, tensors[group.data], tensors[group.table])
            flat[group.data], flat[group.table] = data, table
        elif group.data:
            tensor = tensors[group.data]
            empty = np.zeros([size if isinstance(size, int) else 0 for size in tensor.shape], tensor.dtype.numpy)
            flat[group.data] = empty if value is None else value
    return flat


def _sequence(name: str, value: Any, data: Tensor, table: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of a sequence's elements, and the table of their shapes."""
    if isinstance(value, (str, bytes)) or not isinstance(value, (Sequence, np.ndarray)):
        raise InferenceError(f"input {name!r} is a sequence: give a list of arrays, not {type(value).__name__}")
    arrays = [np.asarray(element) for element in value]
    columns = table.shape[1]
    assert isinstance(columns, int)
    for index, array in enumerate(arrays):
        if array.dtype != data.dtype.numpy:
            raise InferenceError(f"input {name!r} holds {array.dtype} at {index}, expected {data.dtype}")
        if (array.ndim != columns) if columns != _ANY else (array.ndim > _MOST):
            wanted = "at most 8" if columns == _ANY else columns
            raise InferenceError(f"input {name!r} holds an array of shape {array.shape} at {index}, expected {wanted} axes")
    rows = [[array.ndim, *array.shape, *[0] * (_MOST - array.ndim)] if columns == _ANY else array.shape for array in arrays]
    numbers = np.concatenate([array.reshape(-1) for array in arrays]) if arrays else np.zeros(0, data.dtype.numpy)
    return numbers, np.array(rows, np.int64).reshape(len(arrays), columns)


def put_together(names: Sequence[str], arrays: Sequence[Any], groups: Sequence[Group]) -> tuple[list[str], list[Any]]:
    """Outputs with what each group is in the place of its tensors."""
    found = dict(zip(names, arrays, strict=True))
    whole = names_of(names, groups)
    by_name = {group.name: group for group in groups}
    return whole, [_whole(by_name[name], found) if name in by_name else found[name] for name in whole]


def _whole(group: Group, found: Mapping[str, Any]) -> Any:
    if group.there and not bool(found[group.there]):
        return None
    return elements(found[group.data], found[group.table]) if group.table else found[group.data]


def elements(numbers: np.ndarray, table: np.ndarray) -> list[np.ndarray]:
    """The arrays of a sequence."""
    made, at = [], 0
    for row in table.tolist():
        shape = row[1 : 1 + row[0]] if len(row) == _ANY else row
        count = math.prod(shape)
        made.append(numbers[at : at + count].reshape(shape))
        at += count
    return made


def any_rank(table: np.ndarray) -> np.ndarray:
    """A table of shapes with rows of nine."""
    rows, columns = table.shape
    if columns == _ANY:
        return table
    made = np.zeros((rows, _ANY), np.int64)
    made[:, 0] = columns
    made[:, 1 : 1 + columns] = table
    return made
