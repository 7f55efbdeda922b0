"""Builds: the standard headers are precompiled once for each compiler and its flags, and where that fails nothing else does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from zoo import ZOO

from onnx_bridge import convert
from onnx_bridge.emit.amalgamate import KERNELS
from onnx_bridge.emit.c_face import c_face
from onnx_bridge.errors import ToolchainError
from onnx_bridge.runtime.compiled import compile_emitted
from onnx_bridge.runtime.sources import sources
from onnx_bridge.toolchain import build, find_compiler
from onnx_bridge.toolchain.standard import TEXT, precompiled

SOURCE = '#include <vector>\nextern "C" int answer() {{ return static_cast<int>(std::vector<int>({number}).size()); }}\n'

#: A compiler that writes down what it is asked, and refuses what a test wants it to refuse.
WRAPPER = """#!/bin/sh
[ "$1" = --version ] && exec {compiler} --version
echo "$*" >> {log}
case "$*" in {refuses}) echo "error: not me" >&2; exit 1;; esac
exec {compiler} "$@"
"""


@pytest.fixture
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A wrapper of the usual compiler, and where it writes down its calls."""
    monkeypatch.setenv("ONNX_BRIDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ONNX_BRIDGE_FLAGS", "-O0")
    return wrapped(tmp_path, "nothing-at-all"), tmp_path / "log"


def wrapped(folder: Path, refuses: str) -> Path:
    path = folder / "wrapper"
    path.write_text(WRAPPER.format(compiler=shlex.join(find_compiler().command), log=folder / "log", refuses=refuses), encoding="utf-8")
    path.chmod(0o755)
    return path


def built(path: Path, number: int, *flags: str) -> Path:
    return build({"a.cpp": SOURCE.format(number=number)}, "a.cpp", compiler=str(path), flags=flags)


def test_once_for_each_set_of_flags(compiler: tuple[Path, Path]) -> None:
    path, log = compiler
    for number in (1, 2):
        built(path, number, "-DONNX_BRIDGE_ONLY=4")
    built(path, 3, "-DONNX_BRIDGE_ONLY=8")
    built(path, 4, "-g")
    calls = log.read_text().splitlines()

    assert [" c++-header " in call for call in calls] == [True, False, False, False, True, False]
    assert all("-include" in call for call in calls if "c++-header" not in call)


def test_the_compiler_takes_it(compiler: tuple[Path, Path], tmp_path: Path) -> None:
    cxx = find_compiler(str(compiler[0]))
    flags = ["-std=c++17", "-O0", "-fPIC"]
    asked = precompiled(cxx, flags)
    (tmp_path / "empty.cpp").write_text("int main() { return static_cast<int>(std::string().size()); }\n")

    said = subprocess.run(
        [*cxx.command, "-H", *flags, *asked, "-fsyntax-only", str(tmp_path / "empty.cpp")], capture_output=True, text=True
    )
    assert said.returncode == 0
    if "clang" not in cxx.version:  # GCC marks what it takes with "!", and the text that it reads instead with dots
        assert said.stderr.startswith(f"! {asked[1]}.gch")


def test_where_it_cannot_be_made(tmp_path: Path, compiler: tuple[Path, Path]) -> None:
    path = wrapped(tmp_path, "*c++-header*")
    for number in (1, 2):
        assert built(path, number).exists()
    calls = compiler[1].read_text().splitlines()

    assert ["c++-header" in call for call in calls] == [True, False, False]  # it is not tried again
    assert not any("-include" in call for call in calls)


def test_where_it_is_not_taken(tmp_path: Path, compiler: tuple[Path, Path]) -> None:
    path = wrapped(tmp_path, "*-include*")
    assert built(path, 1).exists()
    with pytest.raises(ToolchainError, match="not me"):
        built(wrapped(tmp_path, "*a.cpp*"), 2)


def test_many_processes_at_once(compiler: tuple[Path, Path]) -> None:
    path, log = compiler
    program = "import sys; from onnx_bridge.toolchain import build; build({'a.cpp': sys.argv[1]}, 'a.cpp', compiler=sys.argv[2])"
    running = [subprocess.Popen([sys.executable, "-c", program, SOURCE.format(number=i), str(path)]) for i in range(3)]

    assert [process.wait() for process in running] == [0, 0, 0]
    assert sum("c++-header" in call for call in log.read_text().splitlines()) == 1


def test_it_holds_all_that_is_included() -> None:
    """What a header of a model, its kernels and the functions around it include: nothing of it is read again."""
    texts = [path.read_text(encoding="utf-8") for path in (*KERNELS.glob("*.hxx"), *(KERNELS.parent / "emit").glob("*.hxx"))]
    made = convert(ZOO["mlp"](), name="mlp", verify=False)
    texts += list(sources(made.emitted).values())
    included = {name for text in texts for name in re.findall(r"^#include <(.*)>", text, re.MULTILINE)}

    assert included <= set(re.findall(r"^#include <(.*)>", TEXT, re.MULTILINE))


def test_small_libraries_open_memory_alone() -> None:
    """Python has the weights in memory: what maps a file is no part of its library, nor what joins strings."""
    made = convert(ZOO["mlp"](), name="mlp", verify=False)
    library = compile_emitted(made.emitted)._library._library
    names = subprocess.run(["nm", "-C", library._name], capture_output=True, text=True, check=True).stdout

    assert "mlp_open_memory" in names
    assert "int mlp_open(" not in sources(made.emitted)["mlp.cpp"] and not hasattr(library, "mlp_open")
    assert "int mlp_open(" in c_face(made.emitted)["mlp.cpp"]
    assert "WeightsFile" not in names and "std::operator+" not in names
