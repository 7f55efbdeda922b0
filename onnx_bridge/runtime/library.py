"""A built header's C functions, and the model that they opened."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from onnx_bridge.errors import InferenceError, ToolchainError, WeightsError

#: What each function of the shim returns and takes; `calls.hxx` says what they do.
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "open": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]),
    "close": (None, [ctypes.c_void_p]),
    "bytes": (ctypes.c_size_t, [ctypes.c_void_p]),
    "idle": (ctypes.c_int, [ctypes.c_void_p]),
    "run": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p]),
    "time": (ctypes.c_double, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_longlong]),
    "place": (ctypes.c_void_p, [ctypes.c_void_p] * 3),
    "drop": (None, [ctypes.c_void_p]),
    "infer": (ctypes.c_int, [ctypes.c_void_p] * 5),
}


class Library:
    """A built header with its model opened.

    Each run takes a workspace of its own and gives it back, so that as many threads as there are may run it at the same time; there are
    never more workspaces than runs at a time.

    Args:
        path: of the built library.
        name: the model's C++ name.
        weights: the weights file, at a multiple of 64 bytes.
        body: which body runs.

    Attributes:
        model: the opened model, for the shim's functions.
        call: those functions.

    Raises:
        ToolchainError: the library cannot be loaded.
        WeightsError: the weights are not the header's, or the processor cannot run the body.
    """

    def __init__(self, path: str, name: str, weights: np.ndarray, body: int) -> None:
        self.model = None
        self._weights = weights
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

    def address(self, name: str) -> int:
        """Where one of the shim's C functions lies."""
        return int(ctypes.cast(self.call[name], ctypes.c_void_p).value or 0)

    @staticmethod
    def packed(sizes: Sequence[int]) -> ctypes.Array[Any]:
        """Run-time sizes as the shim takes them."""
        return (ctypes.c_longlong * max(1, len(sizes)))(*sizes)

    @staticmethod
    def pointers(arrays: Sequence[np.ndarray]) -> ctypes.Array[Any]:
        """Arrays as the shim takes them."""
        return (ctypes.c_void_p * max(1, len(arrays)))(*(array.ctypes.data for array in arrays))

    def workspace_bytes(self, packed: ctypes.Array[Any]) -> int:
        """Bytes of scratch memory that a run with these sizes needs."""
        return int(self.call["bytes"](packed))

    def run(self, sizes: Sequence[int], arrays: Sequence[np.ndarray], outputs: Sequence[np.ndarray]) -> bool:
        """Fills the outputs; False where the model refuses these inputs.

        Raises:
            InferenceError: there is no memory for a workspace.
        """
        packed = self.packed(sizes)
        needed = self.workspace_bytes(packed)
        outcome = self.call["run"](self.model, packed, needed, self.pointers(arrays), self.pointers(outputs))
        if outcome == _NO_MEMORY:
            raise InferenceError(f"no memory for a workspace of {needed} bytes")
        return bool(outcome == _RAN)

    def time(self, sizes: Sequence[int], arrays: Sequence[np.ndarray], outputs: Sequence[np.ndarray], number: int) -> float:
        """Seconds for `number` runs, one after the other."""
        packed = self.packed(sizes)
        arguments = self.model, packed, self.workspace_bytes(packed), self.pointers(arrays), self.pointers(outputs)
        return float(self.call["time"](*arguments, number))

    def idle(self) -> int:
        """How many workspaces are kept for the next runs."""
        return int(self.call["idle"](self.model))


#: What `run` of the shim comes to.
_RAN, _REFUSED, _NO_MEMORY = 0, 1, 2


def aligned(*parts: bytes) -> np.ndarray:
    """A copy of some bytes, one part behind the other, that begins at a multiple of 64."""
    length = sum(map(len, parts))
    room = np.empty(length + 64, np.uint8)
    at = -room.ctypes.data % 64
    whole = room[at : at + length]
    at = 0
    for part in parts:
        whole[at : at + len(part)] = np.frombuffer(part, np.uint8)
        at += len(part)
    return whole
