"""Kernel headers as one text: with those that they include, dependencies first, and of each only what is used.

What is used is decided declaration by declaration (reachable.py). Of the comment that opens a file, its contract, a header has the first
line, which says what the file is: the rest is for who changes it, and speaks of what may not be there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from onnx_bridge.emit.declarations import Comment, Item, declarations, parse, read
from onnx_bridge.emit.reachable import Reached, reach, rendered
from onnx_bridge.emit.tokens import tokens, uses_of

KERNELS = Path(__file__).parent.parent / "kernels"

_INCLUDE = re.compile(r'^#include "([a-z0-9_]+\.hxx)"\n', re.MULTILINE)


@cache
def _read(name: str) -> tuple[tuple[str, ...], str, list[Item]]:
    """What a kernel header includes, its contract, and its declarations."""
    text = (KERNELS / name).read_text(encoding="ascii")
    includes = tuple(_INCLUDE.findall(text))
    items = parse(_INCLUDE.sub("", text).replace("#pragma once\n", "").strip("\n"))
    if items and isinstance(items[0], Comment):
        return includes, items[0].text, items[1:]
    return includes, "", items


@cache
def _order(names: tuple[str, ...]) -> tuple[str, ...]:
    """Files with what they include, dependencies first."""
    order: dict[str, None] = {}

    def add(name: str) -> None:
        if name not in order:
            for other in _read(name)[0]:
                add(other)
            order[name] = None

    for name in names:
        add(name)
    return tuple(order)


@cache
def definitions(text: str) -> frozenset[str]:
    """The names that a C++ text declares at the top level."""
    return frozenset(name for declaration in declarations(parse(text)) for name in declaration.names)


@cache
def names_of(files: frozenset[str]) -> frozenset[str]:
    """The names that some kernel headers declare, with those that they include."""
    order = _order(tuple(sorted(files)))
    return frozenset(name for file in order for declaration in declarations(_read(file)[2]) for name in declaration.names)


def amalgamate(names: Iterable[str], used_by: str | None = None) -> str:
    """The text of the kernel headers `names` and of all that they include, each once, dependencies first.

    Args:
        names: file names in `onnx_bridge/kernels`, such as `"gemm.hxx"`.
        used_by: declarations in C++ that use them; what cannot be reached from these is left out. None: nothing is.

    Returns:
        C++ source that stands inside the namespace of an instruction-set region.
    """
    order = _order(tuple(sorted(names)))
    reached: Reached | None = None
    if used_by is not None:
        reached = reach([item for name in order for item in _read(name)[2]], list(declarations(read(used_by))))
    parts = []
    for name in order:
        _, contract, items = _read(name)
        if text := rendered(items, reached):
            if reached is not None:
                contract = contract.partition("\n")[0]
            parts.append(f"{contract}\n{text}" if contract else text)
    return "\n\n".join(parts) + "\n"


def kernel_text(name: str) -> str:
    """The text of a file of `onnx_bridge/kernels` that stands in a header as it is."""
    return (KERNELS / name).read_text(encoding="ascii").replace("#pragma once\n", "").rstrip("\n")


def kernel_part(name: str, used_by: str) -> str:
    """What some C++ reaches of a file that stands outside the regions, without the comment that opens it; empty, or lines."""
    items = _read(name)[2]
    text = rendered(items, reach(items, [uses_of(tokens(used_by))]))
    return f"\n{text}\n" if text else ""


def macros(text: str) -> list[str]:
    """The names of the macros that `text` defines, in order: what must be undefined at its end."""
    return list(dict.fromkeys(re.findall(r"^\s*#\s*define (ONNX_BRIDGE_\w+)", text, re.MULTILINE)))
