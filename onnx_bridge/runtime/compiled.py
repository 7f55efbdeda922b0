"""A compiled model: the generated header, built, behind numpy arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import InferenceError
from onnx_bridge.ir import dims
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.runtime.library import Library, Workspace
from onnx_bridge.runtime.processor import widest_body
from onnx_bridge.runtime.shim import shim
from onnx_bridge.toolchain import build

#: The bodies of a header that can be asked for, by the number of floats in a vector.
BODIES = {"best": 0, "baseline": 4, "avx2": 8, "avx512": 16}


def compile_emitted(
    emitted: Emitted, *, flags: Sequence[str] = (), compiler: str | None = None, body: str = "best", taps: bool = False
) -> CompiledModel:
    """Builds a header into a library and loads it.

    Raises:
        ToolchainError: no compiler, or it refuses.
    """
    if body not in BODIES:
        raise InferenceError(f"body must be one of {', '.join(BODIES)}, not {body!r}")
    sources = {f"{emitted.name}.hxx": emitted.header, "shim.cpp": shim(emitted, taps)}
    library = build(sources, "shim.cpp", flags=[only(body, compiler), *flags], compiler=compiler)
    return CompiledModel(emitted, str(library), body, flags, compiler, taps)


def only(body: str = "best", compiler: str | None = None) -> str:
    """The compiler's flag for one body of a header: a library for this processor needs no other, and is built three times as fast."""
    return f"-DONNX_BRIDGE_ONLY={BODIES[body] or widest_body(compiler)}"


