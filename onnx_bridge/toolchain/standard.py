"""The standard headers, precompiled once for each compiler and its flags: half a second of every small build is spent reading them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from onnx_bridge.errors import ToolchainError
from onnx_bridge.toolchain.cache import cache_folder, locked
from onnx_bridge.toolchain.compiler import Compiler

#: What a generated header and the functions around it may include, all of it: `tests/test_build.py` compares.
HEADERS = """atomic cerrno chrono cmath cstddef cstdint cstdio cstring ctime initializer_list limits memory new optional stdexcept stdbool.h
    stddef.h stdint.h string string_view system_error tuple type_traits utility vector""".split()
_OF_UNIX = ("dlfcn.h", "fcntl.h", "sys/mman.h", "sys/stat.h", "unistd.h")

TEXT = "".join(
    [
        *(f"#include <{name}>\n" for name in HEADERS),
        "#if defined(__unix__) || defined(__APPLE__)\n",
        *(f"#include <{name}>\n" for name in _OF_UNIX),
        "#endif\n",
    ]
)

#: Flags that say nothing of what the standard headers are: what to make, and which body of a model's header.
_OF_NO_CONCERN = ("-shared", "-DONNX_BRIDGE_")


def precompiled(cxx: Compiler, flags: Sequence[str]) -> list[str]:
    """Flags with which a compiler finds the standard headers read already; none where it cannot precompile them.

    They are kept in the cache, by the compiler's version, the flags and the text, and made once however many processes ask at the same
    time. GCC reads the text beside them where it does not like what it made; Clang refuses, so whoever builds tries again without.
    """
    flags = [flag for flag in flags if not flag.startswith(_OF_NO_CONCERN)]
    key = hashlib.sha256("\0".join([cxx.version, *cxx.command, *flags, TEXT]).encode()).hexdigest()[:32]
    folder = cache_folder() / f"standard-{key}"
    text = folder / "standard.hxx"
    made = Path(f"{text}.{'pch' if 'clang' in cxx.version else 'gch'}")
    refused = folder / "refused"
    if not made.exists() and not refused.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder.with_suffix(".lock")):
            if not made.exists() and not refused.exists():
                _make(cxx, flags, text, made, refused)
    return ["-include", str(text)] if made.exists() else []


def _make(cxx: Compiler, flags: Sequence[str], text: Path, made: Path, refused: Path) -> None:
    """Precompiles the text; where that fails, leaves a word that it did."""
    if not text.exists():  # Clang wants it as old as it was
        text.write_text(TEXT, encoding="ascii", newline="\n")
    part = made.with_suffix(".part")
    try:
        cxx.run([*flags, "-x", "c++-header", str(text), "-o", str(part)])
        part.replace(made)
    except (ToolchainError, OSError) as error:
        refused.write_text(str(error), encoding="utf-8")
        part.unlink(missing_ok=True)
