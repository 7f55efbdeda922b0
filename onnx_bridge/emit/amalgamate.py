"""Kernel headers as one text: with those that they include, dependencies first, and of each only what is used.

The rules for a kernel header are few: top-level declarations are parted by blank lines, what is parted by none stays
together; `#if` ... `#endif` stay together; a contract comment opens the file and stays if anything of the file does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

KERNELS = Path(__file__).parent.parent / "kernels"

_INCLUDE = re.compile(r'^#include "([a-z0-9_]+\.hxx)"\n', re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_]\w*")
_DEFINITIONS = (
    re.compile(r"^(?:ONNX_BRIDGE_INLINE|ONNX_BRIDGE_KERNEL|static|inline|constexpr)\b[^=;{}()]*?\b(\w+)\(", re.MULTILINE),
    re.compile(r"^(?:struct|class|enum(?: class)?)\s+(?:__attribute__\(\(.*?\)\)\s*)?(\w+)", re.MULTILINE),
    re.compile(r"^(?:static |constexpr |const )+[\w:<>, *]+?\b(\w+)\s*(?:=|\[|\{)", re.MULTILINE),
    re.compile(r"^typedef\s[^;]*?\b(\w+)(?:\s+__attribute__\(\(.*\)\))?;", re.MULTILINE),
    re.compile(r"^typedef\s[^;]*?\(\*(\w+)\)\(", re.MULTILINE),
    re.compile(r"^using\s+(\w+)\s*=", re.MULTILINE),
    re.compile(r"^\s*#define\s+(\w+)", re.MULTILINE),
    re.compile(r"^ONNX_BRIDGE_[A-Z_]+\((\w+)", re.MULTILINE),
)


@dataclass(frozen=True)
class _Chunk:
    text: str
    defines: frozenset[str]
    uses: frozenset[str]


def definitions(text: str) -> set[str]:
    """The names that a C++ text declares at the top level."""
    return {name for pattern in _DEFINITIONS for name in pattern.findall(text)}


@cache
def _read(name: str) -> tuple[tuple[str, ...], str, tuple[_Chunk, ...]]:
    """What a kernel header includes, its contract, and its declarations."""
    text = (KERNELS / name).read_text(encoding="ascii")
    includes = tuple(_INCLUDE.findall(text))
    text = _INCLUDE.sub("", text).replace("#pragma once\n", "")
    lines = text.strip("\n").split("\n")
    first = next((i for i, line in enumerate(lines) if not line.startswith("//")), len(lines))
    contract = "\n".join(lines[:first])
    chunks: list[_Chunk] = []
    pending: list[str] = []
    depth = conditions = 0
    for line in [*lines[first:], ""]:
        code = re.sub(r'//.*|"(?:[^"\\]|\\.)*"', "", line)
        if code.lstrip().startswith("#"):
            directive = code.lstrip()[1:].lstrip()
            conditions += directive.startswith("if") - directive.startswith("endif")
        else:
            depth += code.count("{") - code.count("}")
        if not line.strip() and depth == 0 and conditions == 0:
            if pending:
                block = "\n".join(pending)
                bare = re.sub(r"//.*", "", block)
                chunks.append(_Chunk(block, frozenset(definitions(block)), frozenset(_WORD.findall(bare))))
            pending = []
        else:
            pending.append(line)
    return includes, contract, tuple(chunks)


def amalgamate(names: Iterable[str], roots: Iterable[str] | None = None) -> str:
    """The text of the kernel headers `names` and of all that they include, each once, dependencies first.

    Args:
        names: file names in `onnx_bridge/kernels`, such as `"gemm.hxx"`.
        roots: the identifiers that the text is used through; what cannot be reached from them is left out. None: all.

    Returns:
        C++ source that stands inside the namespace of an instruction-set region.
    """
    order: dict[str, None] = {}

    def add(name: str) -> None:
        if name not in order:
            for other in _read(name)[0]:
                add(other)
            order[name] = None

    for name in sorted(names):
        add(name)
    chunks = [(name, chunk) for name in order for chunk in _read(name)[2]]
    kept = set(range(len(chunks)))
    if roots is not None:
        kept = _reachable([chunk for _, chunk in chunks], set(roots))
    parts = []
    for name in order:
        own = [chunk.text for i, (file, chunk) in enumerate(chunks) if file == name and i in kept]
        if own:
            parts.append("\n\n".join([_read(name)[1], *own] if _read(name)[1] else own))
    return "\n\n".join(parts) + "\n"


def kernel_text(name: str) -> str:
    """The text of a file of `onnx_bridge/kernels` that stands in a header as it is."""
    return (KERNELS / name).read_text(encoding="ascii").replace("#pragma once\n", "").rstrip("\n")


def _reachable(chunks: list[_Chunk], wanted: set[str]) -> set[int]:
    by_name: dict[str, list[int]] = {}
    for i, chunk in enumerate(chunks):
        for name in chunk.defines:
            by_name.setdefault(name, []).append(i)
    kept: set[int] = set()
    todo = list(wanted)
    seen = set(todo)
    while todo:
        for i in by_name.get(todo.pop(), []):
            if i not in kept:
                kept.add(i)
                new = chunks[i].uses - seen
                seen |= new
                todo.extend(new)
    return kept


def macros(text: str) -> list[str]:
    """The names of the macros that `text` defines, in order: what must be undefined at its end."""
    return list(dict.fromkeys(re.findall(r"^\s*#\s*define (ONNX_BRIDGE_\w+)", text, re.MULTILINE)))
