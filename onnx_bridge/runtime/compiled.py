"""A compiled model: the generated header, built, behind numpy arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import InferenceError
from onnx_bridge.runtime.callers import caller_for, quicken
from onnx_bridge.runtime.library import Face, Library, aligned
from onnx_bridge.runtime.outputs import Outputs, by_name
from onnx_bridge.runtime.processor import BEST, BODIES, NUMBERS, best_body
from onnx_bridge.runtime.signature import Signature
from onnx_bridge.runtime.sizes import spell
from onnx_bridge.runtime.sources import MAIN, has_text, sources
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
    flag = only(body, compiler, emitted.bodies)
    return str(build(sources(emitted, taps=taps), MAIN, flags=[flag, *flags], compiler=compiler))


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

    A call checks types and shapes, computes the run-time sizes from the shapes, and runs with scratch memory that is kept from call to
    call; what was found for some shapes is kept, so that the next call with such inputs costs little more than the network. Any number of
    threads may call at the same time; calls do not wait for each other, and long ones let other threads of Python run.

    It never changes, so a copy is the same object. It can be pickled: header and weights travel, and where it is unpickled the library
    is taken from the cache of built libraries, or built there, once, for the processor and with the compiler of that machine.
    """

    def __init__(
        self, emitted: Emitted, library: str, body: str, flags: Sequence[str] = (), compiler: str | None = None, taps: bool = False
    ) -> None:
        super().__init__(emitted)
        self._body, self._flags, self._compiler, self._taps = body, tuple(flags), compiler, taps
        self._library = Library(library, Face.of(emitted), aligned(emitted.weights.head, emitted.weights.payload), NUMBERS.get(body, BEST))
        self._caller = caller_for(self._library, emitted, compiler)
        quicken(CompiledModel, compiler)

    def __repr__(self) -> str:
        ends = [", ".join(f"{t.name}: {t.type}" for t in tensors) for tensors in (self._emitted.inputs, self._emitted.outputs)]
        return f"<CompiledModel {self._emitted.name}({ends[0]}) -> {ends[1]}>"

    def __copy__(self) -> CompiledModel:
        return self

    def __deepcopy__(self, memo: object) -> CompiledModel:
        return self

    @property
    def emitted(self) -> Emitted:
        """The header and the weights that this was built from."""
        return self._emitted

    @cached_property
    def _jitted(self) -> Any:
        """What stands for it in functions that numba compiles, made when one of them is met."""
        from onnx_bridge.runtime.in_numba import jitted

        return jitted(self)

    @property
    def _numba_type_(self) -> Any:
        """What numba asks an object for that it meets in a function."""
        return self._jitted._numba_type_

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self._emitted.for_calls(), self._body, self._flags, self._compiler, self._taps)

    def __dask_tokenize__(self) -> tuple[object, ...]:
        """What Dask names the results of calls by: the same for the same header and weights."""
        weights = self._emitted.weights
        return "onnx_bridge", self._emitted.header, weights.header_hash, weights.payload_hash, self._body, self._flags

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the model.

        Args:
            *args: inputs in the model's order: arrays of numpy, of anybody who speaks DLPack (PyTorch, JAX), numbers, lists of them.
            **kwargs: inputs by name; and `out`, `cast`, as `run` has them, unless an input is called so.

        Returns:
            The output's array, or an `Outputs` (a tuple that can also be asked by name) of several.

        Raises:
            InferenceError: inputs are missing or unknown, or their types or shapes are not the model's.
        """
        caller = self._caller
        if caller is not None and (answer := caller(*args, **kwargs)) is not None:
            return answer
        options = {name: kwargs.pop(name) for name in ("out", "cast") if name in kwargs and name not in self.input_names}
        outputs = self._checked_run(self._bound(args, kwargs), **options)
        return outputs[0] if len(outputs) == 1 else outputs

    def run(self, feeds: Mapping[str, Any], *, out: Any = None, cast: bool = False) -> Outputs:
        """The outputs of the model for inputs by name.

        Args:
            feeds: what `__call__` takes, by name.
            out: arrays that the outputs are written to and that are returned: one, as many as there are outputs, or some by name.
            cast: round inputs of another type to the model's, such as doubles to float32, instead of refusing them.

        Raises:
            InferenceError: inputs are missing or unknown, or their types or shapes are not the model's; or `out` is of another type or
                shape than the outputs, is not contiguous, or shares memory with an input.
        """
        answer: Outputs | None = None if self._caller is None else self._caller.run(feeds, out)
        return self._checked_run(feeds, out, cast) if answer is None else answer

    def _checked_run(self, feeds: Mapping[str, Any], out: Any = None, cast: bool = False) -> Outputs:
        """`run`, all of it checked."""
        arrays = self._arrays(feeds, cast)
        if self._caller is not None:
            named = {t.name: array for t, array in zip(self._emitted.inputs, arrays, strict=True)}
            answer: Outputs | None = self._caller.run(named, out)
            if answer is None:  # unless what was wanting was plain arrays
                plan = self._plan(arrays)
                sizes = tuple(plan.sizes.values())
                self._caller.learn(tuple(arrays), sizes, self._workspace(plan.sizes), plan.memory)
                answer = self._caller.run(named, out)
            if answer is not None:
                return answer
        _, outputs, plan = self._with_room(arrays, self._infer, out)
        filled = self._filled(outputs, plan.sizes)
        if out is None or self._emitted.found or has_text(self._emitted) or self._emitted.output_groups:
            return filled
        given = by_name(self._emitted.outputs, out)
        return Outputs(self.output_names, [given.get(name, array) for name, array in filled.items()])

    def time(self, feeds: Mapping[str, Any], number: int = 1) -> float:
        """Seconds for `number` calls, looped in native code on buffers made before the loop."""
        arrays = self._arrays(feeds)

        def timed(handed: list[np.ndarray], outputs: list[np.ndarray], sizes: Mapping[str, int]) -> float:
            self._infer(handed, outputs, sizes)
            return self._library.time(tuple(sizes.values()), handed, outputs, number)

        return self._with_room(arrays, timed)[0]

    def workspace_bytes(self, feeds: Mapping[str, Any]) -> int:
        """Bytes of scratch memory that a call on these inputs needs."""
        return self._workspace(self.sizes_of(feeds))

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
            self._checked_run(feeds)
        finally:
            set_tap(None)
        return found

    def _workspace(self, sizes: Mapping[str, int]) -> int:
        return self._library.workspace_bytes(self._library.packed(tuple(sizes.values())))

    def _infer(self, arrays: list[np.ndarray], outputs: list[np.ndarray], sizes: Mapping[str, int]) -> None:
        if not self._library.run(tuple(sizes.values()), arrays, outputs):
            raise InferenceError(f"the model refuses these inputs with {spell(sizes)}")


def _rebuilt(emitted: Emitted, body: str, flags: Sequence[str], compiler: str | None, taps: bool) -> CompiledModel:
    """What a pickled model is unpickled by."""
    return compile_emitted(emitted, flags=flags, compiler=compiler, body=body, taps=taps)
