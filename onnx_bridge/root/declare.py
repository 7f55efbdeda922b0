"""A header in ROOT's interpreter: compiled by the machine's compiler where there is one, else by Cling itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onnx_bridge.conversion import Conversion
from onnx_bridge.emit.apart import declared, for_library
from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import ArgumentError
from onnx_bridge.root.interpreter import compile_text, emitted_of, library, load, quoted, written
from onnx_bridge.runtime.compiled import CompiledModel

#: What is declared in this process, by its name.
_DECLARED: dict[str, Declared] = {}


@dataclass(frozen=True)
class Declared:
    """A network that ROOT's interpreter knows.

    Attributes:
        name: its C++ name: `ROOT.onnx_bridge.NAME.Model`, `ROOT.TMVA_SOFIE_NAME.Session`.
        weights: the path of NAME.dat; "" where the header holds the weights.
        library: what its code was compiled into; None where Cling compiles it.
    """

    name: str
    weights: str
    library: Path | None


def declare(net: Conversion | CompiledModel | Emitted, *, flags: Sequence[str] = (), compiler: str | None = None) -> Declared:
    """Makes a network known to ROOT's interpreter: SOFIE's Session and our Model, at the speed of compiled code.

    The library is built once and kept in the cache, by how many processes soever; Cling reads the declarations alone. Where there is no
    compiler, Cling compiles the header itself, which takes seconds and runs at half the speed or less (what helps it most is
    EXTRA_CLING_ARGS="-O3 -march=native", set before ROOT starts).

    Args:
        net: what `convert` returns, or its `compile()`.
        flags: for the compiler, after `-std=c++17 -O2`.
        compiler: its name; else $CXX, else the first that is found.

    Raises:
        ArgumentError: another network of that name is declared already (`convert(..., name=)` names one); there is no ROOT.
        InferenceError: ROOT cannot load or declare it.
    """
    emitted = emitted_of(net)
    face = f"{emitted.name}.face.hxx"
    folder = written(emitted, {face: declared(emitted.name, emitted.header)})
    weights = folder / f"{emitted.name}.dat"
    known = _DECLARED.get(emitted.name)
    if known is not None:
        if Path(known.weights or folder / "any").parent != folder:
            raise ArgumentError(f"another network called {emitted.name} is declared in this process: convert one with another name=")
        return known
    file = f"{emitted.name}.hxx"
    sources = {file: for_library(emitted.name, emitted.header), "net.cpp": f'#include "{file}"\n'}
    built = library(sources, emitted.name, flags, compiler)
    if built is None:
        compile_text(f'#pragma cling optimize(3)\n#include "{quoted(folder / file)}"\n')
    else:
        load(built)
        compile_text(f'#include "{quoted(folder / face)}"\n')
    found = _DECLARED[emitted.name] = Declared(emitted.name, "" if emitted.form != "file" else str(weights), built)
    return found
