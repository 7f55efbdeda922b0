"""Shared libraries from generated sources, kept in a content-addressed cache that many processes may use at once."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from onnx_bridge.toolchain.compiler import find_compiler

FLAGS = ("-std=c++17", "-O2", "-shared", "-fPIC")


def cache_folder() -> Path:
    """Where built libraries are kept: $ONNX_BRIDGE_CACHE, else the user's cache folder."""
    asked = os.environ.get("ONNX_BRIDGE_CACHE")
    if asked:
        return Path(asked)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home()))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "onnx_bridge"


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
    for part in [cxx.version, *cxx.command, *flags, main, *named]:
        key.update(part.encode() + b"\0")
    folder = cache_folder() / key.hexdigest()[:32]
    library = folder / "model.so"
    if library.exists():
        return library
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_suffix(".lock")):
        if library.exists():
            return library
        work = Path(tempfile.mkdtemp(prefix="build-", dir=folder.parent))
        try:
            for name, text in sources.items():
                (work / name).write_text(text, encoding="utf-8", newline="\n")
            cxx.run([*flags, str(work / main), "-o", str(work / "model.so")])
            folder.mkdir(exist_ok=True)
            (work / "model.so").replace(library)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return library


def _without_banner(text: str) -> str:
    """A source without the comments in its first lines: a header is the same code with another proof or origin in its banner."""
    lines = text.splitlines(keepends=True)
    first = next((i for i, line in enumerate(lines) if not line.startswith("//")), 0)
    return "".join(lines[first:])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds a lock file for as long as the block runs; the system releases it when the process ends."""
    with path.open("a+b") as file:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
