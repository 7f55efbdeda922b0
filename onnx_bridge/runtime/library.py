"""A built header behind its C face, with the model opened."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from onnx_bridge.emit.c_face import STATUS
from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import InferenceError, ToolchainError, WeightsError
from onnx_bridge.ir.dtypes import string
from onnx_bridge.runtime import texts
from onnx_bridge.toolchain import build

#: What functions of the face return.
OK, NO_MEMORY = (next(number for number, (word, _) in enumerate(STATUS) if word == status) for status in ("OK", "NO_MEMORY"))

#: A workspace: the bytes of scratch memory that it has, and where it lies.
Space = tuple[int, int]

_POINTER, _SIZE = ctypes.c_void_p, ctypes.c_size_t
_OPEN = [ctypes.c_int, ctypes.POINTER(ctypes.c_void_p), ctypes.c_char_p, _SIZE]
#: What each function of the face returns and takes; NAME.h says what they do. Of the first two a library has the one that is needed.
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "open": (ctypes.c_int, [ctypes.c_char_p, *_OPEN]),
    "open_memory": (ctypes.c_int, [_POINTER, _SIZE, *_OPEN]),
    "close": (None, [_POINTER]),
    "workspace_bytes": (_SIZE, [_POINTER]),
    "workspace_new": (ctypes.c_int, [_POINTER, _POINTER, _POINTER, ctypes.POINTER(ctypes.c_void_p)]),
    "workspace_free": (None, [_POINTER]),
    "infer_arrays": (ctypes.c_int, [_POINTER] * 5),
}

#: Workspaces that are kept for the next calls, at most.
_KEPT = 64


@dataclass(frozen=True)
class Face:
    """What must be known of a header to call its C face.

    Attributes:
        name: the model's C++ name.
        no_weights: whether there are none.
        text_inputs, text_outputs: which of its inputs and outputs are strings.
        found: how many sizes data decides.
    """

    name: str
    no_weights: bool
    text_inputs: tuple[int, ...]
    text_outputs: tuple[int, ...]
    found: int

    @classmethod
    def of(cls, emitted: Emitted) -> Face:
        """That of a header."""
        inputs, outputs = (tuple(i for i, t in enumerate(ends) if t.dtype is string) for ends in (emitted.inputs, emitted.outputs))
        return cls(emitted.name, not emitted.weights.payload_bytes, inputs, outputs, len(emitted.found))


class Library:
    """A built header with its model opened.

    Each run takes a workspace of its own and gives it back, so that as many threads as there are may run it at the same time; there are
    never more workspaces than runs at a time.

    Args:
        path: of the built library.
        face: what it is called, and takes.
        weights: the weights file, at a multiple of 64 bytes.
        body: which body runs.

    Attributes:
        model: the opened model, for the face's functions.
        call: those functions.

    Raises:
        ToolchainError: the library cannot be loaded.
        WeightsError: the weights are not the header's, or the processor cannot run the body.
    """

    def __init__(self, path: str, face: Face, weights: np.ndarray, body: int) -> None:
        self.model = None
        self._weights, self._face = weights, face
        self._idle: list[Space] = []
        try:
            self._library = ctypes.CDLL(path)
        except OSError as error:
            raise ToolchainError(f"cannot load {path}: {error}") from None
        unneeded = "open_memory" if face.no_weights else "open"
        self.call = {name: self.function(name, *signature) for name, signature in _FUNCTIONS.items() if name != unneeded}
        message, model = ctypes.create_string_buffer(1024), ctypes.c_void_p()
        rest = body, ctypes.byref(model), message, len(message)
        given = () if face.no_weights else (weights.ctypes.data, weights.nbytes)
        status = self.call["open_memory"](*given, *rest) if given else self.call["open"](None, *rest)
        if status != OK:
            raise WeightsError(message.value.decode("utf-8", "replace") or STATUS[status][1])
        self.model = model.value

    def __del__(self) -> None:
        if self.model:
            for _, space in self._idle:
                self.call["workspace_free"](space)
            self.call["close"](self.model)

    def function(self, name: str, result: Any, arguments: list[Any]) -> Any:
        """One of the library's C functions."""
        function = getattr(self._library, f"{self._face.name}_{name}")
        function.restype, function.argtypes = result, arguments
        return function

    def address(self, name: str) -> int:
        """Where one of the face's functions lies."""
        return int(ctypes.cast(self.call[name], ctypes.c_void_p).value or 0)

    @staticmethod
    def packed(sizes: Sequence[int]) -> ctypes.Array[Any]:
        """Run-time sizes as the face takes them."""
        return (ctypes.c_int64 * max(1, len(sizes)))(*sizes)

    @staticmethod
    def pointers(arrays: Sequence[np.ndarray]) -> ctypes.Array[Any]:
        """Arrays as the face takes them."""
        return (ctypes.c_void_p * max(1, len(arrays)))(*(array.ctypes.data for array in arrays))

    def workspace_bytes(self, packed: ctypes.Array[Any]) -> int:
        """Bytes of scratch memory that a run with these sizes needs."""
        return int(self.call["workspace_bytes"](packed))

    def workspace(self, packed: ctypes.Array[Any], memory: int | None = None) -> int:
        """A workspace for these sizes, in the memory at an address if one is given.

        Raises:
            InferenceError: there is no memory for it.
        """
        made = ctypes.c_void_p()
        if self.call["workspace_new"](self.model, packed, memory, ctypes.byref(made)) != OK or made.value is None:
            raise InferenceError(f"no memory for a workspace of {self.workspace_bytes(packed)} bytes")
        return made.value

    def take(self, packed: ctypes.Array[Any], needed: int) -> Space:
        """A workspace of at least so many bytes for a run with these sizes, to be given back.

        Raises:
            InferenceError: there is no memory for it.
        """
        try:
            space = self._idle.pop()  # which is atomic, as append is
        except IndexError:
            return needed, self.workspace(packed)
        if space[0] >= needed:
            return space
        self.call["workspace_free"](space[1])  # before the larger one is made
        return needed, self.workspace(packed)

    def give(self, space: Space) -> None:
        """Gives a workspace back."""
        if len(self._idle) < _KEPT:
            self._idle.append(space)
        else:
            self.call["workspace_free"](space[1])

    def run(self, sizes: Sequence[int], arrays: Sequence[np.ndarray], outputs: list[np.ndarray]) -> bool:
        """Fills the outputs, see `infer`; False where the model refuses these inputs.

        Raises:
            InferenceError: there is no memory for a workspace.
        """
        packed = self.packed(sizes)
        space = self.take(packed, self.workspace_bytes(packed))
        try:
            return self.infer(space[1], packed, arrays, outputs)
        finally:
            self.give(space)

    def infer(self, space: int, packed: ctypes.Array[Any], arrays: Sequence[np.ndarray], outputs: list[np.ndarray]) -> bool:
        """Fills the outputs in a workspace; what data decided is the last of them. Strings are as `texts.packed` has them.

        Raises:
            InferenceError: there is no memory for views of strings.
        """
        views = self._handed(arrays)
        status = self.call["infer_arrays"](self.model, space, packed, self.pointers(views), self.pointers(outputs))
        if status == NO_MEMORY:
            raise InferenceError("no memory for views of strings")
        if self._face.found:
            self.function("found", None, [ctypes.c_void_p] * 2)(space, outputs[-1].ctypes.data)
        for index in self._face.text_outputs if status == OK else ():
            outputs[index] = texts.gathered(outputs[index])
        return bool(status == OK)

    def time(self, sizes: Sequence[int], arrays: Sequence[np.ndarray], outputs: Sequence[np.ndarray], number: int) -> float:
        """Seconds for `number` runs, one after the other; outputs as a run has left them."""
        text = self._face.text_outputs
        rooms = [texts.room((texts.count(output),)) if index in text else output for index, output in enumerate(outputs)]
        packed, views = self.packed(sizes), self._handed(arrays)
        space = self.take(packed, self.workspace_bytes(packed))
        try:
            arguments = self.model, space[1], packed, self.pointers(views), self.pointers(rooms)
            return float(_timing()(self.address("infer_arrays"), *arguments, number))
        finally:
            self.give(space)

    def idle(self) -> int:
        """How many workspaces are kept for the next runs."""
        return len(self._idle)

    def _handed(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Inputs as the face takes them."""
        return [texts.views(array) if index in self._face.text_inputs else array for index, array in enumerate(arrays)]


@cache
def _timing() -> Any:
    """The function of timing.cpp, built once."""
    text = (Path(__file__).parent / "timing.cpp").read_text(encoding="ascii")
    function = ctypes.CDLL(str(build({"timing.cpp": text}, "timing.cpp"))).seconds_of_calls
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_void_p] * 6 + [ctypes.c_longlong]
    return function


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
