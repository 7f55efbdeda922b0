"""The pointwise operators, as one table: ONNX name, C++ expression over the functions of kernels/pointwise.hxx, attributes, cases."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import make_dataclass
from typing import Any

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import DType, bool_, float32
from onnx_bridge.ir.literals import literal
from onnx_bridge.ir.roperator import Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, broadcast
from onnx_bridge.operators.cases import Case, case, data, given
from onnx_bridge.operators.group import group_of
from onnx_bridge.operators.steps import PointwiseOperator, step_of


class TableOperator(PointwiseOperator):
    """A row of the table. Operands broadcast; all have one type, except the condition of Where and the result of comparisons."""

    kernels = ("pointwise.hxx",)
    template = ""
    result: DType | None = None
    #: Which operand gives the type of the result.
    typed_by = 0
    evaluate: Callable[..., Any] | None = None

    def types(self, *inputs: Tensor | None) -> Type:
        operands = [tensor for tensor in inputs if tensor is not None]
        first = operands[self.typed_by].dtype
        for tensor in operands[self.typed_by :]:
            if tensor.dtype is not first:
                raise ShapeError(f"operands must have one type, got {first} and {tensor.dtype}")
        return Type(self.result or first, broadcast(*(tensor.shape for tensor in operands)))

    def values(self, *inputs: Tensor | None) -> np.ndarray | None:
        return fold(self, [tensor for tensor in inputs if tensor is not None])

    def expression(self, *operands: str) -> str:
        named = {name: literal(getattr(self, name), float32) for name in self.attributes() if isinstance(getattr(self, name), (int, float))}
        return self.template.format(*operands, **named)

    def emit(self, cpp: Writer) -> None:
        group_of(self, [step_of(self)]).emit(cpp)


def fold(op: TableOperator, operands: Sequence[Tensor]) -> np.ndarray | None:
    """The value of a small pointwise result, in numbers or in sizes."""
    if op.evaluate is None or any(tensor.value is None for tensor in operands):
        return None
    values = [tensor.value for tensor in operands if tensor.value is not None]
    symbolic = any(value.dtype == object for value in values)
    if max(value.size for value in values) > 4096 or (symbolic and not all(t.dtype.is_integer or t.dtype is bool_ for t in operands)):
        return None
    dtype = op.types(*operands).dtype
    try:
        with np.errstate(all="ignore"):
            if not symbolic:
                return np.asarray(op.evaluate(*values)).astype(dtype.numpy)
            out = np.empty(np.broadcast_shapes(*(value.shape for value in values)), dtype=object)
            for index, items in zip(np.ndindex(out.shape), np.broadcast(*values), strict=True):
                out[index] = op.evaluate(*(item if isinstance(item, dims.Dim) else int(item) for item in items))
    except (TypeError, Undecided):
        return None
    if all(not isinstance(item, dims.Dim) for item in out.reshape(-1)):
        return out.astype(dtype.numpy)
    return out


class Undecided(Exception):
    """A comparison of sizes that holds for some values of the symbols and not for others."""


def _symbolic(sizes: Callable[[Any, Any], Any], numbers: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """`numbers` for arrays, `sizes` where one operand is symbolic."""
    return lambda a, b: sizes(a, b) if isinstance(a, dims.Dim) or isinstance(b, dims.Dim) else numbers(a, b)


def _equal(a: Any, b: Any) -> bool:
    difference = a - b
    if isinstance(difference, int):
        return difference == 0
    if dims.at_least(difference, 1) or dims.at_least(-difference, 1):
        return False
    if isinstance(b, int) and b < 0 and dims.at_least(a, 0):
        return False
    raise Undecided


def _greater_or_equal(a: Any, b: Any) -> bool:
    if dims.at_least(a, b):
        return True
    if dims.at_least(b, a + 1):
        return False
    raise Undecided


def _divide(a: Any, b: Any) -> Any:
    if np.asarray(a).dtype.kind == "f":
        return np.divide(a, b)
    return np.trunc(np.divide(a, b)) if np.all(np.asarray(b) != 0) else np.zeros(np.broadcast(a, b).shape)


def _divide_sizes(a: Any, b: Any) -> Any:
    if dims.at_least(a, 0) and dims.at_least(b, 0):
        return dims.floor_div(a, b)
    raise Undecided


#: The classes of the table by their ONNX name.
TABLE: dict[str, type[TableOperator]] = {}


def _row(
    name: str,
    template: str,
    *,
    since: int = 1,
    domain: str = "",
    cases: Sequence[Case],
    result: DType | None = None,
    typed_by: int = 0,
    vectorised: bool = True,
    evaluate: Callable[..., Any] | None = None,
    **attributes: Any,
) -> None:
    fields = [(attribute_name, Any, attribute(default)) for attribute_name, default in attributes.items()]
    cls = make_dataclass(name, fields, bases=(TableOperator,), eq=False, kw_only=True)
    cls.__module__ = __name__
    cls.__doc__ = f"y = {template.format(*'abcdefgh', **{a: a for a in attributes})}, element by element."
    cls.template, cls.result, cls.typed_by, cls.vectorised = template, result, typed_by, vectorised  # type: ignore[attr-defined]
    cls.evaluate = None if evaluate is None else staticmethod(evaluate)  # type: ignore[attr-defined]
    cls.cases = tuple(cases)  # type: ignore[attr-defined]
    TABLE[name] = operator(name, domain=domain, since=since)(cls)


def _unary(name: str, template: str | None = None, *, low: float = -4.0, high: float = 4.0, since: int = 1, **rest: Any) -> None:
    opset = 0
    cases = [case(x=data("N", 37, low=low, high=high), opset=opset), case(x=data(0, 3)), case(x=data(low=low, high=high))]
    if low < 0:
        special = [0.0, -0.0, math.inf, -math.inf, math.nan, 1e-40, 1e30, -1e30, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, 88.8, -104.0, -87.5]
        cases.append(case(x=given(special)))
    _row(name, template or f"{name.lower()}({{0}})", since=since, cases=cases, **rest)


def _arithmetic(dtypes: Sequence[str]) -> list[Case]:
    cases = [
        case(a=("N", 5), b=(5,)), case(a=("N", 1, 33), b=(4, 1)), case(a=(2, 3), b=data()), case(a=(), b=(0, 2)),
        case(a=(3, 1), b=("N", 3, 7)),
    ]
    return cases + [case(a=data(3, 17, dtype=d, low=1, high=9), b=data(17, dtype=d, low=1, high=5)) for d in dtypes]


_NUMBERS = ("int64", "int32", "float64")
_unary("Abs", evaluate=np.abs)
_unary("Neg", evaluate=lambda a: -a)
_unary("Sign")
_unary("Ceil", evaluate=np.ceil)
_unary("Floor", evaluate=np.floor)
_unary("Round", since=11)
_unary("Reciprocal", evaluate=lambda a: 1 / a)
_unary("Sqrt", evaluate=np.sqrt)
_unary("Exp", evaluate=np.exp)
_unary("Log", evaluate=np.log)
_unary("Sin")
_unary("Cos")
_unary("Tan", low=-1.4, high=1.4)
_unary("Asin", low=-1, high=1)
_unary("Acos", low=-1, high=1)
_unary("Atan")
_unary("Sinh")
_unary("Cosh")
_unary("Tanh")
_unary("Asinh")
_unary("Acosh", low=1, high=9)
_unary("Atanh", low=-0.99, high=0.99)
_unary("Erf")
_unary("Sigmoid")
_unary("Relu")
_unary("LeakyRelu", "leaky_relu({0}, {alpha})", alpha=0.01)
_unary("Elu", "elu({0}, {alpha})", alpha=1.0)
_unary("Selu", "selu({0}, {alpha}, {gamma})", alpha=1.67326319217681884765625, gamma=1.05070102214813232421875)
_unary("Celu", "celu({0}, {alpha})", since=12, alpha=1.0)
_unary("ThresholdedRelu", "thresholded_relu({0}, {alpha})", since=10, alpha=1.0)
_unary("HardSigmoid", "hard_sigmoid({0}, {alpha}, {beta})", alpha=0.2, beta=0.5)
_unary("HardSwish", "hard_swish({0})", since=14)
_unary("Softplus")
_unary("Softsign")
_unary("Mish", since=18)
_unary("Shrink", "shrink({0}, {bias}, {lambd})", since=9, bias=0.0, lambd=0.5)
_unary("IsNaN", "is_nan({0})", since=9, result=bool_)
_unary("IsInf", "is_inf({0}, {detect_positive} != 0, {detect_negative} != 0)", since=10, result=bool_, detect_positive=1, detect_negative=1)

_row("Add", "add({0}, {1})", since=7, cases=_arithmetic(_NUMBERS), evaluate=lambda a, b: a + b)
_row("Sub", "sub({0}, {1})", since=7, cases=_arithmetic(_NUMBERS), evaluate=lambda a, b: a - b)
_row("Mul", "product({0}, {1})", since=7, cases=_arithmetic(_NUMBERS), evaluate=lambda a, b: a * b)
_row("Div", "div({0}, {1})", since=7, cases=_arithmetic(_NUMBERS), evaluate=_symbolic(_divide_sizes, _divide))
_row("PRelu", "prelu({0}, {1})", since=7, cases=_arithmetic(()))

_INTEGERS = [case(a=data(3, 17, dtype=d, low=-9, high=9), b=data(17, dtype=d, low=1, high=5)) for d in ("int64", "int32")]
_row("Mod", "mod({0}, {1})", since=10, cases=_INTEGERS, evaluate=lambda a, b: a % b, fmod=0)
_COMPARED = [*_arithmetic(("int64", "int32", "float64")), case(a=given([1.0, math.nan, 2.0]), b=given([1.0, math.nan, 3.0]))]
_row("Equal", "equal({0}, {1})", since=7, result=bool_, cases=_COMPARED, evaluate=_symbolic(_equal, np.equal))
_row("Less", "less({0}, {1})", since=7, result=bool_, cases=_COMPARED,
     evaluate=_symbolic(lambda a, b: not _greater_or_equal(a, b), np.less))
_row("LessOrEqual", "less_or_equal({0}, {1})", since=12, result=bool_, cases=_COMPARED,
     evaluate=_symbolic(lambda a, b: _greater_or_equal(b, a), np.less_equal))
_row("Greater", "greater({0}, {1})", since=7, result=bool_, cases=_COMPARED,
     evaluate=_symbolic(lambda a, b: not _greater_or_equal(b, a), np.greater))
_row("GreaterOrEqual", "greater_or_equal({0}, {1})", since=12, result=bool_, cases=_COMPARED,
     evaluate=_symbolic(_greater_or_equal, np.greater_equal))

_LOGICAL = [case(a=data("N", 19, dtype="bool", low=0, high=2), b=data(19, dtype="bool", low=0, high=2))]
_row("And", "and_({0}, {1})", since=7, cases=_LOGICAL, evaluate=np.logical_and)
_row("Or", "or_({0}, {1})", since=7, cases=_LOGICAL, evaluate=np.logical_or)
_row("Xor", "xor_({0}, {1})", since=7, cases=_LOGICAL, evaluate=np.logical_xor)
_row("Not", "not_({0})", cases=[case(a=data("N", 19, dtype="bool", low=0, high=2))], evaluate=np.logical_not)

_BITS = [case(a=data(5, 9, dtype=d, low=0, high=99), b=data(9, dtype=d, low=0, high=99)) for d in ("uint8", "int32", "int64")]
_row("BitwiseAnd", "bitwise_and({0}, {1})", since=18, cases=_BITS, vectorised=False)
_row("BitwiseOr", "bitwise_or({0}, {1})", since=18, cases=_BITS, vectorised=False)
_row("BitwiseXor", "bitwise_xor({0}, {1})", since=18, cases=_BITS, vectorised=False)
_row("BitwiseNot", "bitwise_not({0})", since=18, cases=[case(a=data(5, 9, dtype="int32", low=0, high=99))], vectorised=False)

_CONDITION = data("N", 19, dtype="bool", low=0, high=2)
_row("Where", "where({0}, {1}, {2})", since=9, typed_by=1, evaluate=lambda c, a, b: np.where(c, a, b) if isinstance(c, np.ndarray) else (a if c else b),
     cases=[case(condition=_CONDITION, a=("N", 19), b=(19,)), case(condition=_CONDITION, a=(1, 1), b=("N", 1)),
            case(condition=_CONDITION, a=data(19, dtype="int64", high=9), b=data(1, dtype="int64", high=9))])
