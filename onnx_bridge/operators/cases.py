"""Test cases that operators declare: inputs by name, attributes by name. `check_op` in the tests converts, compiles and runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Data:
    """An input of a case: a shape (str: symbolic dim) with a type and a range of random values, or fixed values.

    Attributes:
        shape: sizes; a `str` is a symbolic dim, which the test runs with several values.
        dtype: numpy's name of the element type.
        low, high: range of the random values (integers: high excluded).
        values: fixed values instead of random ones.
        constant: given as an initializer instead of a graph input.
    """

    shape: tuple[int | str, ...] = ()
    dtype: str = "float32"
    low: float = -2.0
    high: float = 2.0
    values: np.ndarray | None = None
    constant: bool = False


def data(*shape: int | str, dtype: str = "float32", low: float = -2.0, high: float = 2.0, constant: bool = False) -> Data:
    """Random values."""
    return Data(shape, dtype, low, high, None, constant)


def const(values: Any, dtype: str = "int64") -> Data:
    """An initializer with these values: shapes, axes, pads, weights."""
    array = np.asarray(values, dtype=dtype)
    return Data(array.shape, dtype, values=array, constant=True)


def weight(*shape: int, dtype: str = "float32", low: float = -1.0, high: float = 1.0) -> Data:
    """An initializer with random values."""
    return Data(shape, dtype, low, high, None, True)


def given(values: Any, dtype: str = "float32") -> Data:
    """A graph input with these values."""
    array = np.asarray(values, dtype=dtype)
    return Data(array.shape, dtype, values=array)


@dataclass(frozen=True)
class Case:
    """One node with its inputs.

    Attributes:
        inputs: by name, in ONNX's order; None is an absent optional input, a list is variadic.
        attributes: ONNX attributes.
        opset: of the operator's domain; 0 is the newest that the oracle reads.
        outputs: how many outputs the node has.
        exact: whether floats must agree in every bit.
    """

    inputs: Mapping[str, Data | None]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    opset: int = 0
    outputs: int = 1
    exact: bool = False


def case(*, opset: int = 0, outputs: int = 1, exact: bool = False, attributes: Mapping[str, Any] | None = None, **inputs: Any) -> Case:
    """A case. A tuple is the shape of a float input, `Data` anything else; `attributes` are the node's."""
    described: dict[str, Data | None] = {}
    for name, value in inputs.items():
        if value is None or isinstance(value, Data):
            described[name] = value
        elif isinstance(value, Sequence) and not isinstance(value, str):
            described[name] = Data(tuple(value))
        else:
            raise TypeError(f"input {name!r} of a case must be a shape or Data, not {value!r}")
    return Case(described, dict(attributes or {}), opset, outputs, exact)
