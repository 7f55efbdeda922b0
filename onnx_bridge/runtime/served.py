"""A built header in a process of its own: what that process does."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from onnx_bridge.processes.files import mapped
from onnx_bridge.runtime.fence import fenced
from onnx_bridge.runtime.library import Library


class Header:
    """One header, opened once, then run; see `IsolatedModel`. Inputs, outputs and workspace lie in fenced memory."""

    def __init__(self) -> None:
        self._space: tuple[list[int], np.ndarray, int] | None = None

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """The outputs of a run; with "tap", also every intermediate tensor as (its number, its bytes)."""
        if "open" in message:
            self._library = Library(message["open"], message["name"], mapped(message["weights"]), message["body"])
            return {}
        inputs = [_fenced(array) for array in message["inputs"]]
        outputs = [fenced(np.dtype(dtype), shape) for dtype, shape in message["outputs"]]
        space = self._workspace(message["sizes"], message["fill"])
        for output, room in zip(outputs, message["texts"], strict=True):
            if room is not None:
                output[...] = room  # how much there is
            elif message["fill"] is not None:
                output.reshape(-1).view(np.uint8)[...] = message["fill"]
        tapped: list[tuple[int, bytes]] = []
        if message["tap"]:
            callback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)(
                lambda index, data, size: tapped.append((index, ctypes.string_at(data, size) if size else b""))
            )
            self._library.function("tap", None, [ctypes.c_void_p])(ctypes.cast(callback, ctypes.c_void_p))
        ends = self._library.pointers(inputs), self._library.pointers(outputs)
        ran = bool(self._library.call["infer"](self._library.model, space, self._library.packed(message["sizes"]), *ends))
        return {"ran": ran, "outputs": outputs, "tapped": tapped}

    def _workspace(self, sizes: list[int], fill: int | None) -> int:
        """A workspace for these sizes, the one of the call before if it had the same; every byte of it is `fill`, if that is a number."""
        if self._space is None or self._space[0] != sizes:
            packed = self._library.packed(sizes)
            memory = fenced(np.dtype(np.uint8), [-(-self._library.workspace_bytes(packed) // 64) * 64])
            pointer = self._library.call["place"](self._library.model, packed, memory.ctypes.data)
            if self._space is not None:
                self._library.call["drop"](self._space[2])
            self._space = sizes, memory, pointer
        if fill is not None:
            self._space[1][...] = fill
        return self._space[2]


def _fenced(array: np.ndarray) -> np.ndarray:
    copy = fenced(array.dtype, list(array.shape))
    copy[...] = array
    return copy
