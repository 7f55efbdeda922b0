"""The memory that outputs are written to: new, or the caller's, and what a call returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from onnx_bridge.errors import InferenceError
from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import string
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.runtime import dlpack


class Outputs(tuple):  # type: ignore[type-arg]
    """Several outputs: a tuple that can also be asked by name, and has the methods of a mapping."""

    names: tuple[str, ...]

    def __new__(cls, names: Sequence[str], arrays: Sequence[Any]) -> Outputs:
        made = tuple.__new__(cls, arrays)
        made.names = names if type(names) is tuple else tuple(names)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Outputs, (self.names, tuple(self))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self.names:
                raise KeyError(f"no output is called {key!r} (the outputs are {', '.join(map(repr, self.names))})")
            return super().__getitem__(self.names.index(key))
        return super().__getitem__(key)

    def keys(self) -> list[str]:
        return list(self.names)

    def items(self) -> list[tuple[str, Any]]:
        return list(zip(self.names, self, strict=True))


def shape_of_memory(tensor: Tensor, sizes: Mapping[str, int], found: Mapping[str, dims.Size]) -> tuple[int, ...]:
    """The shape of an output; where data decides it, as many elements as it may have at most."""
    if all(dims.symbols(size).isdisjoint(found) for size in (tensor.count, *tensor.shape)):
        return tensor.type.shape_at(sizes)
    return (dims.evaluate(dims.at_most(tensor.count, found), sizes),)


def new(tensor: Tensor, shape: Sequence[int]) -> np.ndarray:
    """Memory for an output.

    Raises:
        InferenceError: there is none.
    """
    try:
        return np.empty(shape, tensor.dtype.numpy)
    except (MemoryError, ValueError):  # numpy's for what no address reaches
        raise InferenceError(f"no memory for output {tensor.name!r} of shape {tuple(shape)}") from None


def by_name(outputs: Sequence[Tensor], out: Any) -> dict[str, Any]:
    """What a caller gave to write outputs to, by name.

    Raises:
        InferenceError: it is for more or other outputs than there are.
    """
    names = [t.name for t in outputs]
    if isinstance(out, Mapping):
        if unknown := [name for name in out if name not in names]:
            raise InferenceError(
                f"out: no output is called {', '.join(map(repr, unknown))} (the outputs are {', '.join(map(repr, names))})"
            )
        return {name: value for name, value in out.items() if value is not None}
    given = list(out) if isinstance(out, (list, tuple)) else [out]
    if len(given) != len(names):
        raise InferenceError(f"out: the model has {len(names)} outputs ({', '.join(names)}), and memory for {len(given)} was given")
    return {name: value for name, value in zip(names, given, strict=True) if value is not None}


def into(tensor: Tensor, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The caller's memory for an output.

    Args:
        tensor: the output.
        value: an array of numpy, or of anybody who lets it be written through DLPack (PyTorch).
        shape: what it must have.

    Raises:
        InferenceError: it is of another type or shape, cannot be written, or its elements are not neighbours.
    """
    if tensor.dtype is string:
        raise InferenceError(f"out: {tensor.name!r} is text, which has no memory of the caller's")
    array = value
    if dlpack.speaks(value):
        try:
            array = dlpack.array(value)
        except Exception as error:
            said = next(iter(str(error).splitlines()), "")
            raise InferenceError(f"out: {tensor.name!r} cannot be written in place ({said}); give an array of numpy") from None
    if not isinstance(array, np.ndarray):
        raise InferenceError(f"out: {tensor.name!r} is a {type(value).__name__}, expected an array of numpy, {tensor.type}")
    if array.dtype != tensor.dtype.numpy or array.shape != shape:
        found = f"{array.dtype} {list(array.shape)}"
        raise InferenceError(f"out: {tensor.name!r} is {found}, expected {tensor.dtype} {list(shape)}")
    if not (array.flags.c_contiguous and array.flags.aligned and array.flags.writeable):
        raise InferenceError(
            f"out: {tensor.name!r} must be writeable, aligned, and its elements neighbours in C order; numpy.empty makes that"
        )
    return array


def check_apart(outputs: Mapping[str, np.ndarray], inputs: Mapping[str, np.ndarray]) -> None:
    """Refuses memory of the caller's that an input or another output shares: the header reads inputs after it has begun to write.

    Raises:
        InferenceError: two of them overlap.
    """
    names = list(outputs)
    for i, name in enumerate(names):
        for what, others in (("input", inputs), ("output", {other: outputs[other] for other in names[:i]})):
            for other, array in others.items():  # of arrays whose elements are neighbours the bounds say all
                if np.may_share_memory(outputs[name], array):
                    raise InferenceError(f"out: {name!r} shares memory with {what} {other!r}; they must not overlap")
