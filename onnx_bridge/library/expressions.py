"""Expressions: what one element of a pointwise operator's output is of the inputs' elements, as a tree.

A tree prints as C++ over the functions of kernels/pointwise.hxx, is computed with numpy, has a derivative, a type and a cost. It is written
as it is read: `x * sigmoid(x)`, `leaky_relu(x, alpha)`; `+ - * /` and the sign are the kernels' add, sub, product, div and neg.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from onnx_bridge.ir.dtypes import DType, float32
from onnx_bridge.ir.literals import literal

#: What a function takes besides elements: a number, or the name of an attribute that has one.
Number: TypeAlias = "float | int | Parameter"


class ExpressionError(Exception):
    """An expression has no derivative or no type here: the message says of what."""


@dataclass(frozen=True)
class Parameter:
    """A number that is an attribute of the operator."""

    name: str


@dataclass(frozen=True)
class Expression:
    """A node of a tree. Equal trees are equal; a tree is never changed."""

    def cpp(self) -> str:
        """The C++ of one element, or of a vector of elements."""
        raise NotImplementedError

    def compute(self, values: Mapping[str, Any]) -> Any:
        """The value with numpy, from the values of the variables."""
        raise NotImplementedError

    def dtype(self, types: Mapping[str, DType]) -> DType:
        """The element type, from those of the variables.

        Raises:
            ExpressionError: a function is given elements of several types.
        """
        raise NotImplementedError

    def derivative(self, by: Variable) -> Expression:
        """The derivative by a variable; where there is none (at steps and corners) one of the one-sided ones.

        Raises:
            ExpressionError: a function of integers or bits stands between the two.
        """
        raise NotImplementedError

    @property
    def cost(self) -> int:
        """About how many vector instructions the kernels take for it; each use of a tree counts."""
        return 0

    def replaced(self, variables: Mapping[str, Expression], parameters: Mapping[str, float | int]) -> Expression:
        """The same of other expressions instead of variables, with numbers for parameters."""
        raise NotImplementedError

    def variables(self) -> set[Variable]:
        """The variables in it."""
        return set()

    def __add__(self, other: Expression) -> Expression:
        return ADD(self, other)

    def __sub__(self, other: Expression) -> Expression:
        return SUB(self, other)

    def __mul__(self, other: Expression) -> Expression:
        return PRODUCT(self, other)

    def __truediv__(self, other: Expression) -> Expression:
        return DIV(self, other)

    def __neg__(self) -> Expression:
        return NEG(self)


@dataclass(frozen=True)
class Variable(Expression):
    """An element of an operand. Its name is what it is called in C++; a literal can be one, too."""

    name: str

    def cpp(self) -> str:
        return self.name

    def compute(self, values: Mapping[str, Any]) -> Any:
        return values[self.name]

    def dtype(self, types: Mapping[str, DType]) -> DType:
        return types[self.name]

    def derivative(self, by: Variable) -> Expression:
        return Constant(float(self == by), by)

    def replaced(self, variables: Mapping[str, Expression], parameters: Mapping[str, float | int]) -> Expression:
        return variables.get(self.name, self)

    def variables(self) -> set[Variable]:
        return {self}


@dataclass(frozen=True)
class Constant(Expression):
    """A number of the type of another expression, which says only that."""

    value: float | int
    like: Expression

    def cpp(self) -> str:
        return f"like({self.like.cpp()}, {self.value!r})"

    def compute(self, values: Mapping[str, Any]) -> Any:
        return np.asarray(self.value).astype(np.asarray(self.like.compute(values)).dtype)

    def dtype(self, types: Mapping[str, DType]) -> DType:
        return self.like.dtype(types)

    def derivative(self, by: Variable) -> Expression:
        return Constant(0.0, by)

    def replaced(self, variables: Mapping[str, Expression], parameters: Mapping[str, float | int]) -> Expression:
        return Constant(self.value, self.like.replaced(variables, parameters))

    def variables(self) -> set[Variable]:
        return self.like.variables()


@dataclass(frozen=True)
class Call(Expression):
    """A function of elements, then of numbers."""

    function: Function
    operands: tuple[Expression, ...]
    numbers: tuple[Number, ...] = ()

    def cpp(self) -> str:
        return f"{self.function.name}({', '.join([*(x.cpp() for x in self.operands), *(_spelt(n) for n in self.numbers)])})"

    def compute(self, values: Mapping[str, Any]) -> Any:
        return self.function.numpy(*(x.compute(values) for x in self.operands), *self.numbers)

    def dtype(self, types: Mapping[str, DType]) -> DType:
        found = [x.dtype(types) for x in self.operands]
        alike = found[self.function.typed_by :]
        for kind in alike[1:]:
            if kind is not alike[0]:
                raise ExpressionError(f"operands must have one type, got {alike[0]} and {kind}")
        return self.function.result or alike[0]

    def derivative(self, by: Variable) -> Expression:
        total: Expression = Constant(0.0, by)
        for index, operand in enumerate(self.operands):
            inner = operand.derivative(by)
            if not _is(inner, 0):
                total = _plus(total, _times(self._partial(index), inner))
        return total

    def _partial(self, index: int) -> Expression:
        """The derivative by an operand."""
        partials = self.function.partials
        if partials is None:
            raise ExpressionError(f"{self.function.name} has no derivative")
        found = partials(*self.operands, *self.numbers)[index]
        return Constant(0.0, self.operands[-1]) if found is None else found

    @property
    def cost(self) -> int:
        return self.function.cost + sum(x.cost for x in self.operands)

    def replaced(self, variables: Mapping[str, Expression], parameters: Mapping[str, float | int]) -> Expression:
        numbers = tuple(parameters.get(n.name, n) if isinstance(n, Parameter) else n for n in self.numbers)
        return Call(self.function, tuple(x.replaced(variables, parameters) for x in self.operands), numbers)

    def variables(self) -> set[Variable]:
        return {variable for x in self.operands for variable in x.variables()}


@dataclass(frozen=True, eq=False)
class Function:
    """A function of the kernels.

    Attributes:
        name: in C++.
        takes: how many elements.
        cost: about how many vector instructions it takes.
        numpy: the same of arrays, and of its numbers.
        partials: its derivatives by each element, as expressions of its arguments; None for one that is 0 wherever there is one, and for
            all of them where it has no derivatives.
        numbers: how many numbers it takes behind the elements.
        result: the element type where it is not the operands'.
        typed_by: the first operand that has the type of the result.
    """

    name: str
    takes: int
    cost: int
    numpy: Callable[..., Any]
    partials: Callable[..., Sequence[Expression | None]] | None = None
    numbers: int = 0
    result: DType | None = None
    typed_by: int = 0

    def __call__(self, *arguments: Any) -> Expression:
        if len(arguments) != self.takes + self.numbers:
            raise TypeError(f"{self.name} takes {self.takes + self.numbers} arguments, got {len(arguments)}")
        return Call(self, tuple(arguments[: self.takes]), tuple(arguments[self.takes :]))


def _spelt(number: Number) -> str:
    """A number, or the name of one, as C++."""
    if isinstance(number, Parameter):
        return number.name
    return literal(number, float32) if isinstance(number, float) else str(number)


def _is(expression: Expression, number: float) -> bool:
    return isinstance(expression, Constant) and expression.value == number


def _plus(a: Expression, b: Expression) -> Expression:
    return b if _is(a, 0) else a if _is(b, 0) else a + b


def _times(a: Expression, b: Expression) -> Expression:
    if _is(a, 0) or _is(b, 1):
        return a
    return b if _is(b, 0) or _is(a, 1) else a * b


def variables(count: int) -> tuple[Variable, ...]:
    """Variables for a table's rows: a, b, c ..."""
    return tuple(Variable("abcdefgh"[i]) for i in range(count))


def flat(*operands: Expression) -> Sequence[Expression | None]:
    """The derivatives of what is constant between its steps."""
    return [None] * len(operands)


# What the operators of Expression are; the other functions stand in functions.py.
ADD = Function("add", 2, 1, np.add, lambda a, b: (Constant(1.0, a), Constant(1.0, b)))
SUB = Function("sub", 2, 1, np.subtract, lambda a, b: (Constant(1.0, a), Constant(-1.0, b)))
PRODUCT = Function("product", 2, 1, np.multiply, lambda a, b: (b, a))
DIV = Function("div", 2, 4, np.divide, lambda a, b: (Constant(1.0, b) / b, -(a / (b * b))))
NEG = Function("neg", 1, 1, np.negative, lambda a: (Constant(-1.0, a),))
