"""What `convert` returns: a header with its weights and its proof, to be saved, compiled, read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx

from onnx_bridge.emit.c_face import c_face
from onnx_bridge.emit.fortran import fortran_module
from onnx_bridge.emit.header import Emitted
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.runtime.compiled import CompiledModel, compile_emitted
from onnx_bridge.verify import Report


@dataclass(frozen=True)
class Conversion:
    """A converted model.

    Attributes:
        name: the C++ name: files NAME.hxx and NAME.dat, namespace onnx_bridge::NAME.
        model: the RModel after its passes.
        normal: the ONNX model in normal form; it runs in onnxruntime.
        emitted: header and weights, the proof in the banner.
        report: what was repaired, fused, compared; prints itself.
        source: the path of the file that it was made from; "" if it was none.
    """

    name: str
    model: RModel
    normal: onnx.ModelProto
    emitted: Emitted
    report: Report
    source: str = ""

    def __repr__(self) -> str:
        proven = "verified" if self.report.passed else "not verified"
        return f"<Conversion {self.name}: {len(self.model.operators)} operators, {self.emitted.weights.bytes} bytes of weights, {proven}>"

    @property
    def header(self) -> str:
        """The text of NAME.hxx."""
        return self.emitted.header

    @property
    def weights(self) -> bytes:
        """The bytes of NAME.dat."""
        return self.emitted.weights.data

    def save(self, folder: str | Path, weights: str = "file", target: str | None = None, *, c: bool = False, fortran: bool = False) -> Path:
        """Writes the header, its weights, and the normal form, NAME.onnx.

        The model's own file is never written over: where it has that name, the normal form is NAME.normal.onnx.

        Args:
            folder: where; it is made if it is not there.
            weights: how they come into a program. "file": NAME.dat, mapped when a Model is opened. "object": NAME.o (NAME.obj for Windows),
                linked. "source": NAME_weights.cpp, compiled; the assembler copies NAME.dat. "header": as its text, up to 4 MiB.
            target: the machine that an object is for, as `c++ -dumpmachine` prints it; this one, if it is None.
            c: write NAME.h and NAME.cpp, too: plain functions for C and every language that calls C.
            fortran: write NAME.f90 beside those, a module of interfaces to them.

        Returns:
            The header's path.

        Raises:
            ArgumentError: `weights` is none of these, there are too many for the form, or there are no objects for that machine.
        """
        emitted = self.emitted.with_weights(weights)
        path = emitted.write(folder, target)
        onnx.save(self.normal, self.normal_file(path))
        sources = (c_face(emitted) if c or fortran else {}) | (fortran_module(emitted) if fortran else {})
        for name, text in sources.items():
            (path.parent / name).write_text(text, encoding="ascii", newline="\n")
        return path

    def normal_file(self, header: Path) -> Path:
        """Where `save` writes the normal form beside a header."""
        path = header.with_suffix(".onnx")
        same = bool(self.source) and path.exists() and Path(self.source).exists() and path.samefile(self.source)
        return header.with_suffix(".normal.onnx") if same else path

    def compile(self, *, body: str = "best", flags: Sequence[str] = (), compiler: str | None = None) -> CompiledModel:
        """Builds the header and returns a callable on numpy arrays.

        Args:
            body: "best", or one that the header has (`emitted.bodies`).
            flags: compiler flags after `-std=c++17 -O2`.
            compiler: its name; else $CXX, else the first that is found.
        """
        return compile_emitted(self.emitted, body=body, flags=flags, compiler=compiler)
