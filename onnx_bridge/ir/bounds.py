"""What sizes are never below, from what symbols are and from what is assumed of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

from onnx_bridge.ir.polynomials import Atom, Dim, Function, Monomial, Size, Symbol, inner_division, normal

#: How many atoms that are 0 or 1 are looked at in both ways.
MOST_FLAGS = 6


@lru_cache(1 << 14)
def lower_bound(size: Size) -> int | None:
    """A number that the size is never below (symbols are >= 0), or None."""
    found = _bound_by_terms(size)
    if found is not None or not isinstance(size, Dim):
        return found
    flags = {atom for monomial, _ in size.terms for atom in monomial if _is_flag(atom)}
    if not 0 < len(flags) <= MOST_FLAGS:
        return None
    flag = min(flags, key=repr)
    either = [lower_bound(_with(size, flag, number)) for number in (0, 1)]
    return None if None in either else min(bound for bound in either if bound is not None)


def _is_flag(atom: Atom) -> bool:
    """Whether an atom is 0 or 1: minimum(1, ...) of what is not negative."""
    return isinstance(atom, Function) and atom.name == "minimum" and 1 in atom.args and _atom_bound(atom) == 0


def _with(size: Dim, atom: Atom, number: int) -> Size:
    """The size where an atom is a number."""
    total: dict[Monomial, int] = {}
    for monomial, factor in size.terms:
        left = tuple(other for other in monomial if other != atom)
        total[left] = total.get(left, 0) + factor * number ** (len(monomial) - len(left))
    return normal(total)


def _bound_by_terms(size: Size) -> int | None:
    """The sum of what the terms are never below."""
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
        return None if atom.signed else 0
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


#: Sizes that are taken to be >= 0 though the symbols alone do not say so: conditions on the symbols, checked at run time. The last
#: list is that of the innermost graph.
_assumed: ContextVar[tuple[list[Size], ...]] = ContextVar("assumed", default=())


@contextmanager
def assuming(conditions: list[Size]) -> Iterator[None]:
    """Makes use of `conditions`, sizes that are not negative, beside those that are in use; `assume` adds to them."""
    token = _assumed.set((*_assumed.get(), conditions))
    try:
        yield
    finally:
        _assumed.reset(token)


def assume(size: Size) -> None:
    """Takes it that a size is not negative: outside of what is meant for, so that it may be refused at run time."""
    conditions = _assumed.get()
    inner, offset = inner_division(size) if isinstance(size, Dim) else (None, 0)
    if inner is not None:  # floor(a / b) + c is not negative where a + b * c is not
        assume(inner.args[0] + inner.args[1] * offset)
    elif conditions and isinstance(size, Dim) and not at_least(size, 0):
        conditions[-1].append(size)


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
    bound = lower_bound(difference)
    if bound is not None and bound >= 0:
        return True
    own = _atoms(difference)
    known = (size for conditions in _assumed.get() for size in conditions if not own.isdisjoint(_atoms(size)))  # else nothing cancels out
    bounds = (lower_bound(difference - size) for size in known)
    return any(bound is not None and bound >= 0 for bound in bounds)


@lru_cache(1 << 14)
def _atoms(size: Size) -> frozenset[Atom]:
    """What the terms of a size are products of."""
    return frozenset(atom for monomial, _ in size.terms for atom in monomial) if isinstance(size, Dim) else frozenset()
