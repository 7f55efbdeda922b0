"""What the caller says about a model: example inputs and dynamic dims, in one way for every framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import onnx

from onnx_bridge.errors import ExportError, Finding

#: For inputs, by name or position: the names of their dynamic axes.
Dynamic: TypeAlias = "Mapping[str | int, Mapping[int, str]]"

#: What the leading axis is called where nothing else is said.
BATCH = "batch"


@dataclass(frozen=True)
class Request:
    """How a model is to be exported.

    Attributes:
        example_inputs: one array, a tuple of positional inputs, or a mapping of inputs by name; arrays of numpy or of the framework,
            nested where the model takes nested inputs. None where the model knows its inputs, as Keras models do.
        dynamic: the dynamic axes of inputs and their names; an empty mapping makes an input's shape fixed. Inputs that are not
            named have the batch as their only dynamic axis, the leading one.
        imports: modules to import before the model is read: those that register layers or operators.
        trusted: files may run code of their own (Lambda layers of Keras).
        obstacles: what stands in the way of converting an exported model: of several ways to export, one without is taken.
    """

    example_inputs: Any = None
    dynamic: Dynamic | None = None
    imports: Sequence[str] = ()
    trusted: bool = False
    obstacles: Callable[[onnx.ModelProto], Sequence[Finding]] = lambda model: ()


def dynamic_axes(names: Sequence[str], shapes: Sequence[Sequence[int]], dynamic: Dynamic | None) -> list[dict[int, str]]:
    """For each input the names of its dynamic axes, by their index from the front.

    Where nothing is said of an input its leading axis is the batch, if it is as long as that of the first such input: one that is not
    cannot be the batch, and stays fixed.

    Args:
        names: of the inputs.
        shapes: of the example inputs.
        dynamic: what the caller said, by name or position.

    Raises:
        ExportError: `dynamic` speaks of inputs or axes that there are not.
    """
    said = {_input_name(key, names): axes for key, axes in (dynamic or {}).items()}
    found: list[dict[int, str]] = []
    batch: int | None = None
    for name, shape in zip(names, shapes, strict=True):
        if name in said:
            found.append(_checked(name, shape, said[name]))
        elif len(shape) and (batch is None or shape[0] == batch):
            batch = shape[0]
            found.append({0: BATCH})
        else:
            found.append({})
    return found


def _input_name(key: str | int, names: Sequence[str]) -> str:
    if isinstance(key, int) and -len(names) <= key < len(names):
        return names[key]
    if key in names:
        return str(key)
    raise ExportError(f"dynamic: there is no input {key!r}; the inputs are {', '.join(names) or 'none'}")


def _checked(name: str, shape: Sequence[int], axes: object) -> dict[int, str]:
    if not isinstance(axes, Mapping):
        raise ExportError(f"dynamic: what is said of {name!r} must be a mapping from axes to names, such as {{0: 'batch'}}, not {axes!r}")
    made: dict[int, str] = {}
    for axis, dim in axes.items():
        if not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
            raise ExportError(f"dynamic: {name!r} has no axis {axis!r}; its example has the shape {tuple(shape)}")
        if not isinstance(dim, str) or not dim.isidentifier():
            raise ExportError(f"dynamic: axis {axis} of {name!r} must have a name that is an identifier, such as 'batch', not {dim!r}")
        made[axis % len(shape)] = dim
    return made
