"""`custom_op`: the declaration."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import onnx

from onnx_bridge.custom.functor import Functor
from onnx_bridge.custom.text import function_of
from onnx_bridge.errors import DeclarationError
from onnx_bridge.ir.roperator import REGISTRY, ROperator, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, broadcast
from onnx_bridge.library.expressions import Expression
from onnx_bridge.library.steps import PointwiseOperator
from onnx_bridge.operators.cases import Case

#: What a front end does, while it exports, in place of a function that is declared to be an operator: it is given the operator, the
#: framework's function, its tensors and its attributes, and returns what the function would: tensors that the exporter will take
#: for the outputs of one node of the operator's domain.
Marker: TypeAlias = "Callable[[CustomOp, Callable[..., Any], Sequence[Any], Mapping[str, Any]], Any]"

#: Set by the front end that is exporting.
EXPORTING: ContextVar[Marker | None] = ContextVar("EXPORTING", default=None)

_NAME = re.compile(r"(?P<domain>[A-Za-z_][\w.]*)::(?P<name>[A-Za-z_]\w*)")

#: Every operator that was declared, by domain and name.
_DECLARED: dict[tuple[str, str], CustomOp] = {}


@dataclass(frozen=True)
class Pattern:
    """Nodes that an exporter writes for an operator.

    Attributes:
        function: the nodes, as an ONNX function of the operator's inputs; a Constant that refers to an attribute stands for any number.
        attributes: the values of attributes that the nodes do not tell.
    """

    function: onnx.FunctionProto
    attributes: Mapping[str, Any]


@dataclass(eq=False)
class CustomOp:
    """An operator of a domain of its own, as `custom_op` declares it.

    Call it with a framework's function to make that function export as one node: `soft_cube = op(soft_cube)`, or as a decorator. The
    function's first parameters are the operator's inputs, the others its attributes.

    Attributes:
        name: as in `op_type` of a node.
        domain: of the node.
        body: what the operator computes, as an ONNX function.
        inputs: their names.
        outputs: their names.
        attributes: their names and defaults; None where there is no default.
        functor: one element of the output in C++; None where the body is put in the operator's place.
        patterns: what exporters write for the operator.
        functions: what it was called with: functions, and operators of a framework's own registry.
        version: of the domain.
    """

    name: str
    domain: str
    body: onnx.FunctionProto
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    functor: Functor | None
    patterns: tuple[Pattern, ...]
    functions: list[Any] = field(default_factory=list)
    version: int = 1

    def __call__(self, function: Any) -> Any:
        """The function, which exports as one node of this operator."""
        self.functions.append(function)
        if not inspect.isfunction(function):
            return function  # an operator of the framework's own registry: its front end translates it
        signature = inspect.signature(function)
        parameters = list(signature.parameters)
        unknown = set(parameters[len(self.inputs) :]) - set(self.attributes)
        if len(parameters) < len(self.inputs) or unknown:
            raise DeclarationError(
                f"{self.domain}::{self.name}: the function {function.__name__} must take the inputs {', '.join(self.inputs)} and then "
                f"attributes out of {', '.join(self.attributes) or 'none'}; it takes {', '.join(parameters) or 'nothing'}"
            )

        @functools.wraps(function)
        def marked(*args: Any, **kwargs: Any) -> Any:
            marker = EXPORTING.get()
            if marker is None:
                return function(*args, **kwargs)
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            values = [bound.arguments[parameter] for parameter in parameters]
            given = len(self.inputs)
            return marker(self, function, values[:given], dict(zip(parameters[given:], values[given:], strict=True)))

        return marked


def custom_op(
    name: str,
    body: Any,
    *,
    functor: str | None = None,
    patterns: Iterable[str | tuple[str, Mapping[str, Any]]] = (),
    cases: Iterable[Case] = (),
) -> CustomOp:
    """Declares an operator that ONNX lacks.

    Args:
        name: "domain::Name".
        body: what it computes, of ONNX operators: an onnxscript function, an onnx.FunctionProto, or ONNX's text:
            `Name <scale: float = 1.0> (x) => (y) { s = Constant <value_float: float = @scale> () ... }`.
        functor: one element of the output as a C++ expression of inputs, attributes and numbers: + - * /, and the functions of the kernels
            (exp, log, tanh, sigmoid, sqrt, max, min, abs, where, ...). Without it the body is put in the operator's place.
        patterns: what exporters write for the operator, each a text `(x) => (y) { s = Sigmoid (x) y = Mul (x, s) }`, or a pair of such
            a text and the attributes that it stands for. The first that matches counts.
        cases: inputs that the project's own tests compare the functor and the body with.

    Returns:
        The operator; called with a framework's function it makes that function export as one node.

    Raises:
        DeclarationError: the declaration contradicts itself, or the name is taken.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise DeclarationError(f"custom_op: a name is 'domain::Name', not {name!r}")
    key = found["domain"], found["name"]
    function = function_of(body, *key)
    defaults: dict[str, Any] = dict.fromkeys(function.attribute)
    defaults |= {a.name: _plain(onnx.helper.get_attribute_value(a)) for a in function.attribute_proto}
    inputs = tuple(function.input)
    made = CustomOp(
        name=key[1],
        domain=key[0],
        body=function,
        inputs=inputs,
        outputs=tuple(function.output),
        attributes=defaults,
        functor=None if functor is None else Functor(name, functor, inputs, tuple(defaults)),
        patterns=tuple(_pattern(key, inputs, tuple(defaults), text) for text in patterns),
    )
    if functor is not None and len(made.outputs) != 1:
        raise DeclarationError(f"{name}: a functor makes one output, the body has {len(made.outputs)}")
    same = _DECLARED.get(key)
    if same is not None and same.body != function or same is None and key in REGISTRY:
        raise DeclarationError(f"{name} is declared already, with another body")
    _DECLARED[key] = made
    REGISTRY.pop(key, None)
    if made.functor is not None:
        _register(made, tuple(cases))
    return made


