"""Strings for a verification: those that a model knows, and others that anybody may give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir.dtypes import string
from onnx_bridge.ir.rmodel import RModel, all_operators
from onnx_bridge.ir.tensor import Tensor

#: What is given beside what a model knows: several words, capitals, letters beyond ASCII, delimiters, numbers, an address.
OTHERS = (
    "a", "b", "the cat", "Hello World", " two  blanks ", "caf\u00e9 \u0416", "1,2,,3", "x-y--z", "42", "-1.5", "someone@gmail.com",
    "www.onnx.ai", "A" * 40,
)  # fmt: skip

#: What is given where text becomes numbers: integers, which every type and every reference reads, and what floats alone may be.
INTEGERS = ("0", "1", "7", "42", "100", "27")
FLOATS = (*INTEGERS, "-3", "0.5", "-2.25", "1e3", "NaN", "-INF")

#: How often a string is one that the model knows.
_KNOWN = 0.5


def words_of(model: RModel) -> set[str]:
    """The strings in a model's constants and attributes."""
    found: set[str] = set()
    for op in all_operators(model):
        for tensor in op.inputs:
            if tensor is not None and tensor.is_constant and tensor.dtype is string:
                found.update(map(str, tensor.constant().reshape(-1)))
        for name in op.attributes():
            value = getattr(op, name)
            if isinstance(value, np.ndarray) and value.dtype.kind in "OU":
                found.update(map(str, value.reshape(-1)))
            elif isinstance(value, list):
                found.update(text for text in value if isinstance(text, str))
    return found


def numbers_of(model: RModel) -> dict[Tensor, Sequence[str]]:
    """What strings of a model's tensors may be that become numbers further on."""
    found: dict[Tensor, Sequence[str]] = {}
    for op in reversed(list(all_operators(model))):
        read = [tensor for tensor in op.inputs if tensor is not None and getattr(tensor.declared, "dtype", None) is string]
        made = [tensor for tensor in op.outputs if tensor is not None]
        if op.op_type in ("Cast", "CastLike") and read and made[0].dtype is not string:
            drawn: Sequence[str] | None = FLOATS if made[0].dtype.is_float else INTEGERS
        else:
            drawn = next((found[tensor] for tensor in made if tensor in found), None)
        for tensor in read if drawn is not None else ():
            found[tensor] = INTEGERS if drawn is INTEGERS else found.get(tensor, FLOATS)
    return found


def texts(rng: np.random.Generator, shape: Sequence[int], kind: str, words: Sequence[str], numbers: Sequence[str] | None) -> np.ndarray:
    """Strings of one kind (see `inputs.KINDS`): empty ones where numbers would be zeros. Where they become numbers, of those given."""
    if numbers is not None:
        return np.full(shape, "0", np.str_) if kind == "zeros" else rng.choice(np.array(numbers), shape).astype(np.str_)
    if kind == "zeros":
        return np.full(shape, "", np.str_)
    others = rng.choice(np.array(("", *OTHERS) if kind == "edges" else OTHERS), shape)
    known = rng.choice(np.array(words), shape) if words else others
    return np.where(rng.random(shape) < _KNOWN, known, others).astype(np.str_)
