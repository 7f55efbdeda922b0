"""Example inputs of whatever framework as numpy arrays: what one process hands to another, and one framework takes from another."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from onnx_bridge.errors import ArgumentError
from onnx_bridge.processes.messages import short_float

#: What stays as it is: arguments that are no arrays.
_PLAIN = (type(None), bool, int, float, str, bytes)


def plain(values: Any, where: str = "example_inputs") -> Any:
    """A structure of mappings, lists and tuples with numpy arrays for its leaves; numbers, text and None stay as they are.

    Args:
        values: leaves are arrays of numpy, tensors of PyTorch (those that require gradients, too), of TensorFlow or of JAX, and whatever
            numpy or DLPack understands.
        where: how the place is called in messages.

    Raises:
        ArgumentError: a leaf is nothing of these, or has no values.
    """
    if isinstance(values, _PLAIN):
        return values
    if isinstance(values, Mapping):
        return {key: plain(value, f"{where}[{key!r}]") for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        made = [plain(value, f"{where}[{index}]") for index, value in enumerate(values)]
        return made if isinstance(values, list) else tuple(made)
    return array(values, where)


def array(value: Any, where: str = "example_inputs") -> np.ndarray:
    """One array of whatever framework, or of nested lists of numbers, as numpy's.

    Raises:
        ArgumentError: numpy cannot take it, or it has no values.
    """
    try:
        made = _from_torch(value) if hasattr(value, "detach") else _from_others(value)
    except Exception as error:
        words = " ".join(str(error).split())[:300]
        raise ArgumentError(f"{where}: this {_described(value)} cannot become a numpy array: {words}") from None
    if made.dtype.kind not in "biufcV" or made.dtype.names is not None:
        raise ArgumentError(f"{where}: this {_described(value)} is no array of numbers of numpy, PyTorch, TensorFlow or JAX")
    return made


def is_array(value: object) -> bool:
    """Whether a value is an array, or a tensor of some framework."""
    return not isinstance(value, (type, *_PLAIN)) and any(hasattr(value, name) for name in ("__array__", "__dlpack__"))


def _from_torch(value: Any) -> np.ndarray:
    tensor = value.detach().cpu()
    if tensor.layout is not sys.modules["torch"].strided:
        tensor = tensor.to_dense()
    tensor = tensor.resolve_conj().resolve_neg()
    if str(tensor.dtype) != "torch.bfloat16":
        return np.asarray(tensor.numpy())
    return np.asarray(tensor.contiguous().view(sys.modules["torch"].int16).numpy().view(short_float("bfloat16")))


def _from_others(value: Any) -> np.ndarray:
    if not hasattr(value, "__array__") and callable(getattr(value, "numpy", None)):
        return np.asarray(value.numpy())
    if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
        return np.from_dlpack(value)
    return np.asarray(value)


def _described(value: object) -> str:
    """Such as "torch.Tensor" or "object"."""
    cls = type(value)
    package = cls.__module__.partition(".")[0]
    return cls.__name__ if package == "builtins" else f"{package}.{cls.__name__}"
