"""What a header takes and gives: arguments checked, run-time sizes told from them, arrays for the outputs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import InferenceError
from onnx_bridge.ir import dims, dtypes
from onnx_bridge.ir.tensor import Tensor


class Signature:
    """The arguments of a header; whoever derives from it runs it."""

    def __init__(self, emitted: Emitted) -> None:
        self._emitted = emitted

    @property
    def input_names(self) -> list[str]:
        return [t.name for t in self._emitted.inputs]

    @property
    def output_names(self) -> list[str]:
        return [t.name for t in self._emitted.outputs]

    def sizes_of(self, feeds: Mapping[str, Any]) -> dict[str, int]:
        """The values of the run-time sizes that these inputs have."""
        return self._checked(feeds)[1]

    def run(self, feeds: Mapping[str, Any]) -> Outputs:
        """The outputs of the model for inputs by name.

        Raises:
            InferenceError: inputs are missing or unknown, or their types or shapes are not the model's.
        """
        arrays, sizes = self._checked(feeds)
        outputs = self._output_arrays(sizes)
        self._infer(arrays, outputs, sizes)
        return self._filled(outputs, sizes)

    def _infer(self, arrays: list[np.ndarray], outputs: list[np.ndarray], sizes: Mapping[str, int]) -> None:
        """Runs the header on checked inputs and fills the outputs."""
        raise NotImplementedError

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
                raise InferenceError(f"input {tensor.name!r} has shape {array.shape}, expected {tensor.type} with {spell(sizes)}")
        return arrays, sizes

    def _output_arrays(self, sizes: Mapping[str, int]) -> list[np.ndarray]:
        for condition in self._emitted.conditions:
            if dims.evaluate(condition, sizes) < 0:
                raise InferenceError(f"the model refuses these inputs: {condition} must not be negative with {spell(sizes)}")
        found = self._emitted.found
        shapes = [
            t.type.shape_at(sizes) if dims.symbols(t.count).isdisjoint(found) else (dims.evaluate(dims.at_most(t.count, found), sizes),)
            for t in self._emitted.outputs
        ]
        arrays = [_room(t, shape) for shape, t in zip(shapes, self._emitted.outputs, strict=True)]
        return [*arrays, np.zeros(len(found), np.int64)] if found else arrays

    def _filled(self, arrays: list[np.ndarray], sizes: Mapping[str, int]) -> Outputs:
        """The outputs of a call, as far as it filled them; behind them is what data decided."""
        found = self._emitted.found
        if not found:
            return Outputs(self.output_names, arrays)
        known = {**sizes, **dict(zip(found, map(int, arrays[-1]), strict=True))}
        shapes = [t.type.shape_at(known) for t in self._emitted.outputs]
        cut = [array.reshape(-1)[: math.prod(shape)].reshape(shape) for array, shape in zip(arrays[:-1], shapes, strict=True)]
        return Outputs(self.output_names, cut)


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


def _room(tensor: Tensor, shape: Sequence[int]) -> np.ndarray:
    """Memory for an output."""
    try:
        return np.empty(shape, tensor.dtype.numpy)
    except (MemoryError, ValueError):  # numpy's for what no address reaches
        raise InferenceError(f"no memory for output {tensor.name!r} of shape {tuple(shape)}") from None


def _array(tensor: Tensor, value: Any) -> np.ndarray:
    array = np.asarray(value)
    wanted = tensor.dtype.numpy
    if tensor.dtype is dtypes.bfloat16 and array.dtype == np.uint16:
        array = array.view(wanted)  # its bits
    if array.dtype != wanted:
        exact = array.dtype.kind in "iub" and wanted.kind in "iu" and (array.size == 0 or np.array_equal(array, array.astype(wanted)))
        from_python = not isinstance(value, (np.ndarray, np.generic)) and np.can_cast(array.dtype, wanted, "same_kind")
        if not (exact or from_python):
            raise InferenceError(f"input {tensor.name!r} is {array.dtype}, expected {tensor.dtype}")
        array = array.astype(wanted)
    if array.ndim != tensor.rank:
        raise InferenceError(f"input {tensor.name!r} has shape {array.shape}, expected {tensor.type}")
    try:
        return np.ascontiguousarray(array).reshape(array.shape)
    except MemoryError:
        raise InferenceError(f"no memory for input {tensor.name!r} of shape {array.shape}, whose elements are not neighbours") from None


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
            for candidate in _candidates(dims.substitute(size, dict(sizes)), symbol, actual):
                if dims.substitute(size, {**sizes, symbol: candidate}) == actual:
                    sizes[symbol] = candidate
                    break
            else:
                raise InferenceError(f"input {tensor.name!r}: no size {symbol} makes axis {axis} ({size}) {actual}")
    missing = [s for s in emitted.symbols if s not in sizes]
    if missing:
        raise InferenceError(f"the sizes {', '.join(missing)} cannot be told from the inputs' shapes")
    return {symbol: sizes[symbol] for symbol in emitted.symbols}


def _candidates(size: dims.Size, symbol: str, actual: int) -> Iterable[int]:
    """Values of a symbol that may make a size what it is."""
    first, second = (dims.evaluate(size, {symbol: value}) for value in (0, 1))
    if dims.is_linear(size) and first != second:
        return [max(0, (actual - first) // (second - first))]
    return range(actual + 2)


def spell(sizes: Mapping[str, int], none: str = "no run-time sizes") -> str:
    """Run-time sizes, for messages; `none` is said where there are none."""
    return ", ".join(f"{name} = {value}" for name, value in sizes.items()) or none
