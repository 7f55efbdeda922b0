"""Sizes that may be symbolic: integer expressions over named dims, normalised so that equal ones are equal objects.

A `Size` is an `int` or a `Dim`. A `Dim` is a polynomial with integer coefficients over atoms; an atom is a symbol or
one of floor_div, minimum, maximum of Sizes. Arithmetic returns an `int` as soon as nothing symbolic is left, so that
`isinstance(size, int)` asks whether a size is known. Symbols stand for non-negative integers.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeAlias

from onnx_bridge.errors import InvalidModel


@dataclass(frozen=True, order=True)
class Symbol:
    """A named size that is known only at run time."""

    name: str


@dataclass(frozen=True)
class Function:
    """floor_div(a, b), minimum(a, b, ...) or maximum(a, b, ...) that could not be simplified."""

    name: str
    args: tuple[Size, ...]


Atom: TypeAlias = "Symbol | Function"
Monomial: TypeAlias = "tuple[Atom, ...]"  # sorted; a power is a repetition


def _key(atom: Atom) -> tuple[str, str]:
    return (type(atom).__name__, repr(atom))


@dataclass(frozen=True)
class Dim:
    """A polynomial over atoms; never a constant (that is an `int`). Build it with `symbol` and arithmetic."""

    terms: tuple[tuple[Monomial, int], ...]

    def __add__(self, other: Size) -> Size:
        total = dict(self.terms)
        for monomial, factor in _terms(other):
            total[monomial] = total.get(monomial, 0) + factor
        return _normal(total)

    __radd__ = __add__

    def __neg__(self) -> Size:
        return _normal({monomial: -factor for monomial, factor in self.terms})

    def __sub__(self, other: Size) -> Size:
        return self + -other

    def __rsub__(self, other: Size) -> Size:
        return -self + other

    def __mul__(self, other: Size) -> Size:
        product: dict[Monomial, int] = {}
        for a, i in self.terms:
            for b, j in _terms(other):
                monomial = tuple(sorted(a + b, key=_key))
                product[monomial] = product.get(monomial, 0) + i * j
        return _normal(product)

    __rmul__ = __mul__

    def __floordiv__(self, other: Size) -> Size:
        return floor_div(self, other)

    def __rfloordiv__(self, other: Size) -> Size:
        return floor_div(other, self)

    def __mod__(self, other: Size) -> Size:
        return self - floor_div(self, other) * other

    def __rmod__(self, other: Size) -> Size:
        return other - floor_div(other, self) * self

    def __str__(self) -> str:
        return show(self)

    __repr__ = __str__


Size: TypeAlias = "int | Dim"


def _terms(size: Size) -> tuple[tuple[Monomial, int], ...]:
    return size.terms if isinstance(size, Dim) else (((), int(size)),)


def _normal(terms: Mapping[Monomial, int]) -> Size:
    kept = {monomial: factor for monomial, factor in terms.items() if factor}
    if not kept:
        return 0
    if len(kept) == 1 and () in kept:
        return kept[()]
    # Higher degrees first, the constant last: N*64 + 3.
    return Dim(tuple(sorted(kept.items(), key=lambda item: (-len(item[0]), [_key(atom) for atom in item[0]]))))


def symbol(name: str) -> Dim:
    """The size called `name`."""
    return Dim((((Symbol(name),), 1),))


def _atom(name: str, *args: Size) -> Dim:
    return Dim((((Function(name, args),), 1),))


def _divide_monomial(monomial: Monomial, by: Monomial) -> Monomial | None:
    rest = list(monomial)
    for atom in by:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)


def floor_div(a: Size, b: Size) -> Size:
    """The largest integer not above a / b. What `b` divides is taken out of the division."""
    if isinstance(a, int) and isinstance(b, int):
        if b == 0:
            raise InvalidModel("a size is divided by zero")
        return a // b
    if b == 1 or a == 0:
        return a
    if a == b:
        return 1
    divisor = _terms(b)
    if len(divisor) == 1:
        by, factor = divisor[0]
        whole: dict[Monomial, int] = {}
        rest: dict[Monomial, int] = {}
        for monomial, coefficient in _terms(a):
            quotient = _divide_monomial(monomial, by)
            if quotient is not None and coefficient % factor == 0:
                whole[quotient] = coefficient // factor
            elif quotient == () and not monomial and not by:
                whole[()] = whole.get((), 0) + coefficient // factor
                rest[()] = coefficient % factor
            else:
                rest[monomial] = coefficient
        left = _normal(rest)
        if isinstance(left, int) and isinstance(b, int) and 0 <= left < b:
            left = 0
        if left == 0:
            return _normal(whole)
        if any(whole.values()):
            return _normal(whole) + floor_div(left, b)
        common = math.gcd(factor, *(c for _, c in _terms(left))) if not by else 1
        if common > 1:
            return floor_div(_normal({m: c // common for m, c in _terms(left)}), factor // common)
    elif isinstance(a, Dim):
        # A multiple of a sum, such as (2*N + 2) // (N + 1).
        for candidate in {coefficient // divisor[0][1] for _, coefficient in a.terms}:
            if candidate and b * candidate == a:
                return candidate
        lead = _divide_monomial(a.terms[0][0], divisor[0][0])
        if lead is not None and a.terms[0][1] % divisor[0][1] == 0:
            quotient_size = _normal({lead: a.terms[0][1] // divisor[0][1]})
            if quotient_size * b == a:
                return quotient_size
    if isinstance(a, Dim) and isinstance(b, int) and b > 0:
        inner, offset = _inner_division(a)
        if inner is not None:  # (n // 2 + 1) // 3 is (n + 2) // 6
            return floor_div(inner.args[0] + inner.args[1] * offset, inner.args[1] * b)
    return _atom("floor_div", a, b)


def _inner_division(size: Dim) -> tuple[Function | None, int]:
    """The division by a positive number that a size is, but for a number added to it."""
    terms = dict(size.terms)
    offset = terms.pop((), 0)
    if len(terms) != 1:
        return None, 0
    ((monomial, factor),) = terms.items()
    atom = monomial[0]
    if factor != 1 or len(monomial) != 1 or not isinstance(atom, Function) or atom.name != "floor_div":
        return None, 0
    return (atom, offset) if isinstance(atom.args[1], int) and atom.args[1] > 0 else (None, 0)


def ceil_div(a: Size, b: Size) -> Size:
    """The smallest integer not below a / b."""
    if isinstance(a, int) and isinstance(b, int):
        return -(-a // b)
    return floor_div(a + (b - 1), b)


def lower_bound(size: Size) -> int | None:
    """A number that the size is never below (symbols are >= 0), or None."""
    if isinstance(size, int):
        return size
    total = 0
    for monomial, factor in size.terms:
        if not monomial:
            total += factor
        elif factor < 0:
            bound = _atom_limit(monomial[0]) if len(monomial) == 1 else None
            if bound is None:
                return None
            total += factor * bound
        else:
            bounds = [_atom_bound(atom) for atom in monomial]
            if any(bound is None for bound in bounds):
                return None
            total += factor * math.prod(bound or 0 for bound in bounds)
    return total


def _atom_bound(atom: Atom) -> int | None:
    """What an atom is never below, if that is not negative."""
    if isinstance(atom, Symbol):
        return 0
    bounds = [lower_bound(arg) for arg in atom.args]
    if atom.name == "maximum":
        return max((bound for bound in bounds if bound is not None and bound >= 0), default=None)
    if any(bound is None or bound < 0 for bound in bounds):
        return None
    return min(bound or 0 for bound in bounds) if atom.name == "minimum" else 0


def _atom_limit(atom: Atom) -> int | None:
    """What a minimum is never above."""
    if isinstance(atom, Symbol) or atom.name != "minimum":
        return None
    return min((arg for arg in atom.args if isinstance(arg, int)), default=None)


#: Sizes that are taken to be >= 0 though the symbols alone do not say so: conditions on the symbols, checked at run time.
_assumed: ContextVar[list[Size] | None] = ContextVar("assumed", default=None)


@contextmanager
def assuming(conditions: list[Size]) -> Iterator[None]:
    """Makes use of `conditions`, sizes that are not negative; `assume` adds to them."""
    token = _assumed.set(conditions)
    try:
        yield
    finally:
        _assumed.reset(token)


def assume(size: Size) -> None:
    """Takes it that a size is not negative: outside of what is meant for, so that it may be refused at run time."""
    conditions = _assumed.get()
    inner, offset = _inner_division(size) if isinstance(size, Dim) else (None, 0)
    if inner is not None:  # floor(a / b) + c is not negative where a + b * c is not
        assume(inner.args[0] + inner.args[1] * offset)
    elif conditions is not None and isinstance(size, Dim) and not at_least(size, 0):
        conditions.append(size)


def essential(conditions: Iterable[Size]) -> list[Size]:
    """The conditions without those that follow from others."""
    kept = list(conditions)
    for condition in list(kept):
        others = [other for other in kept if other is not condition]
        with assuming(others):
            if at_least(condition, 0):
                kept = others
    return kept


def at_least(a: Size, b: Size) -> bool:
    """Whether a >= b for certain, or by what is assumed."""
    difference = a - b
    if isinstance(difference, int):
        return difference >= 0
    bounds = (lower_bound(difference - known) for known in (0, *(_assumed.get() or ())))
    return any(bound is not None and bound >= 0 for bound in bounds)


def _extreme(name: str, sizes: Iterable[Size], beats: Callable[[Size, Size], bool]) -> Size:
    kept: list[Size] = []
    for size in sizes:
        flat = _arguments(size, name) or [size]
        for candidate in flat:
            if any(beats(other, candidate) for other in kept):
                continue
            kept = [other for other in kept if not beats(candidate, other)] + [candidate]
    if len(kept) == 1:
        return kept[0]
    return _atom(name, *sorted(kept, key=lambda size: (isinstance(size, Dim), str(size))))


def _arguments(size: Size, name: str) -> list[Size]:
    """The arguments of a size that is nothing but a call of the function `name`; none if it is anything else."""
    if not _is_function(size, name) or not isinstance(size, Dim):
        return []
    atom = size.terms[0][0][0]
    return list(atom.args) if isinstance(atom, Function) else []


def _is_function(size: Size, name: str) -> bool:
    if not isinstance(size, Dim) or len(size.terms) != 1:
        return False
    monomial, factor = size.terms[0]
    return factor == 1 and len(monomial) == 1 and isinstance(monomial[0], Function) and monomial[0].name == name


def _minimum(*sizes: Size) -> Size:
    return _extreme("minimum", sizes, lambda a, b: at_least(b, a))


def _maximum(*sizes: Size) -> Size:
    return _extreme("maximum", sizes, at_least)


def minimum(*sizes: Size) -> Size:
    """The smallest of some sizes."""
    return _plainer(_minimum(*sizes))


def maximum(*sizes: Size) -> Size:
    """The largest of some sizes."""
    return _plainer(_maximum(*sizes))


def _plainer(size: Size) -> Size:
    """The size, as what it is from 1 on in one of its symbols if that is plainer and holds at 0, too: max(0, min(1, n) + n - 1) is n."""
    for name in sorted(symbols(size)):
        from_one = substitute(size, {name: symbol(name) + 1})
        plain = substitute(from_one, {name: symbol(name) - 1})
        if _functions(plain) < _functions(size) and substitute(plain, {name: 0}) == substitute(size, {name: 0}):
            return _plainer(plain)
    return size


def _functions(size: Size) -> int:
    """How many functions a size is made of."""
    atoms = [atom for monomial, _ in _terms(size) for atom in monomial]
    return sum(1 + sum(map(_functions, atom.args)) for atom in atoms if isinstance(atom, Function))


def product(sizes: Iterable[Size]) -> Size:
    """The product of some sizes; 1 for none."""
    result: Size = 1
    for size in sizes:
        result = result * size
    return result


def symbols(size: Size) -> set[str]:
    """The names of the symbols in a size."""
    found: set[str] = set()
    for monomial, _ in _terms(size):
        for atom in monomial:
            if isinstance(atom, Symbol):
                found.add(atom.name)
            else:
                found.update(*(symbols(arg) for arg in atom.args))
    return found


_FUNCTIONS: dict[str, Callable[..., Size]] = {"floor_div": floor_div, "minimum": _minimum, "maximum": _maximum}


def is_linear(size: Size) -> bool:
    """Whether a size is a sum of multiples of symbols and a number."""
    return all(len(monomial) <= 1 and all(isinstance(atom, Symbol) for atom in monomial) for monomial, _ in _terms(size))


def substitute(size: Size, values: Mapping[str, Size]) -> Size:
    """The size with some symbols replaced; an `int` when all of them are replaced by numbers."""
    if isinstance(size, int):
        return size
    total: Size = 0
    for monomial, factor in size.terms:
        part: Size = factor
        for atom in monomial:
            if isinstance(atom, Symbol):
                part = part * values.get(atom.name, symbol(atom.name))
            else:
                part = part * _FUNCTIONS[atom.name](*(substitute(arg, values) for arg in atom.args))
        total = total + part
    return total


def evaluate(size: Size, values: Mapping[str, int]) -> int:
    """The number that a size is for given values of its symbols."""
    result = substitute(size, values)
    if not isinstance(result, int):
        raise KeyError(f"no value for {sorted(symbols(result))} in {show(size)}")
    return result


def show(size: Size, name: Callable[[str], str] = str) -> str:
    """The size as text, which is also C++ over functions floor_div, minimum, maximum; `name` spells the symbols."""
    if isinstance(size, int):
        return str(size)

    def atom_text(atom: Atom) -> str:
        if isinstance(atom, Symbol):
            return name(atom.name)
        return f"{atom.name}({', '.join(show(arg, name) for arg in atom.args)})"

    text = ""
    for monomial, factor in size.terms:
        parts = [atom_text(atom) for atom in monomial]
        if abs(factor) != 1 or not parts:
            parts.insert(0, str(abs(factor)))
        sign = "-" if factor < 0 else "+"
        joined = " * ".join(parts)
        text = f"{text} {sign} {joined}" if text else (joined if factor > 0 else f"-{joined}")
    return text


def parse(text: str) -> Size:
    """A dim name of an ONNX model as a size: `batch`, `2*batch`, `floor(n/2) + 1`. What is no expression is one symbol."""
    cleaned = re.sub(r"[^0-9A-Za-z_]", "_", text)
    try:
        tree = ast.parse(text.strip().replace("floor", "").replace("/", "//").replace("////", "//"), mode="eval")
        return _from_ast(tree.body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return symbol(cleaned if cleaned and not cleaned[0].isdigit() else f"d_{cleaned}")


def _from_ast(node: ast.expr) -> Size:
    if isinstance(node, ast.Name):
        return symbol(re.sub(r"[^0-9A-Za-z_]", "_", node.id))
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.BinOp):
        left, right = _from_ast(node.left), _from_ast(node.right)
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
        if isinstance(node.op, ast.FloorDiv) and right != 0:
            return floor_div(left, right)
    raise ValueError("not an expression of sizes")
