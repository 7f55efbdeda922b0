"""ROOT's interpreter, and the files that it reads: kept in the cache, written and built once by how many processes soever."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from onnx_bridge.conversion import Conversion
from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import ArgumentError, InferenceError, ToolchainError
from onnx_bridge.runtime.compiled import CompiledModel
from onnx_bridge.toolchain.build import build
from onnx_bridge.toolchain.cache import cache_folder, locked
from onnx_bridge.toolchain.compiler import find_compiler


def interpreter() -> Any:
    """ROOT's module.

    Raises:
        ArgumentError: there is none.
    """
    try:
        import ROOT
    except ImportError as error:
        raise ArgumentError("ROOT cannot be imported; `pip install root` has it") from error
    return ROOT


def compile_text(text: str) -> None:
    """Lets ROOT's interpreter compile declarations.

    Raises:
        ArgumentError: an object that they make throws this.
        InferenceError: it refuses them; what is wrong stands on standard error.
    """
    try:
        taken = interpreter().gInterpreter.Declare(text)
    except Exception as error:  # what a constructor among the declarations threw, as cppyy has it
        raise ArgumentError(str(error).rpartition("runtime_error: ")[2]) from error
    if not taken:
        raise InferenceError("ROOT's interpreter does not take the declarations of a network; its messages stand on standard error")


def load(library: Path) -> None:
    """Loads a library into the process, for the interpreter.

    Raises:
        InferenceError: ROOT cannot.
    """
    if interpreter().gSystem.Load(str(library)) < 0:
        raise InferenceError(f"ROOT cannot load {library}")


def quoted(path: Path | str) -> str:
    """A path as it stands in a string of C++."""
    return str(path).replace("\\", "\\\\").replace('"', '\\"')


def emitted_of(net: Conversion | CompiledModel | Emitted) -> Emitted:
    """What is to be declared.

    Raises:
        ArgumentError: it is no converted network.
    """
    if isinstance(net, Emitted):
        return net if net.form in ("file", "header") else net.with_weights("file")  # Cling links no objects
    if isinstance(net, Conversion):
        return net.emitted.for_calls()
    if isinstance(net, CompiledModel):
        return net.emitted
    raise ArgumentError(f"a Conversion is needed (what convert returns), or what its compile() returns, not {type(net).__name__}")


def key_of(emitted: Emitted) -> str:
    """What tells a network from all others: its header and its weights."""
    weights = emitted.weights
    return hashlib.sha256(f"{weights.header_hash} {weights.payload_hash}\n{emitted.header}".encode()).hexdigest()[:32]


def written(emitted: Emitted, others: Mapping[str, str]) -> Path:
    """The folder in the cache that holds a network's header, its weights and other files beside them."""
    more = hashlib.sha256("\0".join(part for item in sorted(others.items()) for part in item).encode()).hexdigest()[:8]
    folder = cache_folder() / "root" / f"{key_of(emitted)}_{more}"
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_suffix(".lock")):
        if not (folder / "written").exists():
            emitted.write(folder)
            for name, text in others.items():
                (folder / name).write_text(text, encoding="ascii")
            (folder / "written").touch()
    return folder


def library(sources: Mapping[str, str], name: str, flags: Sequence[str], compiler: str | None) -> Path | None:
    """A library of net.cpp, whose file has a name of its own: ROOT takes two files of one name for the same. None without a compiler.

    Raises:
        ToolchainError: the compiler refuses.
    """
    try:
        find_compiler(compiler)
    except ToolchainError:
        return None
    built = build(sources, "net.cpp", flags=flags, compiler=compiler)
    named = built.with_name(f"{name}_{built.parent.name}.so")
    with locked(built.parent.with_suffix(".lock")):
        if not named.exists():
            shutil.copy(built, part := named.with_suffix(".part"))
            part.replace(named)
    return named
