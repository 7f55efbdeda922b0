"""What a caller gives for an input, as an array that a header can read: its type and rank checked, its elements neighbours in memory."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from onnx_bridge.errors import InferenceError
from onnx_bridge.ir import dtypes
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.runtime import dlpack
from onnx_bridge.runtime.texts import text_array


def array_of(tensor: Tensor, value: Any, cast: bool = False) -> np.ndarray:
    """The array for an input.

    Args:
        tensor: the input.
        value: an array of numpy, of anybody who speaks DLPack (PyTorch, JAX, CuPy in the host's memory), a capsule of it, what has the
            buffer protocol, numbers, or lists of them. Memory is copied only where its elements are not neighbours, in order and aligned.
        cast: whether another type may be rounded to the input's: doubles, halves and integers to float32, for one. Integers never change
            their values, neither with it nor without.

    Raises:
        InferenceError: it has another type or rank, or lies on another device.
    """
    if tensor.dtype is dtypes.string:
        return text_array(tensor, value)
    wanted = tensor.dtype.numpy
    if type(value) is np.ndarray and _is_plain(value, tensor):
        return value
    array = _seen(tensor, value)
    if type(array) is np.ndarray and _is_plain(array, tensor):
        return array
    if tensor.dtype == dtypes.bfloat16 and array.dtype == np.uint16:
        array = array.view(wanted)  # its bits
    elif tensor.dtype.is_narrow and array.dtype in (np.uint8, np.int8):
        array = array.view(wanted)  # its codes
    if array.dtype != wanted:
        array = _converted(tensor, value, array, cast)
    if array.ndim != tensor.rank:
        raise InferenceError(f"input {tensor.name!r} has shape {array.shape}, expected {tensor.type}")
    try:
        return np.require(array, wanted, ("C", "A", "E")).reshape(array.shape)
    except MemoryError:
        raise InferenceError(f"no memory for input {tensor.name!r} of shape {array.shape}, whose elements are not neighbours") from None


def _is_plain(array: np.ndarray, tensor: Tensor) -> bool:
    """Whether there is nothing to do, nor to say: it is of the type and rank, and its elements are neighbours, in order."""
    flags = array.flags
    return array.dtype == tensor.dtype.numpy and array.ndim == tensor.rank and flags.c_contiguous and flags.aligned


def _seen(tensor: Tensor, value: Any) -> np.ndarray:
    """The value as an array of numpy, on the same memory where it has any.

    Raises:
        InferenceError: it is none, lies on another device, or its owner refuses.
    """
    if not dlpack.speaks(value):
        try:
            return np.asarray(value)
        except (TypeError, ValueError) as error:
            said = next(iter(str(error).splitlines()), "")
            advice = "; onnx_bridge.engines.jagged takes jagged arrays" if type(value).__module__.startswith("awkward") else ""
            raise InferenceError(f"input {tensor.name!r} is a {_kind(value)} that is no array of {tensor.type} ({said}){advice}") from None
    try:
        return dlpack.array(value)
    except Exception as error:  # memory that is elsewhere or to be copied first
        return _copied(tensor, value, error)


def _copied(tensor: Tensor, value: Any, refusal: Exception) -> np.ndarray:
    """The value, which numpy refuses to read in place, as its owner makes an array of it.

    Raises:
        InferenceError: it lies on another device, or its owner refuses, too.
    """
    device = dlpack.HERE[0]
    with suppress(Exception):
        device = dlpack.device_of(value)
    if device not in dlpack.HERE:
        where = f"on another device (DLPack's number {device})"
        raise InferenceError(f"input {tensor.name!r} is a {_kind(value)} {where}: copy it to the CPU first")
    try:
        if hasattr(type(value), "__dlpack__"):  # a capsule has no owner to ask
            return np.asarray(value)
        raise refusal
    except Exception:
        said = next(iter(str(refusal).splitlines()), "")
        advice = "detach it, or give it as an array of numpy"
        raise InferenceError(f"input {tensor.name!r} is a {_kind(value)} that cannot be read in place ({said}): {advice}") from None


def _kind(value: Any) -> str:
    return f"{type(value).__module__.partition('.')[0]} {type(value).__name__}"


def _converted(tensor: Tensor, value: Any, array: np.ndarray, cast: bool) -> np.ndarray:
    """The array in the input's type, where that is exact or asked for."""
    wanted = tensor.dtype.numpy
    if array.dtype.kind in "iub" and wanted.kind in "iu":
        with np.errstate(all="ignore"):
            exact = array.astype(wanted)
        if np.array_equal(array, exact):
            return exact
        raise InferenceError(f"input {tensor.name!r} is {array.dtype}, expected {tensor.dtype}, and holds values that are none of it")
    numbers = (array.dtype.kind in "iubf" or array.dtype == dtypes.bfloat16.numpy) and tensor.dtype.is_float
    from_python = not isinstance(value, (np.ndarray, np.generic)) and not dlpack.speaks(value)
    if not numbers or not (cast or from_python):
        advice = f"; give it as {tensor.dtype}, or call with cast=True to have it rounded" if numbers else ""
        raise InferenceError(f"input {tensor.name!r} is {array.dtype}, expected {tensor.dtype}{advice}")
    with np.errstate(all="ignore"):
        rounded = array.astype(wanted)
    if not from_python and bool(np.any(np.isinf(rounded) & np.isfinite(array))):
        raise InferenceError(f"input {tensor.name!r} is {array.dtype} and holds values beyond {tensor.dtype}")
    return rounded
