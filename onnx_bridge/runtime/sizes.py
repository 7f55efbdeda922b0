"""Run-time sizes, told from the shapes and values of a call's inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import InferenceError
from onnx_bridge.ir import dims
from onnx_bridge.ir.tensor import PARTS


def solve(emitted: Emitted, arrays: Sequence[np.ndarray], bounds: Mapping[str, int]) -> dict[str, int]:
    """The values of all run-time sizes, in the header's order: what the shapes of the inputs say, and the values of those that are sizes.

    Args:
        emitted: the header.
        arrays: the inputs.
        bounds: the sizes that no input tells: how much room there is.

    Raises:
        InferenceError: no sizes give the inputs these shapes.
    """
    sizes = _told(emitted, arrays, bounds)
    for tensor, array in zip(emitted.inputs, arrays, strict=True):
        expected = tuple(dims.evaluate(size, sizes) for size in tensor.shape)
        if array.shape != expected:
            raise InferenceError(f"input {tensor.name!r} has shape {array.shape}, expected {tensor.type} with {spell(sizes)}")
    return sizes


def check_conditions(emitted: Emitted, sizes: Mapping[str, int]) -> None:
    """Refuses sizes that the header refuses.

    Raises:
        InferenceError: with the condition that does not hold.
    """
    for condition in emitted.conditions:
        if dims.evaluate(condition, sizes) < 0:
            raise InferenceError(f"the model refuses these inputs: {condition} must not be negative with {spell(sizes)}")


def spell(sizes: Mapping[str, int], none: str = "no run-time sizes") -> str:
    """Run-time sizes, for messages; `none` is said where there are none."""
    return ", ".join(f"{name} = {value}" for name, value in sizes.items()) or none


def _told(emitted: Emitted, arrays: Sequence[np.ndarray], bounds: Mapping[str, int]) -> dict[str, int]:
    """The values of all symbols: from dims that are a lone symbol, then from linear expressions of one symbol, then from input values."""
    sizes = dict(bounds)
    by_name = {t.name: a for t, a in zip(emitted.inputs, arrays, strict=True)}
    for symbol, value in emitted.symbol_inputs.items():
        given = by_name[value.source].reshape(-1)
        if value.index >= given.size:
            raise InferenceError(f"input {value.source!r} has shape {by_name[value.source].shape}, more elements are expected")
        number = given[value.index]
        if value.is_float and not np.isfinite(number):
            raise InferenceError(f"input {value.source!r} decides a size, but {number} was given")
        sizes[symbol] = round(float(number) * PARTS) if value.is_float else int(number)
        if sizes[symbol] < 0 and not value.signed:
            raise InferenceError(f"input {value.source!r} is a size, but {sizes[symbol]} was given")
    pending = [(t, axis, size, a.shape[axis]) for t, a in zip(emitted.inputs, arrays, strict=True) for axis, size in enumerate(t.shape)]
    for lone in (True, False):
        for tensor, axis, size, actual in pending:
            open_symbols = dims.symbols(size) - sizes.keys()
            if len(open_symbols) != 1 or (lone and size != dims.symbol(next(iter(open_symbols)))):
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
