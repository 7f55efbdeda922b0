"""Operators' cases with one thing changed: an input's element type, rank, size or symbol, or the input taken away."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import ml_dtypes  # noqa: F401  (numpy learns bfloat16)
import numpy as np
from check import NEWEST

from onnx_bridge.lowering.schemas import formal, schema_of
from onnx_bridge.operators.cases import Case, Data

#: A symbol that no case has.
OTHER = "Q"


@dataclass(frozen=True)
class Form:
    """A changed case.

    Attributes:
        key: the input that was changed, or the type variable.
        what: what was done to it.
    """

    key: str
    what: str
    case: Case


def with_shape(data: Data, shape: Sequence[int | str]) -> Data:
    """The input in another shape; fixed values are repeated."""
    if data.values is None:
        return dataclasses.replace(data, shape=tuple(shape))
    sizes = tuple(3 if isinstance(size, str) else size for size in shape)
    return dataclasses.replace(data, shape=sizes, values=np.resize(data.values, sizes))


def shapes(case: Case) -> Iterator[Form]:
    """The case with each input absent, of other ranks, of other sizes, and with other symbols."""
    for key, data in case.inputs.items():
        if data is None:
            continue
        shape = data.shape
        changed: dict[str, Data | None] = {
            "absent": None,
            "rank+1": with_shape(data, (1, *shape)),
            "rank+2": with_shape(data, (2, 1, *shape)),
        }
        if shape:
            changed["rank-1"] = with_shape(data, shape[1:])
            changed["scalar"] = with_shape(data, ())
        for axis, size in enumerate(shape):
            before, after = shape[:axis], shape[axis + 1 :]
            if isinstance(size, int):
                changed[f"size {axis} + 1"] = with_shape(data, (*before, size + 1, *after))
                changed[f"size {axis} = 1"] = with_shape(data, (*before, 1, *after))
            elif not data.constant:
                changed[f"size {axis} fixed"] = with_shape(data, (*before, 2, *after))
            if not data.constant and data.values is None:
                changed[f"symbol {axis}"] = with_shape(data, (*before, OTHER, *after))
        for what, other in changed.items():
            if other is None or other.shape != shape:
                yield Form(key, what, dataclasses.replace(case, inputs={**case.inputs, key: other}))


def of_type(data: Data, name: str) -> Data:
    """The input in another element type, with values that the type has."""
    values = None
    if data.values is not None and data.values.dtype.kind != "U":  # what stands for words is drawn
        values = np.asarray(np.clip(np.nan_to_num(data.values.astype(np.float64)), -60000, 60000))
    low, high = data.low, data.high
    if "float" not in name:
        low, high = max(0, int(low)), min(max(int(low) + 2, int(high)), 2 if name == "bool" else 120)
        low = min(low, high - 1)
        values = None if values is None else np.abs(values) % 120
    return dataclasses.replace(data, dtype=name, low=low, high=high, values=None if values is None else values.astype(np.dtype(name)))


def types(op_type: str, domain: str, case: Case, names: Sequence[str]) -> Iterator[Form]:
    """The case with the inputs of each type variable in each element type, all of them together and the first one alone."""
    schema = schema_of(op_type, domain, case.opset or (1 if domain else NEWEST))
    variables: dict[str, list[str]] = {}
    for index, (key, data) in enumerate(case.inputs.items()):
        parameter = None if schema is None else formal(schema.inputs, index)
        if data is not None:
            variables.setdefault("T" if parameter is None else parameter.type_str, []).append(key)
    for variable, keys in variables.items():
        for name in names:
            for chosen in (keys, keys[:1]) if len(keys) > 1 else (keys,):
                inputs = {key: of_type(data, name) if data is not None and key in chosen else data for key, data in case.inputs.items()}
                yield Form(variable if chosen is keys else keys[0], name, dataclasses.replace(case, inputs=inputs))


def empty(case: Case) -> bool:
    """Whether an input has no element."""
    return any(0 in data.shape for data in case.inputs.values() if data is not None)
