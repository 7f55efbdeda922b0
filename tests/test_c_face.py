"""The C face: plain C over types, strings, sizes that data decides, every status; Fortran on the same models."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import ROOT
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge import Conversion, convert
from onnx_bridge.cli import main
from onnx_bridge.emit.fortran import fortran_module
from onnx_bridge.runtime.compiled import only
from onnx_bridge.runtime.sources import MAIN, sources
from onnx_bridge.toolchain import find_compiler

BOOL, HALF, DOUBLE = TensorProto.BOOL, TensorProto.FLOAT16, TensorProto.DOUBLE
BYTE, INT64, TEXT, FLOAT = TensorProto.UINT8, TensorProto.INT64, TensorProto.STRING, TensorProto.FLOAT
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Werror"]


def model(
    nodes: list[onnx.NodeProto], ends: dict[str, tuple[int, list[object]]], inputs: int, *constants: onnx.TensorProto
) -> onnx.ModelProto:
    values = [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in ends.items()]
    graph = helper.make_graph(nodes, "net", values[:inputs], values[inputs:], list(constants))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def models() -> dict[str, onnx.ModelProto]:
    """types: many of them, and a size that data decides; texts: strings, with room for text; still: no open size, no weights."""
    node = helper.make_node
    types = [
        node("NonZero", ["flags"], ["places"], "find"), node("Add", ["half", "half"], ["twice"], "add"),
        node("Not", ["flags"], ["others"], "turn"), node("BitwiseNot", ["bytes"], ["inverse"], "bits"),
        node("MatMul", ["wide", "w"], ["product"], "sum"),
    ]  # fmt: skip
    ends: dict[str, tuple[int, list[object]]] = {
        "flags": (BOOL, ["N"]), "half": (HALF, ["N"]), "bytes": (BYTE, [3]), "wide": (DOUBLE, ["N", 2]), "places": (INT64, [1, "K"]),
        "twice": (HALF, ["N"]), "others": (BOOL, ["N"]), "inverse": (BYTE, [3]), "product": (DOUBLE, ["N", 1]),
    }  # fmt: skip
    join = node("StringConcat", ["x", "end"], ["y"], "join")
    return {
        "types": model(types, ends, 4, numpy_helper.from_array(np.array([[1.0], [2.0]]), "w")),
        "texts": model([join], {"x": (TEXT, ["N", 2]), "y": (TEXT, ["N", 2])}, 1, helper.make_tensor("end", TEXT, [1], [b"!"])),
        "still": model([node("Neg", ["x"], ["y"], "minus")], {"x": (FLOAT, [3]), "y": (FLOAT, [3])}, 1),
    }


@pytest.fixture(scope="module")
def made() -> dict[str, Conversion]:
    return {name: convert(graph, name=name, verify=False) for name, graph in models().items()}


def run(*command: object, folder: Path) -> str:
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_plain_c(made: dict[str, Conversion], tmp_path: Path) -> None:
    """In C99 without a warning; everything is compiled with the compiler's own checks of memory."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc not installed")
    for conversion in made.values():
        conversion.save(tmp_path, c=True)
    (tmp_path / MAIN).write_text(sources(*(conversion.emitted for conversion in made.values()))[MAIN], encoding="ascii")
    checked = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    run("gcc", "-std=c99", *WARNINGS, *checked, f"-I{tmp_path}", "-c", ROOT / "tests" / "cpp" / "c_face.c", folder=tmp_path)
    find_compiler("g++").run(["-std=c++17", "-O0", *WARNINGS, *checked, only(), str(tmp_path / MAIN), str(tmp_path / "c_face.o"),
                              "-o", str(tmp_path / "c_face")])  # fmt: skip

    assert run(tmp_path / "c_face", folder=tmp_path) == ""


def test_fortran_takes_the_modules(made: dict[str, Conversion], tmp_path: Path) -> None:
    """Each compiles without a warning, as Fortran 2018; examples/fortran runs one."""
    if shutil.which("gfortran") is None:
        pytest.skip("gfortran not installed")
    odd = convert(models()["types"], name="Many_letters_" * 6, verify=False)
    for conversion in (*made.values(), odd):
        for name, text in fortran_module(conversion.emitted).items():
            (tmp_path / name).write_text(text, encoding="ascii")
            run("gfortran", "-std=f2018", "-Wall", "-Werror", "-c", name, folder=tmp_path)


def test_names_that_are_reserved_or_alike(tmp_path: Path) -> None:
    """C has words that C++ has not, functions have parameters of their own, Fortran takes no heed of capitals."""
    ends: dict[str, tuple[int, list[object]]] = {name: (FLOAT, ["restrict"]) for name in ("model", "out", "size_t", "X", "x", "dims")}
    nodes = [helper.make_node("Sum", ["model", "out", "size_t", "X", "x"], ["dims"], "sum")]
    conversion = convert(model(nodes, ends, 5), name="odd", verify=False)
    conversion.save(tmp_path, fortran=True)
    find_compiler().run(["-std=c++17", "-O0", "-fsyntax-only", only(), str(tmp_path / "odd.cpp")])
    for compiler, file in (("gcc", "odd.h"), ("gfortran", "odd.f90")):
        if shutil.which(compiler):
            run(compiler, "-Wall", "-Werror", "-fsyntax-only", file, folder=tmp_path)


def test_the_command_line_writes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    onnx.save(models()["still"], tmp_path / "still.onnx")
    out = tmp_path / "out"

    assert main(["convert", str(tmp_path / "still.onnx"), "-o", str(out), "--no-verify", "--fortran"]) == 0
    written = sorted(path.name for path in out.iterdir())
    assert written == ["still.cpp", "still.dat", "still.f90", "still.h", "still.hxx", "still.onnx"]
    said = capsys.readouterr().out
    assert all(name in said for name in written)
