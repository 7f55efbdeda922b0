"""Polynomials with integer coefficients over atoms: what symbolic sizes are, and their arithmetic."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from onnx_bridge.errors import InvalidModel

#: The longest size, in `parts`: those of sound models have some dozens; a hostile file's would grow until memory ends.
LONGEST = 4096


class SizeTooLong(InvalidModel):
    """A size of a model whose expression is longer than LONGEST."""


class DividedByZero(InvalidModel):
    """A size that divides by another one, where that is zero: of such a model no call is taken, of a model with open sizes some are not."""


@dataclass(frozen=True, order=True)
class Symbol:
    """A named size that is known only at run time; `signed` is one that may be negative, as a pad."""

    name: str
    signed: bool = field(default=False, repr=False)


@dataclass(frozen=True)
class Function:
    """floor_div(a, b), minimum(a, b, ...) or maximum(a, b, ...) that could not be simplified."""

    name: str
    args: tuple[Size, ...]
    length: int = field(init=False, compare=False, repr=False)
    hashed: int = field(init=False, compare=False, repr=False)  # once: whoever hashes what is made of it would walk through all of it
    key: tuple[str, str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", _bounded(1 + sum(map(parts, self.args))))
        object.__setattr__(self, "hashed", hash((self.name, self.args)))
        object.__setattr__(self, "key", ("Function", repr(self)))

    def __hash__(self) -> int:
        return self.hashed


Atom: TypeAlias = "Symbol | Function"
Monomial: TypeAlias = "tuple[Atom, ...]"  # sorted; a power is a repetition


def _key(atom: Atom) -> tuple[str, str]:
    return atom.key if isinstance(atom, Function) else (type(atom).__name__, repr(atom))


@dataclass(frozen=True)
class Dim:
    """A polynomial over atoms; never a constant (that is an `int`). Build it with `symbol` and arithmetic."""

    terms: tuple[tuple[Monomial, int], ...]
    length: int = field(init=False, compare=False, repr=False)
    hashed: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hashed", hash(self.terms))
        inside = sum(atom.length if isinstance(atom, Function) else 1 for monomial, _ in self.terms for atom in monomial)
        object.__setattr__(self, "length", _bounded(len(self.terms) + inside))

    def __hash__(self) -> int:
        return self.hashed

    def __add__(self, other: Size) -> Size:
        total = dict(self.terms)
        for monomial, factor in terms_of(other):
            total[monomial] = total.get(monomial, 0) + factor
        return normal(total)

    __radd__ = __add__

    def __neg__(self) -> Size:
        return normal({monomial: -factor for monomial, factor in self.terms})

    def __sub__(self, other: Size) -> Size:
        return self + -other

    def __rsub__(self, other: Size) -> Size:
        return -self + other

    def __mul__(self, other: Size) -> Size:
        _bounded(len(self.terms) * len(terms_of(other)) // 16)  # of which many may come together
        product: dict[Monomial, int] = {}
        for a, i in self.terms:
            for b, j in terms_of(other):
                monomial = tuple(sorted(a + b, key=_key))
                product[monomial] = product.get(monomial, 0) + i * j
        return normal(product)

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


def terms_of(size: Size) -> tuple[tuple[Monomial, int], ...]:
    """The terms of a size; a number is one term without atoms."""
    return size.terms if isinstance(size, Dim) else (((), int(size)),)


def normal(terms: Mapping[Monomial, int]) -> Size:
    """The size that has these terms, in the one form that equal sizes have."""
    kept = {monomial: factor for monomial, factor in terms.items() if factor}
    if not kept:
        return 0
    if len(kept) == 1 and () in kept:
        return kept[()]
    # Higher degrees first, the constant last: N*64 + 3.
    return Dim(tuple(sorted(kept.items(), key=lambda item: (-len(item[0]), [_key(atom) for atom in item[0]]))))


def symbol(name: str, signed: bool = False) -> Dim:
    """The size called `name`; it is not negative unless it is `signed`."""
    return Dim((((Symbol(name, signed),), 1),))


def function_of(name: str, *args: Size) -> Dim:
    """A function of sizes that cannot be simplified."""
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
    if b == 0:
        raise DividedByZero("a size is divided by zero")
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    if b == 1 or a == 0:
        return a
    if a == b:
        return 1
    divisor = terms_of(b)
    if len(divisor) == 1:
        by, factor = divisor[0]
        whole: dict[Monomial, int] = {}
        rest: dict[Monomial, int] = {}
        for monomial, coefficient in terms_of(a):
            quotient = _divide_monomial(monomial, by)
            if quotient is not None and coefficient % factor == 0:
                whole[quotient] = coefficient // factor
            elif quotient == () and not monomial and not by:
                whole[()] = whole.get((), 0) + coefficient // factor
                rest[()] = coefficient % factor
            else:
                rest[monomial] = coefficient
        left = normal(rest)
        if isinstance(left, int) and isinstance(b, int) and 0 <= left < b:
            left = 0
        if left == 0:
            return normal(whole)
        if any(whole.values()):
            return normal(whole) + floor_div(left, b)
        common = math.gcd(factor, *(c for _, c in terms_of(left))) if not by else 1
        if common > 1:
            return floor_div(normal({m: c // common for m, c in terms_of(left)}), factor // common)
    elif isinstance(a, Dim):
        # A multiple of a sum, such as (2*N + 2) // (N + 1).
        for candidate in {coefficient // divisor[0][1] for _, coefficient in a.terms}:
            if candidate and b * candidate == a:
                return candidate
        lead = _divide_monomial(a.terms[0][0], divisor[0][0])
        if lead is not None and a.terms[0][1] % divisor[0][1] == 0:
            quotient_size = normal({lead: a.terms[0][1] // divisor[0][1]})
            if quotient_size * b == a:
                return quotient_size
    if isinstance(a, Dim) and isinstance(b, int) and b > 0:
        inner, offset = inner_division(a)
        if inner is not None:  # (n // 2 + 1) // 3 is (n + 2) // 6
            return floor_div(inner.args[0] + inner.args[1] * offset, inner.args[1] * b)
    return function_of("floor_div", a, b)


def inner_division(size: Dim) -> tuple[Function | None, int]:
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


def symbols(size: Size) -> set[str]:
    """The names of the symbols in a size."""
    return {atom.name for atom in _symbols(size)}


def signed_symbols(size: Size) -> set[str]:
    """The names of those symbols in a size that may be negative."""
    return {atom.name for atom in _symbols(size) if atom.signed}


def _symbols(size: Size) -> Iterator[Symbol]:
    for monomial, _ in terms_of(size):
        for atom in monomial:
            if isinstance(atom, Symbol):
                yield atom
            else:
                for arg in atom.args:
                    yield from _symbols(arg)


def parts(size: Size) -> int:
    """How long a size is: its terms, and what is in them, functions with what they are of."""
    return size.length if isinstance(size, Dim) else 1


def _bounded(length: int) -> int:
    """A length that a size may have.

    Raises:
        SizeTooLong: it may not.
    """
    if length > LONGEST:
        raise SizeTooLong(f"a size of the model is an expression of more than {LONGEST} parts: no sound model has such a size")
    return length


def repeated(sizes: Iterable[Size]) -> list[Function]:
    """The functions that stand in more than one place of some sizes, each once it has been written down; those that others are of first."""
    places: Counter[Function] = Counter()
    ordered: list[Function] = []

    def look(size: Size) -> None:
        for atom in (atom for monomial, _ in terms_of(size) for atom in monomial):
            if isinstance(atom, Function):
                places[atom] += 1
                if places[atom] == 1:
                    for arg in atom.args:
                        look(arg)
                    ordered.append(atom)

    for size in sizes:
        look(size)
    return [function for function in ordered if places[function] > 1]


def show(size: Size, name: Callable[[str], str] = str, named: Mapping[Function, str] = MappingProxyType({})) -> str:
    """The size as text, which is also C++ over functions floor_div, minimum, maximum; `name` spells the symbols, `named` some functions."""
    if isinstance(size, int):
        return str(size)

    def atom_text(atom: Atom) -> str:
        if isinstance(atom, Symbol):
            return name(atom.name)
        return named.get(atom) or f"{atom.name}({', '.join(show(arg, name, named) for arg in atom.args)})"

    text = ""
    for monomial, factor in size.terms:
        parts = [atom_text(atom) for atom in monomial]
        if abs(factor) != 1 or not parts:
            parts.insert(0, str(abs(factor)))
        sign = "-" if factor < 0 else "+"
        joined = " * ".join(parts)
        text = f"{text} {sign} {joined}" if text else (joined if factor > 0 else f"-{joined}")
    return text
