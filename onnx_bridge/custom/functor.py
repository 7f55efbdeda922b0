"""Functors: one element of an operator's output as a C++ expression, in a form that holds the kernels' promise of the same bits.

The expression is read, not pasted: products become calls that no compiler flag contracts into a fused multiply-add, numbers take the
type of the operands, and a name that the kernels do not have is refused when the operator is declared.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from onnx_bridge.errors import DeclarationError
from onnx_bridge.library import functions as f
from onnx_bridge.library.expressions import Call, Constant, Expression, Function, Variable
from onnx_bridge.operators.pointwise import TABLE

_OPERATIONS: dict[type, Function] = {ast.Add: f.add, ast.Sub: f.sub, ast.Mult: f.product, ast.Div: f.div}
_COMPARISONS: dict[type, Function] = {
    ast.Lt: f.less, ast.LtE: f.less_or_equal, ast.Gt: f.greater, ast.GtE: f.greater_or_equal, ast.Eq: f.equal,
}  # fmt: skip


def _functions() -> dict[str, Function]:
    """The kernels' functions that a row of the table is, and some more, by the names that they have in functors."""
    more = {"gelu": f.gelu, "gelu_tanh": f.gelu_tanh, "swish": f.swish, "fma": f.fma, "max": f.max_of, "min": f.min_of, "clip": f.clip}
    rows = [row.row.function for row in TABLE.values() if isinstance(row.row, Call)]
    return more | {function.name: function for function in rows}


#: By name.
FUNCTIONS = _functions()


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
        self.expression([Variable(input_) for input_ in inputs], dict.fromkeys(attributes, 1.0))

    def expression(self, operands: Sequence[Expression], attributes: Mapping[str, Any]) -> Expression:
        """One element of the output.

        Args:
            operands: the inputs' elements.
            attributes: the attributes' numbers.
        """
        names = dict(zip(self._inputs, operands, strict=True))
        return self._written(self._tree, names, attributes)

    def _refusal(self, why: str) -> DeclarationError:
        return DeclarationError(
            f"{self._name}: the functor {self.text!r} {why}. It may use {', '.join((*self._inputs, *self._attributes))}, numbers, + - * / "
            f"< > <= >= ==, and the functions {', '.join(sorted(FUNCTIONS))}"
        )

    def _written(self, node: ast.expr, names: Mapping[str, Expression], attributes: Mapping[str, Any]) -> Expression:
        if isinstance(node, ast.Name) and node.id in names:
            return names[node.id]
        number = self._number(node, attributes)
        if number is not None:
            return Constant(number, next(iter(names.values())))
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
            sides = (self._written(side, names, attributes) for side in (node.left, node.right))
            return _OPERATIONS[type(node.op)](*sides)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self._written(node.operand, names, attributes)
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
            sides = (self._written(side, names, attributes) for side in (node.left, node.comparators[0]))
            return _COMPARISONS[type(node.ops[0])](*sides)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            return self._call(node.func.id, node.args, names, attributes)
        raise self._refusal(f"has a part that is not known: {ast.unparse(node)}")

    def _call(
        self, function: str, arguments: Sequence[ast.expr], names: Mapping[str, Expression], attributes: Mapping[str, Any]
    ) -> Expression:
        if function not in FUNCTIONS:
            raise self._refusal(f"calls {function!r}, which is not a function of the kernels")
        called = FUNCTIONS[function]
        if len(arguments) != called.takes + called.numbers:
            raise self._refusal(f"calls {function!r} with {len(arguments)} arguments; it takes {called.takes + called.numbers}")
        written: list[Expression | float] = [self._written(argument, names, attributes) for argument in arguments[: called.takes]]
        for argument in arguments[called.takes :]:
            number = self._number(argument, attributes)
            if number is None:
                raise self._refusal(f"gives {function!r} something else than a number: {ast.unparse(argument)}")
            written.append(number)
        return called(*written)

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
