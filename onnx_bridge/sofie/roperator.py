"""SOFIE's operators as Python has them through ROOT: templates that are called with SOFIE's arguments, and become nodes of ONNX."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, NewType, Protocol, get_type_hints

import numpy as np
import onnx
from onnx import helper, numpy_helper

from onnx_bridge.errors import SofieError
from onnx_bridge.sofie.values import Clean_name, ETensorType, RAttributes_Pool, type_of_template

#: The name of a tensor; an empty one is an optional tensor that is left out.
Name = NewType("Name", str)


class Branch(Protocol):
    """A model that is the branch of an If."""

    def branch(self, outputs: Sequence[str]) -> onnx.GraphProto: ...


class Nodes:
    """Where an operator writes its nodes.

    Attributes:
        title: what the nodes are called.
        kinds: the operator's template arguments.
        type_of: the element type of a tensor, as far as it is known.
        nodes, constants: what was written.
    """

    def __init__(self, title: str, kinds: Sequence[Any], type_of: Callable[[str], int]) -> None:
        self.title, self.kinds, self.type_of = title, kinds, type_of
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    @property
    def mode(self) -> Any:
        """The enumerator among the template arguments."""
        return self.kinds[-1]

    def node(self, op: str, inputs: Iterable[str], outputs: Iterable[str], domain: str = "", **attributes: Any) -> None:
        """Writes a node; inputs and outputs that are left out at the end are not written, nor are attributes that are None."""
        named, made = ([*names] for names in (inputs, outputs))
        for names in (named, made):
            while names and not names[-1]:
                names.pop()
        given = {key: value for key, value in attributes.items() if value is not None}
        name = self.title if not self.nodes else f"{self.title}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, named, made, name=name, domain=domain, **given))

    def between(self) -> Name:
        """The name of a tensor between two nodes of the operator."""
        return Name(f"{self.title}_between_{len(self.nodes)}")

    def constant(self, value: Any, dtype: str = "int64") -> Name:
        """A constant of the operator's own."""
        name = Name(f"{self.title}_constant_{len(self.constants)}")
        self.constants.append(numpy_helper.from_array(np.array(value, dtype), name))
        return name


class ROperator:
    """An operator with its arguments, to be added to an RModel.

    Attributes:
        name: SOFIE's, such as ROperator_Gemm.
        kinds: its template arguments: an element type, an enumerator.
    """

    def __init__(self, name: str, kinds: Sequence[Any], form: Callable[..., None], arguments: Mapping[str, Any]) -> None:
        self.name, self.kinds, self._form, self._arguments = name, kinds, form, arguments

    def write(self, nodes: Nodes) -> None:
        """Writes the operator's nodes."""
        self._form(nodes, **self._arguments)

    def __repr__(self) -> str:
        return f"<{self.name}({', '.join(f'{key}={value!r}' for key, value in self._arguments.items())})>"


def _name(value: Any) -> Name:
    return Name(Clean_name(_text(value)))


def _text(value: Any) -> str:
    if isinstance(value, str) or type(value).__name__ in ("string", "TString"):
        return str(value)
    raise TypeError("a string")


def _whole(value: Any) -> int:
    if isinstance(value, Enum) and not isinstance(value, int):
        raise TypeError("a whole number")
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError("a whole number") from None


def _number(value: Any) -> float:
    if isinstance(value, (str, Enum)) or not isinstance(value, (int, float, np.number)):
        raise TypeError("a number")
    return float(value)


def _several(one: Callable[[Any], Any], what: str) -> Callable[[Any], list[Any]]:
    def read(value: Any) -> list[Any]:
        if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
            raise TypeError(f"a list of {what}")
        try:
            return [one(item) for item in value]
        except TypeError:
            raise TypeError(f"a list of {what}") from None

    return read


