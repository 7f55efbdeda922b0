"""A built header's C functions, and what they make: the model, opened once, and workspaces, one for each call that runs at a time."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from onnx_bridge.errors import InferenceError, ToolchainError, WeightsError

#: What each function of the shim returns and takes.
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "open": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]),
    "close": (None, [ctypes.c_void_p]),
    "workspace": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_void_p]),
    "place": (ctypes.c_void_p, [ctypes.c_void_p] * 3),
    "drop": (None, [ctypes.c_void_p]),
    "bytes": (ctypes.c_size_t, [ctypes.c_void_p]),
    "infer": (ctypes.c_int, [ctypes.c_void_p] * 5),
    "time": (ctypes.c_double, [ctypes.c_void_p] * 5 + [ctypes.c_longlong]),
}


class Workspace:
    """Scratch memory for one call at a time.

    Attributes:
        pointer: the C++ Workspace.
        bytes: how many bytes it holds; it serves all sizes that need no more.
    """

    def __init__(self, library: Library, sizes: Sequence[int]) -> None:
        self._drop = library.call["drop"]  # not the library, which holds its workspaces
        packed = library.packed(sizes)
        self.bytes = library.workspace_bytes(packed)
        self.pointer = library.call["workspace"](library.model, packed)

    def __del__(self) -> None:
        if getattr(self, "pointer", None):
            self._drop(self.pointer)


class Library:
    """A built header with its model opened: immutable but for the workspaces that no call uses at the moment.

    Each call takes a workspace of its own and gives it back, so that as many threads as there are may call at the same time;
    there are never more workspaces than calls that ran at once.

    Raises:
        ToolchainError: the library cannot be loaded.
        WeightsError: the weights are not the header's, or the processor cannot run the body.
    """

    def __init__(self, path: str, name: str, weights: bytes, body: int) -> None:
        self.model = None
        self._idle: list[Workspace] = []
        self._weights = _aligned(weights)
        self._prefix = f"bridge_{name}_"
        try:
            self._library = ctypes.CDLL(path)
        except OSError as error:
            raise ToolchainError(f"cannot load {path}: {error}") from None
        self.call = {function: self.function(function, *signature) for function, signature in _FUNCTIONS.items()}
        message = ctypes.create_string_buffer(1024)
        self.model = self.call["open"](self._weights.ctypes.data, self._weights.nbytes, body, message, len(message))
        if not self.model:
            raise WeightsError(message.value.decode("utf-8", "replace"))

    def __del__(self) -> None:
        if self.model:
            self.call["close"](self.model)

    def function(self, name: str, result: Any, arguments: list[Any]) -> Any:
        """One of the shim's C functions."""
        function = getattr(self._library, self._prefix + name)
        function.restype, function.argtypes = result, arguments
        return function

    @staticmethod
    def packed(sizes: Sequence[int]) -> ctypes.Array[Any]:
        """Run-time sizes as the shim takes them."""
        return (ctypes.c_longlong * max(1, len(sizes)))(*sizes)

    def workspace_bytes(self, packed: ctypes.Array[Any]) -> int:
        """Bytes of scratch memory that a call with these sizes needs."""
        return int(self.call["bytes"](packed))

    @contextmanager
    def workspace(self, sizes: Sequence[int]) -> Iterator[Workspace]:
        """A workspace that nobody else has as long as the block runs.

        Raises:
            InferenceError: there is no memory for it.
        """
        try:
            space = self._idle.pop()  # a list's pop and append are atomic: no lock is needed
        except IndexError:
            space = None
        if space is None or space.bytes < self.workspace_bytes(self.packed(sizes)):
            space = None  # dropped before the larger one is made
            space = Workspace(self, sizes)
        if not space.pointer:
            raise InferenceError(f"no memory for a workspace of {space.bytes} bytes")
        try:
            yield space
        finally:
            self._idle.append(space)


def _aligned(data: bytes) -> np.ndarray:
    """A copy of some bytes that begins at a multiple of 64."""
    room = np.empty(len(data) + 64, np.uint8)
    start = -room.ctypes.data % 64
    room[start : start + len(data)] = np.frombuffer(data, np.uint8)
    return room[start : start + len(data)]
