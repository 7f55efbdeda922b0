"""Operators that ONNX lacks, declared once: a name, a body of ONNX operators, a C++ functor, and what exporters make of them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import onnx

#: What a front end does, while it exports, in place of a function that is declared to be an operator: it is given the operator, the
#: framework's function, its tensors and its attributes, and returns what the function would: tensors that the exporter will take
#: for the outputs of one node of the operator's domain.
Marker: TypeAlias = "Callable[[CustomOp, Callable[..., Any], Sequence[Any], Mapping[str, Any]], Any]"

#: Set by the front end that is exporting.
EXPORTING: ContextVar[Marker | None] = ContextVar("EXPORTING", default=None)


@dataclass(eq=False)
class CustomOp:
    """An operator of a domain of its own.

    Call it with a framework's function to make that function export as one node: `soft_cube = op(soft_cube)`, or as a decorator. The
    function's first parameters are the operator's inputs, the others its attributes.

    Attributes:
        name: as in `op_type` of a node.
        domain: of the node.
        version: of the domain.
        inputs: their names.
        outputs: their names.
        attributes: their names and defaults.
        body: what the operator computes, as an ONNX function.
        functor: one element of the output as a C++ expression of the inputs and attributes; None where the body is put in its place.
        functions: what it was called with: functions, and operators of a framework's own registry.
    """

    name: str
    domain: str
    version: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    body: onnx.FunctionProto
    functor: str | None = None
    functions: list[Any] = field(default_factory=list)

    def __call__(self, function: Any) -> Any:
        """The function, which exports as one node of this operator."""
        self.functions.append(function)
        if not inspect.isfunction(function):
            return function  # an operator of the framework's own registry: its front end translates it
        parameters = list(inspect.signature(function).parameters)

        @functools.wraps(function)
        def marked(*args: Any, **kwargs: Any) -> Any:
            marker = EXPORTING.get()
            if marker is None:
                return function(*args, **kwargs)
            bound = inspect.signature(function).bind(*args, **kwargs)
            bound.apply_defaults()
            values = [bound.arguments[parameter] for parameter in parameters]
            given = len(self.inputs)
            return marker(self, function, values[:given], dict(zip(parameters[given:], values[given:], strict=True)))

        return marked
