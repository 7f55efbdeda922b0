"""What models of rows and columns take: one matrix, or named columns of numbers and texts."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx

from onnx_bridge.errors import ArgumentError, ExportError
from onnx_bridge.frontends.exported import Exported, innermost
from onnx_bridge.frontends.graph import Graph
from onnx_bridge.frontends.request import BATCH, Request, dynamic_axes
from onnx_bridge.judge import is_float

#: What a lone matrix is called.
MATRIX = "x"

#: numpy's kinds of text.
_TEXT = "OUS"


@dataclass(frozen=True)
class Column:
    """A part of a graph's value: columns of one kind.

    Attributes:
        value: the name, of [rows][width].
        width: how many.
        text: whether they are strings.
        dtype: numpy's type.
    """

    value: str
    width: int
    text: bool
    dtype: Any


@dataclass
class Table:
    """The inputs of a model.

    Attributes:
        names: the inputs'.
        dtypes: their types.
        widths: how many columns each has.
        example: values, by name; empty where none were given.
        columns: the names of the columns, where each is an input of its own.
        rows: the name of the open number of rows, or a number.
    """

    names: list[str]
    dtypes: list[np.dtype[Any]]
    widths: list[int]
    example: dict[str, np.ndarray]
    columns: list[Any] | None
    rows: str | int = BATCH
    frame: bool = field(default=False)

    @property
    def real(self) -> np.dtype[Any]:
        """The type of floats that the model gives: that of its inputs."""
        wide = [dtype for dtype in self.dtypes if dtype == np.float64]
        return np.dtype(np.float64 if wide else np.float32)

    def declare(self, g: Graph) -> list[Column]:
        """The inputs in a graph."""
        return [
            Column(g.input(name, dtype, width, self.rows), width, dtype.kind in _TEXT, dtype)
            for name, dtype, width in zip(self.names, self.dtypes, self.widths, strict=True)
        ]

    def rows_of(self, feeds: Mapping[str, np.ndarray]) -> Any:
        """What the library takes: doubles in place of other floats, which hold the same numbers; a DataFrame where columns have names."""
        parts = [feeds[name] for name in self.names]
        parts = [part.astype(np.float64) if is_float(part) else part for part in parts]
        if self.frame:
            pandas = sys.modules.get("pandas") or importlib.import_module("pandas")
            texts = [part.astype(object) if part.dtype.kind in _TEXT else part for part in parts]
            assert self.columns is not None
            return pandas.DataFrame({column: part.reshape(-1) for column, part in zip(self.columns, texts, strict=True)})
        if any(part.dtype.kind in _TEXT for part in parts):
            parts = [part.astype(object) for part in parts]
        return np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]


def table_of(request: Request, features: int | None, known: Sequence[Any] | None, who: str) -> Table:
    """The inputs, from the example or from what the model knows of itself.

    Args:
        request: with the example: a matrix, a DataFrame, or columns by name.
        features: how many columns the model was fitted with; None if it does not say.
        known: their names, if it has any.
        who: the model, for messages.

    Raises:
        ArgumentError: the example is no table, or has another number of columns.
        ExportError: there is no example, and the model does not say how many columns it takes.
    """
    given = request.example_inputs
    if isinstance(given, tuple) and len(given) == 1:
        given = given[0]
    if given is None and features is None:
        raise ExportError(f"{who} does not say how many columns it takes: give example_inputs, some rows of them")
    if given is None:
        table = Table([MATRIX], [np.dtype(np.float32)], [int(features or 0)], {}, None)
    elif hasattr(given, "columns") and hasattr(given, "dtypes"):
        table = _of_columns({column: np.asarray(given[column]) for column in given.columns}, [*given.columns])
        table.frame = True
    elif isinstance(given, Mapping) and not (len(given) == 1 and np.ndim(next(iter(given.values()))) == 2):
        table = _of_columns({column: np.asarray(value) for column, value in given.items()}, [*given])
        table.frame = known is not None and all(isinstance(column, str) for column in known)
    else:
        name, values = next(iter(given.items())) if isinstance(given, Mapping) else (MATRIX, given)
        table = _of_matrix(str(name), values, who)
    if features is not None and sum(table.widths) != features:
        raise ArgumentError(f"example_inputs: has {sum(table.widths)} columns, {who} was fitted with {features}")
    examples = [table.example.get(name, np.zeros((1, width))) for name, width in zip(table.names, table.widths, strict=True)]
    axes = dynamic_axes(table.names, [value.shape for value in examples], request.dynamic)
    if any(set(axis) - {0} for axis in axes) or len({axis.get(0) for axis in axes}) > 1:
        raise ExportError(f"dynamic: of the inputs of {who} the rows alone are open, by one name: {{{table.names[0]!r}: {{0: {BATCH!r}}}}}")
    table.rows = axes[0].get(0, len(examples[0]))
    return table


def _of_matrix(name: str, given: Any, who: str) -> Table:
    values = np.asarray(given)
    if values.ndim != 2:
        raise ArgumentError(f"example_inputs: {who} takes rows and columns, got an array of shape {values.shape}")
    values = _plain(values)
    if values.dtype.kind in _TEXT:  # each column of texts is an input of its own
        table = _of_columns({f"{name}{place}": values[:, place] for place in range(values.shape[1])}, [])
        table.columns = None
        return table
    return Table([name], [values.dtype], [values.shape[1]], {name: values}, None)


def _of_columns(columns: Mapping[Any, np.ndarray], names: list[Any]) -> Table:
    made = [_plain(value.reshape(len(value), -1)) for value in columns.values()]
    if any(value.shape[1] != 1 for value in made) or len({len(value) for value in made}) > 1:
        raise ArgumentError("example_inputs: columns must have one length, and one number or text for each row")
    spelt: list[str] = []
    for name in names or columns:
        word = "".join(c if c.isalnum() else "_" for c in str(name)) or "column"
        word = word if not word[0].isdigit() else f"x_{word}"
        while word in spelt:
            word += "_"
        spelt.append(word)
    return Table(spelt, [value.dtype for value in made], [1] * len(made), dict(zip(spelt, made, strict=True)), names)


def _plain(values: np.ndarray) -> np.ndarray:
    """An array of a type that a header takes."""
    if values.dtype.kind in _TEXT:
        return values.astype(object)
    if values.dtype.kind in "fiub":
        return values if values.dtype in (np.float32, np.float64, np.int64, np.int32, np.bool_) else values.astype(np.float32)
    raise ArgumentError(f"example_inputs: an array of {values.dtype} is none of numbers or texts")


@dataclass(frozen=True)
class Answer:
    """An output: its name, its value in the graph, its type and shape behind the rows, and the library's own."""

    name: str
    value: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    library: Callable[[Any], Any]


def finished(g: Graph, table: Table, answers: Sequence[Answer], name: str, framework: str, route: str) -> Exported:
    """A graph and the library's own answers as what a front end hands over."""
    for answer in answers:
        g.output(answer.name, answer.value, answer.dtype, [table.rows, *answer.shape])

    def reference(feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        rows = table.rows_of(feeds)
        count = len(next(iter(feeds.values())))
        if count == 0:  # no library takes none
            return [np.zeros((0, *answer.shape), answer.dtype) for answer in answers]
        return [_as(answer, answer.library(rows)) for answer in answers]

    model: onnx.ModelProto = g.model(name)
    if table.example:
        try:
            reference(table.example)
        except Exception as error:
            raise ExportError(f"{name} refuses the example inputs: {innermost(error)}") from error
    return Exported(model, framework, route, reference, name, g.notes, [table.example] if table.example else [])


def _as(answer: Answer, value: Any) -> np.ndarray:
    array = np.asarray(value)
    return array.astype(object if answer.dtype.kind in _TEXT else answer.dtype).reshape(len(array), *answer.shape)
