"""Strings on their way to a header and back: one array of bytes for all strings of a tensor, as `texts.hxx` reads and writes it.

An input is the number of strings, where each begins and the last ends, and their bytes (UTF-8). An output is the number of strings that
there is room for, the bytes of text that there are room for, which become those that were needed, and then as an input.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from onnx_bridge.errors import InferenceError
from onnx_bridge.ir.tensor import Tensor

#: Bytes of text that outputs have room for at first; a call that needs more is made again with as much as it needs.
FIRST = 1024

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
    """Strings as a header's functions take them."""
    texts = [text if isinstance(text, bytes) else str(text).encode("utf-8", "surrogateescape") for text in array.reshape(-1)]
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    head = np.concatenate([np.array([len(texts)], np.int64), ends])
    return np.concatenate([head.view(np.uint8), np.frombuffer(b"".join(texts), np.uint8)])


def room(shape: Sequence[int], text: int) -> np.ndarray:
    """Memory for so many strings, with so many bytes of text."""
    count = math.prod(shape)
    made = np.zeros((count + 3) * _NUMBER + text, np.uint8)
    made[: 2 * _NUMBER].view(np.int64)[:] = count, text
    return made


def needed(made: np.ndarray) -> int:
    """The bytes of text that a call had for an output; more than there was room for where it must be made again."""
    return int(made[_NUMBER : 2 * _NUMBER].view(np.int64)[0])


def is_short(made: np.ndarray) -> bool:
    """Whether there was less room than was needed: the text is not there."""
    count = int(made[:_NUMBER].view(np.int64)[0])
    return needed(made) > made.size - (count + 3) * _NUMBER


def unpacked(made: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The strings of an output: an array of str. Bytes that are no UTF-8 become what `surrogateescape` makes of them."""
    count, total = math.prod(shape), int(made[:_NUMBER].view(np.int64)[0])
    begin = (total + 3) * _NUMBER
    ends = made[2 * _NUMBER : begin].view(np.int64)
    text = made[begin:].tobytes()
    array = np.empty(count, object)
    for index in range(count):
        array[index] = text[ends[index] : ends[index + 1]].decode("utf-8", "surrogateescape")
    return array.reshape(shape)
