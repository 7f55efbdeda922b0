"""Strings between numpy and a C face, which has an address and a size for each, `onnx_bridge_text`.

On their way they are one array of bytes for all strings of a tensor, which other processes take, too: the number of strings, where each
begins and the last ends, and their bytes (UTF-8).
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from onnx_bridge.errors import InferenceError
from onnx_bridge.ir.tensor import Tensor

_NUMBER = 8


def text_array(tensor: Tensor, value: Any) -> np.ndarray:
    """The strings that a caller gives for an input, as an array of Python's: of str, or of bytes, which are taken as they are.

    Raises:
        InferenceError: they are none, or of another rank.
    """
    array = np.asarray(value)
    if array.dtype.kind in "USOT":
        array = array.astype(object)
    if array.dtype.kind != "O" and array.size or not all(isinstance(text, (str, bytes)) for text in array.reshape(-1)):
        raise InferenceError(f"input {tensor.name!r} is {np.asarray(value).dtype}, expected strings")
    if array.ndim != tensor.rank:
        raise InferenceError(f"input {tensor.name!r} has shape {array.shape}, expected {tensor.type}")
    return array.astype(object)


def packed(array: np.ndarray) -> np.ndarray:
    """Strings in one array of bytes."""
    return _joined([text if isinstance(text, bytes) else str(text).encode("utf-8", "surrogateescape") for text in array.reshape(-1)])


def views(text: np.ndarray) -> np.ndarray:
    """The address and the size of each of packed strings; they are there as long as `text`."""
    number = count(text)
    ends = text[_NUMBER : (number + 2) * _NUMBER].view(np.int64)
    made = np.empty((number, 2), np.uint64)
    made[:, 0] = text.ctypes.data + (number + 2) * _NUMBER + ends[:-1]
    made[:, 1] = np.diff(ends)
    return made


def room(shape: Sequence[int]) -> np.ndarray:
    """Memory for the addresses and sizes of so many strings."""
    return np.zeros((math.prod(shape), 2), np.uint64)


def gathered(views: np.ndarray) -> np.ndarray:
    """The strings that lie at some addresses, packed."""
    return _joined([ctypes.string_at(address, size) if size else b"" for address, size in views.tolist()])


def count(text: np.ndarray) -> int:
    """How many strings are packed."""
    return int(text[:_NUMBER].view(np.int64)[0])


def unpacked(text: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The first of packed strings: an array of str. Bytes that are no UTF-8 become what `surrogateescape` makes of them."""
    number = count(text)
    ends = text[_NUMBER : (number + 2) * _NUMBER].view(np.int64)
    whole = text[(number + 2) * _NUMBER :].tobytes()
    array = np.empty(math.prod(shape), object)
    for index in range(len(array)):
        array[index] = whole[ends[index] : ends[index + 1]].decode("utf-8", "surrogateescape")
    return array.reshape(shape)


def _joined(texts: Sequence[bytes]) -> np.ndarray:
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    head = np.concatenate([np.array([len(texts)], np.int64), ends])
    return np.concatenate([head.view(np.uint8), np.frombuffer(b"".join(texts), np.uint8)])
