"""The pointwise operators, as one table: ONNX name, expression over the functions of the kernels, attributes, cases."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from onnx_bridge.ir.dtypes import FLOATS, IN_FLOAT32, STORED, DType
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, broadcast
from onnx_bridge.library import folding
from onnx_bridge.library import functions as f
from onnx_bridge.library.expressions import Expression, ExpressionError, Parameter, variables
from onnx_bridge.library.folding import by_kind, fold
from onnx_bridge.library.known import axis_in
from onnx_bridge.library.steps import PointwiseOperator
from onnx_bridge.operators.cases import Case, case, data, given

#: Attributes of opset 1 that mean nothing: a hint about memory.
HINT: dict[str, Any] = {"consumed_inputs": None}

#: How operands of two-operand operators broadcast before opset 7: those of the second lie along those of the first from `axis` on.
OLD_BROADCAST: dict[str, Any] = {"axis": None, "broadcast": 0, **HINT}


class TableOperator(PointwiseOperator):
    """A row of the table. Operands broadcast; all have one type, except the condition of Where and the result of comparisons."""

    kernels = ("pointwise.hxx",)
    #: The element of the output, of the operands' elements a, b and c and the attributes.
    row: Expression
    operand_count = 1
    evaluate: Callable[..., Any] | None = None

    def types(self, *inputs: Tensor | None) -> Type:
        if len(inputs) != self.operand_count or None in inputs:
            raise ShapeError(f"{self.operand_count} operands are needed, got {sum(tensor is not None for tensor in inputs)}")
        aligned_from_axis(self)
        operands = [tensor for tensor in self.inputs if tensor is not None]
        return Type(self._dtype(operands), broadcast(*(tensor.shape for tensor in operands)))

    def _dtype(self, operands: Sequence[Tensor]) -> DType:
        try:
            return self.row.dtype({name.name: tensor.dtype for name, tensor in zip(_abc, operands, strict=False)})
        except ExpressionError as error:
            raise ShapeError(str(error)) from None

    def values(self, *inputs: Tensor | None) -> np.ndarray | None:
        operands = [tensor for tensor in self.inputs if tensor is not None]
        return None if self.evaluate is None else fold(self.evaluate, self._dtype(operands), operands)

    def expression(self, *operands: Expression) -> Expression:
        names = {variable.name: operand for variable, operand in zip(_abc, operands, strict=False)}
        return self.row.replaced(names, {name: getattr(self, name) for name in self.attributes()})


def aligned_from_axis(op: PointwiseOperator) -> None:
    """Before opset 7: gives the second operand the axes of size 1 behind it that `axis` asks for."""
    axis = getattr(op, "axis", None)
    if axis is None or op.opset >= 7:
        return
    a, b = op.input(0), op.input(1)
    missing = a.rank - axis_in(axis, a.rank) - b.rank
    if missing <= 0:
        return
    if b.value is None:
        raise UnsupportedForm("before opset 7 a second operand that broadcasts from `axis` on must be a constant")
    shape = b.shape + (1,) * missing
    op.inputs[1] = Tensor(b.name, Type(b.dtype, shape), b.value.reshape([*b.value.shape, *[1] * missing]))


#: The classes of the table by their ONNX name.
TABLE: dict[str, type[TableOperator]] = {}


_abc = a, b, c = variables(3)
alpha, beta, gamma, bias, lambd = map(Parameter, ("alpha", "beta", "gamma", "bias", "lambd"))


def _row(
    name: str,
    row: Expression,
    *,
    since: int = 1,
    cases: Sequence[Case],
    vectorised: bool = True,
    evaluate: Callable[..., Any] | None = None,
    algebra: Callable[..., Any] | None = None,
    computes: Sequence[Sequence[DType]] = (),
    widens: Mapping[DType, DType] = PointwiseOperator.widens,
    **attributes: Any,
) -> None:
    content = {
        "__module__": __name__, "__doc__": f"y = {row.cpp()}, element by element.", "__annotations__": dict.fromkeys(attributes, Any),
        "row": row, "operand_count": len(row.variables()), "vectorised": vectorised, "cases": tuple(cases), "computes": computes,
        "widens": widens,
        "evaluate": None if evaluate is None else staticmethod(evaluate), "algebra": None if algebra is None else staticmethod(algebra),
        **{a: attribute(default) for a, default in attributes.items()},
    }  # fmt: skip
    TABLE[name] = globals()[name] = operator(name, since=since)(type(name, (TableOperator,), content))


_SPECIAL = [0.0, -0.0, math.inf, -math.inf, math.nan, 1e-40, 1e30, -1e30, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, 88.8, -104.0, -87.5]


def _unary(
    name: str,
    row: Expression | None = None,
    *,
    low: float = -4.0,
    high: float = 4.0,
    since: int = 1,
    dtypes: Sequence[str] = (),
    **rest: Any,
) -> None:
    cases = [case(x=data("N", 37, low=low, high=high)), case(x=data(0, 3)), case(x=data(low=low, high=high))]
    if low < 0:
        cases.append(case(x=given(_SPECIAL)))
    cases += [case(x=data(3, 19, dtype=dtype, low=low, high=high)) for dtype in dtypes]
    old = HINT if since == 1 else {}
    _row(name, row or f.FUNCTIONS[name.lower()](a), since=since, cases=cases, **rest, **old)


def _arithmetic(dtypes: Sequence[str]) -> list[Case]:
    cases = [
        case(a=("N", 5), b=(5,)), case(a=("N", 1, 33), b=(4, 1)), case(a=(2, 3), b=data()), case(a=(), b=(0, 2)),
        case(a=(3, 1), b=("N", 3, 7)),
    ]  # fmt: skip
    return cases + [case(a=data(3, 17, dtype=d, low=1, high=9), b=data(17, dtype=d, low=1, high=5)) for d in dtypes]


_FLOATS = ("float64", "float16")
_unary("Abs", evaluate=np.abs, dtypes=(*_FLOATS, "int8", "int16", "int32", "int64"))
_unary("Neg", evaluate=lambda a: -a, algebra=lambda a: -a, dtypes=(*_FLOATS, "int8", "int32", "int64"))
_unary("Sign", since=9, evaluate=np.sign, dtypes=(*_FLOATS, "int8", "int32", "int64"))
_unary("Ceil", evaluate=np.ceil, dtypes=_FLOATS)
_unary("Floor", evaluate=np.floor, dtypes=_FLOATS)
_unary("Round", since=11, evaluate=np.rint, dtypes=_FLOATS)
_unary("Reciprocal", evaluate=lambda a: 1 / a, algebra=lambda a: 1 / a, dtypes=("float64",))
_unary("Sqrt", evaluate=np.sqrt, dtypes=_FLOATS)
_unary("Exp", evaluate=np.exp, dtypes=_FLOATS)
_unary("Log", evaluate=np.log, dtypes=("float64",))
_unary("Sin", since=7, evaluate=np.sin, dtypes=("float64",))
_unary("Cos", since=7, evaluate=np.cos, dtypes=("float64",))
_unary("Tan", since=7, low=-1.4, high=1.4, evaluate=np.tan)
_unary("Asin", since=7, low=-1, high=1, evaluate=np.arcsin)
_unary("Acos", since=7, low=-1, high=1, evaluate=np.arccos)
_unary("Atan", since=7, evaluate=np.arctan)
_unary("Sinh", since=9, evaluate=np.sinh)
_unary("Cosh", since=9, evaluate=np.cosh)
_unary("Tanh", evaluate=np.tanh, dtypes=_FLOATS)
_unary("Asinh", since=9, evaluate=np.arcsinh)
_unary("Acosh", since=9, low=1, high=9, evaluate=np.arccosh)
_unary("Atanh", since=9, low=-0.99, high=0.99, evaluate=np.arctanh)
_unary("Erf", since=9)
_unary("Sigmoid", dtypes=_FLOATS)
_unary("Relu", dtypes=(*_FLOATS, "int8", "int32"))
_unary("LeakyRelu", f.leaky_relu(a, alpha), alpha=0.01)
_unary("Elu", f.elu(a, alpha), alpha=1.0)
_unary("Selu", f.selu(a, alpha, gamma), alpha={1: 1.6732, 6: 1.67326319217681884765625}, gamma={1: 1.0507, 6: 1.05070102214813232421875})
_unary("Celu", f.celu(a, alpha), since=12, alpha=1.0)
_unary("ThresholdedRelu", f.thresholded_relu(a, alpha), alpha=1.0)
_unary("HardSigmoid", f.hard_sigmoid(a, alpha, beta), alpha=0.2, beta=0.5)
_unary("HardSwish", f.hard_swish(a), since=14)
_unary("Softplus")
_unary("Softsign")
_unary("Mish", since=18)
_unary("Shrink", f.shrink(a, bias, lambd), since=9, computes=(FLOATS,), widens=IN_FLOAT32, bias=0.0, lambd=0.5)
_unary("IsNaN", f.is_nan(a), since=9, evaluate=np.isnan, dtypes=_FLOATS, computes=(STORED,))
_unary("IsInf", f.is_inf(a, Parameter("detect_positive"), Parameter("detect_negative")), since=10, dtypes=("float64",),
       computes=(STORED,), detect_positive=1, detect_negative=1)  # fmt: skip

_NUMBERS = ("int64", "int32", "float64", "float16", "uint8")
_row("Add", a + b, cases=_arithmetic(_NUMBERS), evaluate=lambda a, b: a + b, algebra=lambda a, b: a + b, **OLD_BROADCAST)
_row("Sub", a - b, cases=_arithmetic(_NUMBERS), evaluate=lambda a, b: a - b, algebra=lambda a, b: a - b, **OLD_BROADCAST)
_row("Mul", a * b, cases=_arithmetic(_NUMBERS), evaluate=lambda a, b: a * b, algebra=lambda a, b: a * b, **OLD_BROADCAST)
_row("Div", a / b, cases=_arithmetic(_NUMBERS), evaluate=by_kind(folding.divide_sizes, folding.divide),
     algebra=lambda a, b: a / b, **OLD_BROADCAST)  # fmt: skip

_COMPARED = [*_arithmetic(("int64", "int32", "float64")), case(a=given([1.0, math.nan, 2.0]), b=given([1.0, math.nan, 3.0]))]
_BOOLS = data(9, dtype="bool", high=2, low=0)
_row("Equal", f.equal(a, b), cases=[*_COMPARED, case(a=_BOOLS, b=_BOOLS)],
     evaluate=by_kind(folding.equal, np.equal), **OLD_BROADCAST)  # fmt: skip
_row("Less", f.less(a, b), cases=_COMPARED,
     evaluate=by_kind(lambda a, b: 1 - folding.greater_or_equal(a, b), np.less), **OLD_BROADCAST)  # fmt: skip
_row("LessOrEqual", f.less_or_equal(a, b), since=12, cases=_COMPARED,
     evaluate=by_kind(lambda a, b: folding.greater_or_equal(b, a), np.less_equal))  # fmt: skip
_row("Greater", f.greater(a, b), cases=_COMPARED,
     evaluate=by_kind(lambda a, b: 1 - folding.greater_or_equal(b, a), np.greater), **OLD_BROADCAST)  # fmt: skip
_row("GreaterOrEqual", f.greater_or_equal(a, b), since=12, cases=_COMPARED,
     evaluate=by_kind(folding.greater_or_equal, np.greater_equal))  # fmt: skip

_LOGICAL = [case(a=data("N", 19, dtype="bool", low=0, high=2), b=data(19, dtype="bool", low=0, high=2))]
_row("And", f.and_(a, b), cases=_LOGICAL, evaluate=by_kind(lambda a, b: a * b, np.logical_and), **OLD_BROADCAST)
_row("Or", f.or_(a, b), cases=_LOGICAL, evaluate=by_kind(lambda a, b: a + b - a * b, np.logical_or), **OLD_BROADCAST)
_row("Xor", f.xor_(a, b), cases=_LOGICAL, evaluate=by_kind(lambda a, b: a + b - 2 * a * b, np.logical_xor), **OLD_BROADCAST)
_row("Not", f.not_(a), cases=[case(a=data("N", 19, dtype="bool", low=0, high=2))], evaluate=by_kind(lambda a: 1 - a, np.logical_not))

_BITS = [case(a=data(5, 9, dtype=d, low=0, high=99), b=data(9, dtype=d, low=0, high=99)) for d in ("uint8", "int32", "int64")]
_row("BitwiseAnd", f.bitwise_and(a, b), since=18, cases=_BITS, vectorised=False, evaluate=lambda a, b: a & b)
_row("BitwiseOr", f.bitwise_or(a, b), since=18, cases=_BITS, vectorised=False, evaluate=lambda a, b: a | b)
_row("BitwiseXor", f.bitwise_xor(a, b), since=18, cases=_BITS, vectorised=False, evaluate=lambda a, b: a ^ b)
_row(
    "BitwiseNot",
    f.bitwise_not(a),
    since=18,
    cases=[case(a=data(5, 9, dtype="int32", low=0, high=99))],
    vectorised=False,
    evaluate=lambda a: ~a,
)

_CONDITION = data("N", 19, dtype="bool", low=0, high=2)
_row("Where", f.where(a, b, c), since=9, evaluate=by_kind(folding.choose, np.where),
     cases=[case(condition=_CONDITION, a=("N", 19), b=(19,)), case(condition=_CONDITION, a=(1, 1), b=("N", 1)),
            *(case(condition=_CONDITION, a=data(19, dtype=d, high=9, low=0), b=data(1, dtype=d, high=9, low=0))
              for d in ("int64", "uint8", "float64", "int32"))])  # fmt: skip