def _mapping(value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise TypeError("a mapping from names to numbers")
    return {_text(key): _number(number) for key, number in value.items()}


def _pool(value: Any) -> Any:
    if not isinstance(value, RAttributes_Pool):
        raise TypeError("a RAttributes_Pool")
    return value


def _branch(value: Any) -> Any:
    if not hasattr(value, "branch"):
        raise TypeError("an RModel")
    return value


def _element_type(value: Any) -> ETensorType:
    if isinstance(value, (ETensorType, str)):
        return type_of_template(value)
    return ETensorType(_whole(value))


#: How an argument is read, by the type that the form declares for it, and what it is called in messages.
_READ: dict[Any, tuple[Callable[[Any], Any], str]] = {
    Name: (_name, "std::string"),
    str: (_text, "std::string"),
    int: (_whole, "int"),
    bool: (bool, "bool"),
    float: (_number, "float"),
    Sequence[int]: (_several(_whole, "whole numbers"), "std::vector<size_t>"),
    Sequence[float]: (_several(_number, "numbers"), "std::vector<float>"),
    Sequence[str]: (_several(_text, "strings"), "std::vector<std::string>"),
    Sequence[Any]: (_several(lambda value: value, "values"), "std::vector<T>"),
    Sequence[Name]: (_several(_name, "names of tensors"), "std::vector<std::string>"),
    Sequence[Sequence[int]]: (_several(_several(_whole, "whole numbers"), "shapes"), "std::vector<std::vector<size_t>>"),
    Mapping[str, float]: (_mapping, "std::map<std::string, float>"),
    RAttributes_Pool: (_pool, "RAttributes_Pool"),
    Branch: (_branch, "RModel"),
    ETensorType: (_element_type, "ETensorType"),
}


class Form:
    """One constructor of an operator: a function of Nodes and SOFIE's arguments."""

    def __init__(self, function: Callable[..., None]) -> None:
        self.function = function
        self.parameters = list(inspect.signature(function).parameters.values())[1:]
        hints = get_type_hints(function)
        self.hints = {parameter.name: hints[parameter.name] for parameter in self.parameters}
        self._signature = inspect.Signature(self.parameters)

    def bind(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments, read.

        Raises:
            TypeError: they are not this form's; what is wrong.
        """
        bound = self._signature.bind(*arguments, **named)
        bound.apply_defaults()
        return {key: self._read(key, value) for key, value in bound.arguments.items()}

    def _read(self, key: str, value: Any) -> Any:
        hint = self.hints[key]
        if isinstance(hint, type) and issubclass(hint, Enum) and hint is not ETensorType:
            if not isinstance(value, hint):
                raise TypeError(f"{key} must be a {hint.__name__}, not {value!r}")
            return value
        try:
            return _READ[hint][0](value)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{key} must be {error}, not {value!r}") from None

    def __str__(self) -> str:
        spelt = []
        for parameter in self.parameters:
            hint = self.hints[parameter.name]
            kind = _READ[hint][1] if hint in _READ else hint.__name__
            default = (
                "" if parameter.default is inspect.Parameter.empty else f" = {getattr(parameter.default, 'name', repr(parameter.default))}"
            )
            spelt.append(f"{kind} {parameter.name}{default}")
        return ", ".join(spelt)


class Template:
    """`SOFIE.ROperator_X`: [] or () with the template arguments, then () with the constructor's.

    An element type alone may be left out.
    """

    def __init__(self, name: str, parameters: Sequence[Any], *functions: Callable[..., None], kinds: Sequence[Any] = ()) -> None:
        self.__name__, self._parameters, self._functions, self._kinds = f"ROperator_{name}", parameters, functions, kinds
        self.__doc__ = inspect.getdoc(functions[0])
        self._forms = [Form(function) for function in functions]

    def __getitem__(self, arguments: Any) -> Template:
        given = list(arguments) if isinstance(arguments, tuple) else [arguments]
        if len(given) == 1 and isinstance(given[0], str):
            given = [part.strip() for part in given[0].split(",")]
        parameters = self._parameters or (ETensorType,)  # what is no template in one release of SOFIE is one in another
        if len(given) != len(parameters) or self._kinds:
            raise SofieError(f"{self.__name__} has {len(parameters)} template arguments, not {len(given)}")
        kinds = [_template(parameter, argument, self.__name__) for parameter, argument in zip(parameters, given, strict=True)]
        return Template(self.__name__.removeprefix("ROperator_"), (), *self._functions, kinds=kinds)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if not self._kinds and not named and len(arguments) == len(self._parameters or (0,)) and self._are_template(arguments):
            return self[tuple(arguments)]
        if any(parameter is not ETensorType for parameter in self._parameters):
            shown = ", ".join("T" if parameter is ETensorType else parameter.__name__ for parameter in self._parameters)
            raise SofieError(f"{self.__name__}<{shown}>: its template arguments come first, {self.__name__}[...](...)")
        reasons = []
        for form in self._forms:
            try:
                return ROperator(self.__name__, self._kinds, form.function, form.bind(arguments, named))
            except TypeError as error:
                reasons.append(f"{self.__name__}({form}): {error}")
        raise SofieError("TMVA-SOFIE: no constructor takes these arguments:\n  " + "\n  ".join(reasons))

    def _are_template(self, arguments: Sequence[Any]) -> bool:
        try:
            self[tuple(arguments)]
        except SofieError:
            return False
        return True

    def __repr__(self) -> str:
        return f"<{self.__name__}>"


def _template(parameter: Any, argument: Any, name: str) -> Any:
    if parameter is ETensorType:
        return type_of_template(argument)
    found = argument
    if isinstance(argument, str):
        found = parameter.__members__.get(argument.rpartition("::")[2])
    if not isinstance(found, parameter):
        raise SofieError(f"{name}: the template argument must be one of {', '.join(parameter.__members__)}, not {argument!r}")
    return found
