"""Messages between a process and the one that exports for it: JSON, with arrays and bytes behind it.

No pickle: the other end has read a file that nobody vouches for.
"""

from __future__ import annotations

import io
import json
import struct
from typing import IO, Any

import numpy as np

_LENGTH = struct.Struct("<Q")


def send(stream: IO[bytes], message: object) -> None:
    """Sends a message of None, bools, numbers, text, bytes, arrays, lists, tuples and mappings with keys of text or whole numbers."""
    parts: list[bytes] = []
    text = json.dumps(_encoded(message, parts)).encode()
    stream.write(_LENGTH.pack(len(parts)))
    for part in (text, *parts):
        stream.write(_LENGTH.pack(len(part)))
        stream.write(part)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Receives a message.

    Raises:
        EOFError: the other end is gone.
    """
    (count,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    text, *parts = [_exactly(stream, _LENGTH.unpack(_exactly(stream, _LENGTH.size))[0]) for _ in range(count + 1)]
    return _decoded(json.loads(text), parts)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    chunks = bytearray()
    while len(chunks) < count:
        chunk = stream.read(count - len(chunks))
        if not chunk:
            raise EOFError
        chunks += chunk
    return bytes(chunks)


def _encoded(value: object, parts: list[bytes]) -> object:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (bytes, np.ndarray, np.generic)):
        parts.append(value if isinstance(value, bytes) else _npy(np.asarray(value)))
        return {"bytes" if isinstance(value, bytes) else "array": len(parts) - 1}
    if isinstance(value, (list, tuple)):
        return {"tuple" if isinstance(value, tuple) else "list": [_encoded(item, parts) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[_encoded(key, parts), _encoded(item, parts)] for key, item in value.items()]}
    raise TypeError(f"{type(value).__name__} cannot be handed to another process; give numpy arrays")


def _decoded(value: Any, parts: list[bytes]) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "bytes":
        return parts[content]
    if kind == "array":
        return np.load(io.BytesIO(parts[content]), allow_pickle=False)
    if kind == "dict":
        return {_decoded(key, parts): _decoded(item, parts) for key, item in content}
    items = [_decoded(item, parts) for item in content]
    return tuple(items) if kind == "tuple" else items


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()
