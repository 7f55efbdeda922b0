"""What the converters of scikit-learn's estimators share: the graph, the columns that an estimator is given, and what it makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.graph import Graph
from onnx_bridge.frontends.table import Column

#: What an estimator makes: "transform" a list of columns; "prediction" [rows] or [rows][targets]; "index" the number of a class, [rows];
#: "proba" and "decision", as predict_proba and decision_function give them; "label" what predict gives where it is no class.
Made = dict[str, Any]

_DOUBLE = np.dtype(np.float64)


@dataclass
class Context:
    """A graph in the making. Everything is computed in doubles, as scikit-learn does.

    Attributes:
        g: the graph.
        singles: values of doubles that floats hold exactly: inputs of float32.
    """

    g: Graph
    singles: set[str] = field(default_factory=set)

    def matrix(self, columns: Sequence[Column]) -> str:
        """All columns as one matrix of doubles.

        Raises:
            ExportError: one is of texts.
        """
        if any(column.text for column in columns):
            raise ExportError("an estimator that calculates is given texts: encode them before, with OneHotEncoder or OrdinalEncoder")
        parts = []
        for column in columns:
            part = column.value if column.dtype == _DOUBLE else self.g.cast(column.value, np.float64)
            if column.dtype == np.float32 or column.value in self.singles:
                self.singles.add(part)
            parts.append(part)
        made = self.g.concat(parts)
        if all(part in self.singles for part in parts):
            self.singles.add(made)
        return made

    def single(self, x: str) -> str:
        """A matrix of doubles rounded to floats, which is what trees of scikit-learn compare, as doubles again."""
        if x in self.singles:
            return x
        made = self.g.cast(self.g.cast(x, np.float32), np.float64)
        self.singles.add(made)
        return made

    def numbers(self, value: str, width: int) -> list[Column]:
        """A matrix of doubles as columns."""
        return [Column(value, width, False, _DOUBLE)]


Converter = Callable[[Context, Any, "list[Column]"], Made]

_CONVERTERS: dict[str, Converter] = {}

_F = TypeVar("_F", bound=Callable[..., Any])


def converts(*names: str) -> Callable[[_F], _F]:
    """Declares which classes, or classes derived from them, a converter is for; it is given columns."""

    def declared(function: _F) -> _F:
        for name in names:
            _CONVERTERS[name] = function
        return function

    return declared


def of_matrix(*names: str) -> Callable[[Callable[[Context, Any, str], Made]], Callable[[Context, Any, str], Made]]:
    """The same for a converter that is given one matrix of doubles."""

    def declared(function: Callable[[Context, Any, str], Made]) -> Callable[[Context, Any, str], Made]:
        converts(*names)(lambda c, model, columns: function(c, model, c.matrix(columns)))
        return function

    return declared


def converter_of(model: Any) -> Converter | None:
    """The converter of the class, or of the nearest class that it is derived from and that is scikit-learn's."""
    for cls in type(model).__mro__:
        if cls.__name__ in _CONVERTERS and cls.__module__.partition(".")[0] in ("sklearn", "xgboost", "lightgbm"):
            return _CONVERTERS[cls.__name__]
        if cls.__module__.partition(".")[0] == "sklearn" and vars(cls).keys() & {"predict", "transform", "predict_proba"}:
            return None  # what comes behind computes something else
    return None


def convert(c: Context, model: Any, columns: list[Column]) -> Made:
    """What an estimator makes of columns.

    Raises:
        ExportError: there is no converter, here or in skl2onnx.
    """
    from onnx_bridge.frontends.sklearn import others

    name = type(model).__name__
    if isinstance(model, str) and model == "passthrough":
        return {"transform": columns}
    known = converter_of(model)
    with c.g.within(name):
        return known(c, model, columns) if known is not None else others.convert(c, model, columns)


def classes_of(model: Any) -> np.ndarray:
    """The classes of a classifier of one output.

    Raises:
        ExportError: it has several outputs.
    """
    classes = model.classes_
    if isinstance(classes, list):
        raise ExportError(f"{type(model).__name__} was fitted for {len(classes)} outputs at once: convert a classifier for each")
    return np.asarray(classes)


def by_proba(c: Context, proba: str) -> Made:
    """A classifier that predicts the class of the largest probability, the first of equal ones."""
    return {"proba": proba, "index": c.g.add("ArgMax", proba, axis=1, keepdims=0)}


def by_decision(c: Context, decision: str, classes: int) -> Made:
    """A classifier that predicts by decision_function, [rows] for two classes and [rows][classes] for more."""
    if classes == 2:
        return {"decision": decision, "index": c.g.cast(c.g.add("Greater", decision, np.float64(0)), np.int64)}
    return {"decision": decision, "index": c.g.add("ArgMax", decision, axis=1, keepdims=0)}


def both(c: Context, second: str) -> str:
    """[rows][2] from the probability of the second class, [rows]."""
    column = c.g.reshape(second, -1, 1)
    return c.g.concat([c.g.add("Sub", np.float64(1), column), column])
