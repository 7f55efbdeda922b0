"""Names of dims in a model's file: what each says as a size."""

from __future__ import annotations

import ast
import re

from onnx_bridge.ir.polynomials import Size, SizeTooLong, floor_div, symbol

#: What is looked at as an expression at all. A name may have signs in it, `batch-size`: sums are written with spaces around theirs.
_PLAIN = re.compile(r"[A-Za-z0-9_ ()*/+-]+")
_JOINED = re.compile(r"\S[+-]|[+-](?=\S)(?!\d)")


def parse(text: str) -> Size:
    """The name of a dim as a size: `2*batch`, `s77 + 1`, `floor(n/2) + 1`. What is not plainly an expression is one symbol, called so."""
    if not _PLAIN.fullmatch(text) or _JOINED.search(text) or len(text) > 200:
        return symbol(text)
    try:
        return _from_ast(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError, SizeTooLong):
        return symbol(text)


def _from_ast(node: ast.expr) -> Size:
    if isinstance(node, ast.Name):
        return symbol(node.id)
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_from_ast(node.operand)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "floor" and len(node.args) == 1:
        (inner,) = node.args
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Div):
            return _quotient(inner)
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.FloorDiv):
            return _quotient(node)
        left, right = _from_ast(node.left), _from_ast(node.right)
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
    raise ValueError("not an expression of sizes")


def _quotient(node: ast.BinOp) -> Size:
    divisor = _from_ast(node.right)
    if divisor == 0:
        raise ValueError("a division by zero")
    return floor_div(_from_ast(node.left), divisor)
