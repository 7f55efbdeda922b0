"""Messages between processes: JSON, with arrays and bytes behind it as they lie in memory.

No pickle: the other end may have read a file that nobody vouches for.
"""

from __future__ import annotations

import json
import struct
from typing import IO, Any

import numpy as np

_LENGTH = struct.Struct("<Q")


def send(stream: IO[bytes], message: object) -> None:
    """Sends a message of None, bools, numbers, text, bytes, arrays, lists, tuples and mappings with keys of text or whole numbers.

    Raises:
        TypeError: it holds something else.
    """
    parts: list[memoryview] = []
    text = json.dumps(_encoded(message, parts)).encode()
    stream.write(_LENGTH.pack(len(parts)))
    for part in (memoryview(text), *parts):
        stream.write(_LENGTH.pack(part.nbytes))
        stream.write(part)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Receives a message; its arrays can be written to.

    Raises:
        EOFError: the other end is gone.
    """
    (count,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    text, *parts = [_exactly(stream, _LENGTH.unpack(_exactly(stream, _LENGTH.size))[0]) for _ in range(count + 1)]
    return _decoded(json.loads(text), parts)


def _exactly(stream: IO[bytes], count: int) -> bytearray:
    data = bytearray(count)
    view, done = memoryview(data), 0
    while done < count:
        read = stream.readinto(view[done:])  # type: ignore[attr-defined]  # every binary stream has it
        if not read:
            raise EOFError
        done += read
    return data


def _encoded(value: object, parts: list[memoryview]) -> object:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (bytes, bytearray)):
        parts.append(memoryview(value))
        return {"bytes": len(parts) - 1}
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value, order="C")
        if array.dtype == object and all(isinstance(text, str) for text in array.reshape(-1)):
            array = array.astype(np.str_)
        if array.dtype.hasobject or array.dtype.names is not None:
            raise TypeError("an array of Python objects or records cannot be handed to another process; give numbers")
        parts.append(memoryview(array.reshape(-1).view(np.uint8)))  # type: ignore[arg-type]  # a buffer it is
        dtype = array.dtype.name if array.dtype.isbuiltin == 2 else array.dtype.str  # 2: a type of another package, as bfloat16 is
        return {"array": [len(parts) - 1, dtype, list(array.shape)]}
    if isinstance(value, (list, tuple)):
        return {"tuple" if isinstance(value, tuple) else "list": [_encoded(item, parts) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[_encoded(key, parts), _encoded(item, parts)] for key, item in value.items()]}
    raise TypeError(f"{type(value).__name__} cannot be handed to another process; give numpy arrays")


def _decoded(value: Any, parts: list[bytearray]) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "bytes":
        return bytes(parts[content])
    if kind == "array":
        index, dtype, shape = content
        return np.frombuffer(parts[index], short_float(dtype) if dtype[0].isalpha() else dtype).reshape(shape)
    if kind == "dict":
        return {_decoded(key, parts): _decoded(item, parts) for key, item in content}
    items = [_decoded(item, parts) for item in content]
    return tuple(items) if kind == "tuple" else items


def short_float(name: str) -> np.dtype[Any]:
    """A type of numbers that numpy itself lacks, such as "bfloat16".

    Raises:
        ImportError, AttributeError: the package that brings them is not installed, or does not know it.
    """
    import ml_dtypes

    made: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
    return made