def known() -> dict[tuple[str, str], CustomOp]:
    """Every operator that was declared, by domain and name."""
    return dict(_DECLARED)


def _pattern(
    key: tuple[str, str], inputs: tuple[str, ...], attributes: tuple[str, ...], text: str | tuple[str, Mapping[str, Any]]
) -> Pattern:
    nodes, values = (text, {}) if isinstance(text, str) else text
    free = f"{key[1]} <{', '.join(attributes)}>" if attributes else key[1]
    function = function_of(f"{free} {nodes}", *key)
    if tuple(function.input) != inputs or set(values) - set(attributes):
        raise DeclarationError(f"{key[0]}::{key[1]}: a pattern must have the inputs {', '.join(inputs)}: {nodes}")
    return Pattern(function, dict(values))


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _register(op: CustomOp, cases: tuple[Case, ...]) -> None:
    """Makes an ROperator of an operator with a functor."""
    functor = op.functor
    assert functor is not None

    def types(self: PointwiseOperator, *inputs: Tensor | None) -> Type:
        operands = [tensor for tensor in inputs if tensor is not None]
        if len(operands) != len(op.inputs) or any(not t.dtype.is_float or t.dtype is not operands[0].dtype for t in operands):
            given = ", ".join(str(t.dtype) for t in operands)
            raise ShapeError(f"takes {len(op.inputs)} tensors of one float type ({', '.join(op.inputs)}), got {given or 'none'}")
        for name in op.attributes:
            if not isinstance(getattr(self, name), (int, float)):
                raise ShapeError(f"attribute {name!r} must be a number, got {getattr(self, name)!r:.80}")
        return Type(operands[0].dtype, broadcast(*(t.shape for t in operands)))

    def expression(self: PointwiseOperator, *operands: Expression) -> Expression:
        return functor.expression(operands, {name: getattr(self, name) for name in op.attributes})

    content: dict[str, Any] = {
        "__module__": __name__, "__doc__": f"y = {functor.text}, element by element.", "__annotations__": dict.fromkeys(op.attributes, Any),
        "kernels": ("pointwise.hxx",), "types": types, "expression": expression, "cases": cases,
        **{name: attribute(default) if default is not None else attribute() for name, default in op.attributes.items()},
    }  # fmt: skip
    cls: type[ROperator] = type(op.name, (PointwiseOperator,), content)
    operator(op.name, domain=op.domain)(cls)