class CompiledModel:
    """A callable on numpy arrays: `y = net(x)`, `net(name=x)`; one output is an array, several are an `Outputs`.

    A call checks types and shapes, computes the run-time sizes from the shapes, and runs with scratch memory that is
    kept from call to call. Any number of threads may call at the same time; calls do not wait for each other.

    It never changes, so a copy is the same object. It can be pickled: header and weights travel, and where it is unpickled the library
    is taken from the cache of built libraries, or built there, once, for the processor and with the compiler of that machine.
    """

    def __init__(
        self, emitted: Emitted, library: str, body: str, flags: Sequence[str] = (), compiler: str | None = None, taps: bool = False
    ) -> None:
        self._emitted, self._body, self._flags, self._compiler, self._taps = emitted, body, tuple(flags), compiler, taps
        self._library = Library(library, emitted.name, emitted.weights.data, BODIES[body])

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

    @property
    def input_names(self) -> list[str]:
        return [t.name for t in self._emitted.inputs]

    @property
    def output_names(self) -> list[str]:
        return [t.name for t in self._emitted.outputs]

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
        return self.run(self._bound(args, kwargs), _single=True)

    def run(self, feeds: Mapping[str, Any], _single: bool = False) -> Any:
        """Runs the model on inputs by name; see `__call__`. Always returns an `Outputs`."""
        arrays, sizes = self._checked(feeds)
        outputs = self._output_arrays(sizes)
        self._infer(arrays, outputs, sizes)
        if _single and len(outputs) == 1:
            return outputs[0]
        return Outputs(self.output_names, outputs)

    def time(self, feeds: Mapping[str, Any], number: int = 1) -> float:
        """Seconds for `number` calls, looped in native code on buffers made before the loop."""
        arrays, sizes = self._checked(feeds)
        outputs = self._output_arrays(sizes)
        self._infer(arrays, outputs, sizes)
        with self._library.workspace(tuple(sizes.values())) as space:
            return float(self._library.call["time"](*self._arguments(space, arrays, outputs, sizes), number))

    def sizes_of(self, feeds: Mapping[str, Any]) -> dict[str, int]:
        """The values of the run-time sizes that these inputs have."""
        return self._checked(feeds)[1]

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

    # ---- inside

    def _bound(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        names = self.input_names
        if len(args) > len(names):
            raise InferenceError(f"the model has {len(names)} inputs ({', '.join(names)}), got {len(args)}")
        feeds = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name in feeds:
                raise InferenceError(f"input {name!r} was given twice")
            feeds[name] = value
        return feeds

    def _checked(self, feeds: Mapping[str, Any]) -> tuple[list[np.ndarray], dict[str, int]]:
        names = self.input_names
        unknown, missing = [n for n in feeds if n not in names], [n for n in names if n not in feeds]
        if unknown or missing:
            what = [f"no input is called {', '.join(map(repr, unknown))}"] if unknown else []
            what += [f"missing: {', '.join(map(repr, missing))}"] if missing else []
            raise InferenceError(f"{'; '.join(what)} (the inputs are {', '.join(map(repr, names))})")
        arrays = [_array(t, feeds[t.name]) for t in self._emitted.inputs]
        sizes = _solve(self._emitted, arrays)
        for tensor, array in zip(self._emitted.inputs, arrays, strict=True):
            expected = tuple(dims.evaluate(size, sizes) for size in tensor.shape)
            if array.shape != expected:
                raise InferenceError(f"input {tensor.name!r} has shape {array.shape}, expected {tensor.type} with {_spell(sizes)}")
        return arrays, sizes

    def _output_arrays(self, sizes: Mapping[str, int]) -> list[np.ndarray]:
        for condition in self._emitted.conditions:
            if dims.evaluate(condition, sizes) < 0:
                raise InferenceError(f"the model refuses these inputs: {condition} must not be negative with {_spell(sizes)}")
        return [np.empty([dims.evaluate(s, sizes) for s in t.shape], t.dtype.numpy) for t in self._emitted.outputs]

    def _arguments(
        self, space: Workspace, arrays: list[np.ndarray], outputs: list[np.ndarray], sizes: Mapping[str, int]
    ) -> tuple[object, ...]:
        inputs = (ctypes.c_void_p * max(1, len(arrays)))(*(a.ctypes.data for a in arrays))
        results = (ctypes.c_void_p * max(1, len(outputs)))(*(a.ctypes.data for a in outputs))
        return self._library.model, space.pointer, self._library.packed(tuple(sizes.values())), inputs, results

    def _infer(self, arrays: list[np.ndarray], outputs: list[np.ndarray], sizes: Mapping[str, int]) -> None:
        with self._library.workspace(tuple(sizes.values())) as space:
            if not self._library.call["infer"](*self._arguments(space, arrays, outputs, sizes)):
                raise InferenceError(f"the model refuses these inputs with {_spell(sizes)}")


def _rebuilt(emitted: Emitted, body: str, flags: Sequence[str], compiler: str | None, taps: bool) -> CompiledModel:
    """What a pickled model is unpickled by."""
    return compile_emitted(emitted, flags=flags, compiler=compiler, body=body, taps=taps)


class Outputs(tuple):  # type: ignore[type-arg]
    """Several outputs: a tuple that can also be asked by name, and has the methods of a mapping."""

    names: list[str]

    def __new__(cls, names: Sequence[str], arrays: Sequence[np.ndarray]) -> Outputs:
        made = super().__new__(cls, arrays)
        made.names = list(names)
        return made

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self.names:
                raise KeyError(f"no output is called {key!r} (the outputs are {', '.join(map(repr, self.names))})")
            return super().__getitem__(self.names.index(key))
        return super().__getitem__(key)

    def keys(self) -> list[str]:
        return self.names

    def items(self) -> list[tuple[str, np.ndarray]]:
        return list(zip(self.names, self, strict=True))


def _array(tensor: Tensor, value: Any) -> np.ndarray:
    array = np.asarray(value)
    wanted = tensor.dtype.numpy
    if array.dtype != wanted:
        exact = array.dtype.kind in "iub" and wanted.kind in "iu" and (array.size == 0 or np.array_equal(array, array.astype(wanted)))
        from_python = not isinstance(value, (np.ndarray, np.generic)) and np.can_cast(array.dtype, wanted, "same_kind")
        if not (exact or from_python):
            raise InferenceError(f"input {tensor.name!r} is {array.dtype}, expected {tensor.dtype}")
        array = array.astype(wanted)
    if array.ndim != tensor.rank:
        raise InferenceError(f"input {tensor.name!r} has shape {array.shape}, expected {tensor.type}")
    return np.ascontiguousarray(array).reshape(array.shape)


def _solve(emitted: Emitted, arrays: list[np.ndarray]) -> dict[str, int]:
    """The values of all symbols: from dims that are a lone symbol, then from linear expressions of one symbol, then from input values."""
    sizes: dict[str, int] = {}
    by_name = {t.name: a for t, a in zip(emitted.inputs, arrays, strict=True)}
    for symbol, source in emitted.symbol_inputs.items():
        sizes[symbol] = int(by_name[source].reshape(-1)[0])
        if sizes[symbol] < 0:
            raise InferenceError(f"input {source!r} is a size, but {sizes[symbol]} was given")
    pending = [(t, axis, size, a.shape[axis]) for t, a in zip(emitted.inputs, arrays, strict=True) for axis, size in enumerate(t.shape)]
    for lone in (True, False):
        for tensor, axis, size, actual in pending:
            open_symbols = dims.symbols(size) - sizes.keys()
            if len(open_symbols) != 1 or (lone and size != dims.symbol(*open_symbols)):
                continue
            (symbol,) = open_symbols
            for candidate in range(actual + 2) if not lone else [actual]:
                if dims.substitute(size, {**sizes, symbol: candidate}) == actual:
                    sizes[symbol] = candidate
                    break
            else:
                raise InferenceError(f"input {tensor.name!r}: no size {symbol} makes axis {axis} ({size}) {actual}")
    missing = [s for s in emitted.symbols if s not in sizes]
    if missing:
        raise InferenceError(f"the sizes {', '.join(missing)} cannot be told from the inputs' shapes")
    return {symbol: sizes[symbol] for symbol in emitted.symbols}


def _spell(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in sizes.items()) or "no run-time sizes"
