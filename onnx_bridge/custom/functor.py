"""Functors: one element of an operator's output as a C++ expression, in a form that holds the kernels' promise of the same bits.

The expression is read, not pasted: products become calls that no compiler flag contracts into a fused multiply-add, numbers take the
type of the operands, and a name that the kernels do not have is refused when the operator is declared.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from onnx_bridge.errors import DeclarationError
from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.literals import literal
from onnx_bridge.operators.pointwise import TABLE

_OPERATIONS: dict[type, str] = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "product", ast.Div: "div"}
_COMPARISONS: dict[type, str] = {
    ast.Lt: "less", ast.LtE: "less_or_equal", ast.Gt: "greater", ast.GtE: "greater_or_equal", ast.Eq: "equal",
}  # fmt: skip


def _functions() -> dict[str, tuple[int, int]]:
    """The kernels' functions: how many operands, then how many numbers each takes."""
    found = {"gelu": (1, 0), "gelu_tanh": (1, 0), "swish": (1, 1), "fma": (3, 0), "max": (2, 0), "min": (2, 0), "clip": (3, 0)}
    for row in TABLE.values():
        head = re.fullmatch(r"(\w+)\((.*)\)", row.template)
        if head is not None:
            arguments = head[2].split(", ")
            operands = sum(argument[1:-1].isdigit() for argument in arguments)
            found[head[1]] = operands, len(arguments) - operands
    return found


#: By name, the counts of operands and of numbers.
FUNCTIONS = _functions()

#: What the kernels call otherwise: windows.h has macros of these names.
_SPELT = {"max": "max_of", "min": "min_of"}


class Functor:
    """A checked expression.

    Args:
        name: of the operator, for messages.
        text: the expression.
        inputs: names that stand for elements of the inputs.
        attributes: names that stand for numbers.

    Raises:
        DeclarationError: it is no expression of these names and of the kernels' functions.
    """

    def __init__(self, name: str, text: str, inputs: Sequence[str], attributes: Sequence[str]) -> None:
        self.text, self._name, self._inputs, self._attributes = text, name, tuple(inputs), tuple(attributes)
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except SyntaxError as error:
            raise self._refusal(f"is no expression of C++ ({error.msg})") from None
        self.expression([f"{input_}_" for input_ in inputs], dict.fromkeys(attributes, 1.0))

    def expression(self, operands: Sequence[str], attributes: Mapping[str, Any]) -> str:
        """The C++ of one element.

        Args:
            operands: the C++ names of the inputs' elements.
            attributes: the attributes' numbers.
        """
        names = dict(zip(self._inputs, operands, strict=True))
        return self._written(self._tree, names, attributes)

    def _refusal(self, why: str) -> DeclarationError:
        return DeclarationError(
            f"{self._name}: the functor {self.text!r} {why}. It may use {', '.join((*self._inputs, *self._attributes))}, numbers, + - * / "
            f"< > <= >= ==, and the functions {', '.join(sorted(FUNCTIONS))}"
        )

    def _written(self, node: ast.expr, names: Mapping[str, str], attributes: Mapping[str, Any]) -> str:
        if isinstance(node, ast.Name) and node.id in names:
            return names[node.id]
        number = self._number(node, attributes)
        if number is not None:
            return f"like({next(iter(names.values()))}, {number!r})"
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
            sides = (self._written(side, names, attributes) for side in (node.left, node.right))
            return f"{_OPERATIONS[type(node.op)]}({', '.join(sides)})"
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return f"neg({self._written(node.operand, names, attributes)})"
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
            sides = (self._written(side, names, attributes) for side in (node.left, node.comparators[0]))
            return f"{_COMPARISONS[type(node.ops[0])]}({', '.join(sides)})"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            return self._call(node.func.id, node.args, names, attributes)
        raise self._refusal(f"has a part that is not known: {ast.unparse(node)}")

    def _call(self, function: str, arguments: Sequence[ast.expr], names: Mapping[str, str], attributes: Mapping[str, Any]) -> str:
        if function not in FUNCTIONS:
            raise self._refusal(f"calls {function!r}, which is not a function of the kernels")
        operands, numbers = FUNCTIONS[function]
        if len(arguments) != operands + numbers:
            raise self._refusal(f"calls {function!r} with {len(arguments)} arguments; it takes {operands + numbers}")
        written = [self._written(argument, names, attributes) for argument in arguments[:operands]]
        for argument in arguments[operands:]:
            number = self._number(argument, attributes)
            if number is None:
                raise self._refusal(f"gives {function!r} something else than a number: {ast.unparse(argument)}")
            written.append(literal(number, float32))
        return f"{_SPELT.get(function, function)}({', '.join(written)})"

    @staticmethod
    def _number(node: ast.expr, attributes: Mapping[str, Any]) -> float | None:
        if isinstance(node, ast.Name) and node.id in attributes:
            return float(attributes[node.id])
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = Functor._number(node.operand, attributes)
            return None if inner is None else -inner
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            return float(node.value)
        return None
