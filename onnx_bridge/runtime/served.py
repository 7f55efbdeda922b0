"""A built header in a process of its own: what that process does."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from onnx_bridge.processes.files import mapped
from onnx_bridge.runtime.fence import fenced
from onnx_bridge.runtime.library import Face, Library


class Header:
    """One header, opened once, then run; see `IsolatedModel`. Inputs, outputs and workspace lie in fenced memory."""

    def __init__(self) -> None:
        self._space: tuple[list[int], np.ndarray, int] | None = None

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """The outputs of a run; with "tap", also every intermediate tensor as (its number, its bytes)."""
        if "open" in message:
            self._face = Face(**message["face"])
            self._library = Library(message["open"], self._face, mapped(message["weights"]), message["body"])
            return {}
        inputs = [_fenced(array) for array in message["inputs"]]
        outputs = [fenced(np.dtype(dtype), shape) for dtype, shape in message["outputs"]]
        space = self._workspace(message["sizes"], message["fill"])
        for index, output in enumerate(outputs):
            if message["fill"] is not None and index not in self._face.text_outputs:  # those are addresses
                output.reshape(-1).view(np.uint8)[...] = message["fill"]
        tapped: list[tuple[int, bytes]] = []
        if message["tap"]:
            callback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)(
                lambda index, data, size: tapped.append((index, ctypes.string_at(data, size) if size else b""))
            )
            self._library.function("tap", None, [ctypes.c_void_p])(ctypes.cast(callback, ctypes.c_void_p))
        ran = self._library.infer(space, self._library.packed(message["sizes"]), inputs, outputs)
        return {"ran": ran, "outputs": outputs, "tapped": tapped}

    def _workspace(self, sizes: list[int], fill: int | None) -> int:
        """A workspace for these sizes, the one of the call before if it had the same; every byte of it is `fill`, if that is a number."""
        if self._space is None or self._space[0] != sizes:
            packed = self._library.packed(sizes)
            memory = fenced(np.dtype(np.uint8), [-(-self._library.workspace_bytes(packed) // 64) * 64])
            pointer = self._library.workspace(packed, memory.ctypes.data)
            if self._space is not None:
                self._library.call["workspace_free"](self._space[2])
            self._space = sizes, memory, pointer
        if fill is not None:
            self._space[1][...] = fill
        return self._space[2]


def _fenced(array: np.ndarray) -> np.ndarray:
    copy = fenced(array.dtype, list(array.shape))
    copy[...] = array
    return copy
