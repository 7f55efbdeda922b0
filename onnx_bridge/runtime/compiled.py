"""A compiled model: the generated header, built, behind numpy arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import InferenceError
from onnx_bridge.runtime.library import Library, Workspace
from onnx_bridge.runtime.processor import BEST, BODIES, NUMBERS, best_body
from onnx_bridge.runtime.shim import shim
from onnx_bridge.runtime.signature import Signature, spell
from onnx_bridge.toolchain import build


def compile_emitted(
    emitted: Emitted, *, flags: Sequence[str] = (), compiler: str | None = None, body: str = "best", taps: bool = False
) -> CompiledModel:
    """Builds a header into a library and loads it.

    Raises:
        ToolchainError: no compiler, or it refuses.
    """
    return CompiledModel(emitted, built(emitted, flags, compiler, body, taps), body, flags, compiler, taps)


def built(emitted: Emitted, flags: Sequence[str] = (), compiler: str | None = None, body: str = "best", taps: bool = False) -> str:
    """Builds a header into a library, and returns its path.

    Raises:
        ToolchainError: no compiler, or it refuses.
    """
    sources = {f"{emitted.name}.hxx": emitted.header, "shim.cpp": shim(emitted, taps)}
    return str(build(sources, "shim.cpp", flags=[only(body, compiler, emitted.bodies), *flags], compiler=compiler))


def only(body: str = "best", compiler: str | None = None, bodies: Sequence[str] = BODIES) -> str:
    """The compiler's flag for one body of a header: a library for this processor needs no other, and is built three times as fast.

    Args:
        body: the name of a body, or "best".
        compiler: what finds out what the processor can run.
        bodies: those that the header has, the best first.

    Raises:
        InferenceError: the header has no such body.
        ToolchainError: no compiler, or it refuses.
    """
    if body not in ("best", *bodies):
        raise InferenceError(f"body must be one of {', '.join(['best', *reversed(bodies)])}, not {body!r}")
    return f"-DONNX_BRIDGE_ONLY={NUMBERS[best_body(bodies, compiler) if body == 'best' else body]}"


class CompiledModel(Signature):
    """A callable on numpy arrays: `y = net(x)`, `net(name=x)`; one output is an array, several are an `Outputs`.

    A call checks types and shapes, computes the run-time sizes from the shapes, and runs with scratch memory that is
    kept from call to call. Any number of threads may call at the same time; calls do not wait for each other.

    It never changes, so a copy is the same object. It can be pickled: header and weights travel, and where it is unpickled the library
    is taken from the cache of built libraries, or built there, once, for the processor and with the compiler of that machine.
    """

    def __init__(
        self, emitted: Emitted, library: str, body: str, flags: Sequence[str] = (), compiler: str | None = None, taps: bool = False
    ) -> None:
        super().__init__(emitted)
        self._body, self._flags, self._compiler, self._taps = body, tuple(flags), compiler, taps
        self._library = Library(library, emitted.name, emitted.weights.data, NUMBERS.get(body, BEST))

    def __repr__(self) -> str:
        ends = [", ".join(f"{t.name}: {t.type}" for t in tensors) for tensors in (self._emitted.inputs, self._emitted.outputs)]
        return f"<CompiledModel {self._emitted.name}({ends[0]}) -> {ends[1]}>"

    def __copy__(self) -> CompiledModel:
        return self

    def __deepcopy__(self, memo: object) -> CompiledModel:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self._emitted.for_calls(), self._body, self._flags, self._compiler, self._taps)

    def __dask_tokenize__(self) -> tuple[object, ...]:
        """What Dask names the results of calls by: the same for the same header and weights."""
        weights = self._emitted.weights
        return "onnx_bridge", self._emitted.header, weights.header_hash, weights.payload_hash, self._body, self._flags

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the model.

        Args:
            *args: inputs in the model's order.
            **kwargs: inputs by name.

        Returns:
            The output's array, or an `Outputs` (a tuple that can also be asked by name) of several.

        Raises:
            InferenceError: inputs are missing or unknown, or their types or shapes are not the model's.
        """
        outputs = self.run(self._bound(args, kwargs))
        return outputs[0] if len(outputs) == 1 else outputs

    def time(self, feeds: Mapping[str, Any], number: int = 1) -> float:
        """Seconds for `number` calls, looped in native code on buffers made before the loop."""
        arrays, sizes = self._checked(feeds)
        outputs = self._output_arrays(sizes)
        self._infer(arrays, outputs, sizes)
        with self._library.workspace(tuple(sizes.values())) as space:
            return float(self._library.call["time"](*self._arguments(space, arrays, outputs, sizes), number))

    def workspace_bytes(self, feeds: Mapping[str, Any]) -> int:
        """Bytes of scratch memory that a call on these inputs needs."""
        _, sizes = self._checked(feeds)
        return self._library.workspace_bytes(self._library.packed(tuple(sizes.values())))

    def tapped(self, feeds: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Every intermediate tensor of a call, in order, as it lies in memory (flat); only for headers made with `taps`."""
        found: dict[str, np.ndarray] = {}

        def tap(index: int, data: int, size: int) -> None:
            tensor = self._emitted.tapped[index]
            raw = ctypes.string_at(data, size) if size else b""
            found[tensor.name] = np.frombuffer(raw, tensor.dtype.numpy).copy()

        callback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)(tap)
        set_tap = self._library.function("tap", None, [ctypes.c_void_p])
        set_tap(ctypes.cast(callback, ctypes.c_void_p))
        try:
            self.run(feeds)
        finally:
            set_tap(None)
        return found

    def _arguments(
        self, space: Workspace, arrays: list[np.ndarray], outputs: list[np.ndarray], sizes: Mapping[str, int]
    ) -> tuple[object, ...]:
        inputs = (ctypes.c_void_p * max(1, len(arrays)))(*(a.ctypes.data for a in arrays))
        results = (ctypes.c_void_p * max(1, len(outputs)))(*(a.ctypes.data for a in outputs))
        return self._library.model, space.pointer, self._library.packed(tuple(sizes.values())), inputs, results

    def _infer(self, arrays: list[np.ndarray], outputs: list[np.ndarray], sizes: Mapping[str, int]) -> None:
        with self._library.workspace(tuple(sizes.values())) as space:
            if not self._library.call["infer"](*self._arguments(space, arrays, outputs, sizes)):
                raise InferenceError(f"the model refuses these inputs with {spell(sizes)}")


def _rebuilt(emitted: Emitted, body: str, flags: Sequence[str], compiler: str | None, taps: bool) -> CompiledModel:
    """What a pickled model is unpickled by."""
    return compile_emitted(emitted, flags=flags, compiler=compiler, body=body, taps=taps)
