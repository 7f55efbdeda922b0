"""Shared libraries from generated sources, kept in a content-addressed cache that many processes may use at once."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from onnx_bridge.errors import ToolchainError
from onnx_bridge.toolchain.cache import cache_folder, locked
from onnx_bridge.toolchain.compiler import Compiler, find_compiler
from onnx_bridge.toolchain.standard import precompiled

FLAGS = ("-std=c++17", "-O2", "-shared", "-fPIC")

#: Flags with which compilers link what has the processor take subnormal numbers for 0 from then on, in the whole thread that loads it.
FLUSHING = frozenset({"-Ofast", "-ffast-math", "-funsafe-math-optimizations"})


def build(sources: Mapping[str, str], main: str, *, flags: Sequence[str] = (), compiler: str | None = None) -> Path:
    """Builds a shared library.

    Args:
        sources: file name -> text of everything that is compiled or included.
        main: the file to compile.
        flags: flags after the usual ones (`FLAGS`) and those of $ONNX_BRIDGE_FLAGS.
        compiler: which compiler; see `find_compiler`.

    Returns:
        The library's path. The same sources, flags and compiler version give the same library, built once however
        many processes ask at the same time.

    Raises:
        ToolchainError: no compiler, or it refuses.
    """
    cxx = find_compiler(compiler)
    flags = (*FLAGS, *shlex.split(os.environ.get("ONNX_BRIDGE_FLAGS", "")), *flags)
    key = hashlib.sha256()
    named = (part for name, text in sorted(sources.items()) for part in (name, _without_banner(text)))
    apart = [] if FLUSHING.isdisjoint(flags) else ["compiled apart"]  # older versions kept libraries here that were not
    for part in [cxx.version, *cxx.command, *flags, *apart, main, *named]:
        key.update(part.encode() + b"\0")
    folder = cache_folder() / key.hexdigest()[:32]
    library = folder / "model.so"
    if library.exists():
        return library
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_suffix(".lock")):
        if library.exists():
            return library
        work = Path(tempfile.mkdtemp(prefix="build-", dir=folder.parent))
        try:
            for name, text in sources.items():
                (work / name).write_text(text, encoding="utf-8", newline="\n")
            _library(cxx, flags, work / main, work / "model.so")
            folder.mkdir(exist_ok=True)
            (work / "model.so").replace(library)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return library


def _library(cxx: Compiler, flags: Sequence[str], main: Path, library: Path) -> None:
    """Compiles and links; what would change the numbers of who loads the library is for the compiler alone."""
    if FLUSHING.isdisjoint(flags):
        _compile(cxx, flags, main, library)
        return
    made = library.with_suffix(".o")
    _compile(cxx, [*(flag for flag in flags if flag != "-shared"), "-c"], main, made)
    cxx.run([*(flag for flag in flags if flag not in FLUSHING), str(made), "-o", str(library)])


def _compile(cxx: Compiler, flags: Sequence[str], main: Path, library: Path) -> None:
    """Compiles with the standard headers read already; should that be what the compiler refuses, without."""
    call = [*flags, str(main), "-o", str(library)]
    standard = precompiled(cxx, flags)
    try:
        cxx.run([*standard, *call])
    except ToolchainError:
        if not standard:
            raise
        cxx.run(call)


def _without_banner(text: str) -> str:
    """A source without the comments in its first lines: a header is the same code with another proof or origin in its banner."""
    lines = text.splitlines(keepends=True)
    first = next((i for i, line in enumerate(lines) if not line.startswith("//")), 0)
    return "".join(lines[first:])
