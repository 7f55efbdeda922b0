"""Sizes that may be symbolic: integer expressions over named dims, normalised so that equal ones are equal objects.

A `Size` is an `int` or a `Dim`. A `Dim` is a polynomial with integer coefficients over atoms; an atom is a symbol or
one of floor_div, minimum, maximum of Sizes. Arithmetic returns an `int` as soon as nothing symbolic is left, so that
`isinstance(size, int)` asks whether a size is known. Symbols stand for non-negative integers, but for those that are `signed`: values of
inputs that decide sizes and may be negative, as pads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from onnx_bridge.errors import InvalidModel
from onnx_bridge.ir.bounds import assume, assuming, at_least, essential, lower_bound
from onnx_bridge.ir.polynomials import (
    Dim,
    DividedByZero,
    Function,
    Size,
    SizeTooLong,
    Symbol,
    ceil_div,
    floor_div,
    function_of,
    parts,
    repeated,
    show,
    signed_symbols,
    symbol,
    symbols,
    terms_of,
)

__all__ = [
    "Dim", "DividedByZero", "Function", "Size", "SizeTooLong", "Symbol", "assume", "assuming", "at_least", "at_most", "ceil_div", "differs",
    "equal", "essential", "evaluate", "floor_div", "function_of", "holds", "is_linear", "largest_factor", "lower_bound", "maximum",
    "minimum", "parts", "product", "repeated", "selected", "show", "signed_symbols", "substitute", "symbol", "symbols",
]  # fmt: skip


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
    return function_of(name, *sorted(kept, key=lambda size: (isinstance(size, Dim), str(size))))


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
    for name in sorted(symbols(size) - signed_symbols(size)):
        from_one = substitute(size, {name: symbol(name) + 1})
        plain = substitute(from_one, {name: symbol(name) - 1})
        if _functions(plain) < _functions(size) and _holds_at_0(plain, size, name):
            return _plainer(plain)
    return size


def _holds_at_0(plain: Size, size: Size, name: str) -> bool:
    """Whether two sizes are equal where a symbol is 0: not where the first one divides by 0 there, as 7 / n does for 7 / max(1, n)."""
    try:
        return substitute(plain, {name: 0}) == substitute(size, {name: 0})
    except InvalidModel:
        return False


def _functions(size: Size) -> int:
    """How many functions a size is made of."""
    atoms = [atom for monomial, _ in terms_of(size) for atom in monomial]
    return sum(1 + sum(map(_functions, atom.args)) for atom in atoms if isinstance(atom, Function))


def holds(margin: Size) -> Size:
    """1 where a size is at least 1, else 0."""
    return minimum(1, maximum(0, margin))


def differs(size: Size, others: Iterable[Size]) -> Size:
    """1 where a size is none of the others, else 0."""
    return _minimum(1, *(_maximum(0, size - other, other - size) for other in others))


def equal(a: Size, b: Size) -> Size:
    """1 where two sizes are equal, else 0."""
    return _maximum(0, _minimum(1 + a - b, 1 + b - a))


def selected(choices: Iterable[tuple[Size, Size]]) -> Size:
    """Of pairs of a flag, 1 or 0, and a size that is not negative, the size whose flag is 1: of one pair at most; 0 if there is none."""
    possible = [(flag, size) for flag, size in choices if flag != 0]
    certain = [size for flag, size in possible if flag == 1]
    return certain[0] if certain else _maximum(*(flag * size for flag, size in possible), 0)


def product(sizes: Iterable[Size]) -> Size:
    """The product of some sizes; 1 for none."""
    result: Size = 1
    for size in sizes:
        result = result * size
    return result


def largest_factor(size: Size) -> int:
    """The largest magnitude of the numbers that a size is made of: the number itself, or those before its symbols."""
    return max((abs(factor) for _, factor in terms_of(size)), default=0)


_FUNCTIONS: dict[str, Callable[..., Size]] = {"floor_div": floor_div, "minimum": _minimum, "maximum": _maximum}


def is_linear(size: Size) -> bool:
    """Whether a size is a sum of multiples of symbols and a number."""
    return all(len(monomial) <= 1 and all(isinstance(atom, Symbol) for atom in monomial) for monomial, _ in terms_of(size))


def substitute(size: Size, values: Mapping[str, Size]) -> Size:
    """The size with some symbols replaced; an `int` when all of them are replaced by numbers."""
    if isinstance(size, int):
        return size
    total: Size = 0
    for monomial, factor in size.terms:
        part: Size = factor
        for atom in monomial:
            if isinstance(atom, Symbol):
                part = part * values.get(atom.name, symbol(atom.name, atom.signed))
            else:
                part = part * _FUNCTIONS[atom.name](*(substitute(arg, values) for arg in atom.args))
        total = total + part
    return total


def at_most(size: Size, limits: Mapping[str, Size]) -> Size:
    """A size that another is never above, where some symbols are never above their limits.

    Raises:
        ValueError: none can be told.
    """
    if symbols(size).isdisjoint(limits) or not isinstance(size, Dim):
        return size
    total: Size = 0
    for monomial, factor in size.terms:
        term = Dim(((monomial, factor),)) if monomial else factor
        if symbols(term).isdisjoint(limits):
            total = total + term
        elif not all(at_least(Dim((((atom,), 1),)), 0) for atom in monomial):
            raise ValueError(f"no limit of {size} can be told")
        elif factor > 0:  # a negative one is at most 0
            total = total + factor * product(_atom_at_most(atom, limits) for atom in monomial)
    return total


def _atom_at_most(atom: Symbol | Function, limits: Mapping[str, Size]) -> Size:
    if isinstance(atom, Symbol):
        return limits.get(atom.name, symbol(atom.name, atom.signed))
    if atom.name == "floor_div":
        by_data = not symbols(atom.args[1]).isdisjoint(limits)  # then it is 1 or more, which is tested as the network runs
        return floor_div(at_most(atom.args[0], limits), 1 if by_data else atom.args[1])
    return _FUNCTIONS[atom.name](*(at_most(arg, limits) for arg in atom.args))


def evaluate(size: Size, values: Mapping[str, int]) -> int:
    """The number that a size is for given values of its symbols."""
    result = substitute(size, values)
    if not isinstance(result, int):
        raise KeyError(f"no value for {sorted(symbols(result))} in {show(size)}")
    return result
