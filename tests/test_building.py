"""docs/build.md in an empty folder: CMake, make and Meson convert, do nothing twice, rebuild; an installation may be moved."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import ROOT
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge.targets import TARGETS
from onnx_bridge.version import __version__

PAGE = (ROOT / "docs" / "build.md").read_text(encoding="utf-8")
CONVERTER = f"#!/bin/sh\nexec '{sys.executable}' -m onnx_bridge \"$@\"\n"


def run(*command: object, folder: Path) -> str:
    """What a program prints, in either stream; it must exit with 0."""
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model whose weights lie in a file of their own, and the page's program."""
    weights = np.random.default_rng(3).standard_normal((4, 2)).astype(np.float32)
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", n]) for name, n in (("x", 4), ("y", 2)))
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "net", [x], [y], [numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "net.onnx", save_as_external_data=True, location="numbers.bin", size_threshold=0)
    (tmp_path / "main.cpp").write_text(block("cpp"), encoding="ascii")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "onnx-bridge").write_text(CONVERTER, encoding="utf-8")
    (tmp_path / "bin" / "onnx-bridge").chmod(0o755)
    return tmp_path


def block(language: str) -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def test_cmake(folder: Path) -> None:
    if not shutil.which("cmake"):
        pytest.skip("cmake is not installed")
    (folder / "CMakeLists.txt").write_text(block("cmake"), encoding="utf-8")
    build = folder / "build"
    options = [f"-DPython3_EXECUTABLE={sys.executable}", f"-DCMAKE_INSTALL_PREFIX={folder / 'first'}"]
    run("cmake", "-S", ".", "-B", build, *options, folder=folder)

    assert run("cmake", "--build", build, folder=folder).count("Converting") == 2
    assert run(build / "app", folder=folder) == "same bits\n"
    second = run("cmake", "--build", build, folder=folder)
    assert "Converting" not in second and "Building" not in second
    (folder / "numbers.bin").touch()
    assert run("cmake", "--build", build, folder=folder).count("Converting") == 2

    run("cmake", "--install", build, folder=folder)
    shutil.rmtree(build)
    (folder / "first").rename(folder / "moved")
    moved = folder / "moved"
    assert run(moved / "bin" / "app", folder=folder) == "same bits\n"
    texts = [path.read_text() for path in moved.rglob("*") if path.suffix in (".cmake", ".pc")]
    assert texts and not any(str(folder) in text for text in texts)
    other = folder / "other"
    other.mkdir()
    (other / "use.cpp").write_text('#include "inside.hxx"\nint main() { onnx_bridge::inside::Model model; }\n', encoding="ascii")
    (other / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.18)\nproject(other CXX)\nfind_package(models CONFIG REQUIRED)\n"
        "add_executable(use use.cpp)\ntarget_link_libraries(use models::inside)\n",
        encoding="ascii",
    )
    run("cmake", "-S", other, "-B", other / "build", f"-Dmodels_DIR={moved / 'lib' / 'cmake' / 'models'}", folder=folder)
    run("cmake", "--build", other / "build", folder=folder)
    run(other / "build" / "use", folder=folder)
    if shutil.which("pkg-config"):
        (place,) = {path.parent for path in moved.rglob("*.pc")}
        words = run("env", f"PKG_CONFIG_PATH={place}", "pkg-config", "--cflags", "--libs", "inside", folder=folder).split()
        run("g++", other / "use.cpp", *words, "-o", other / "plain", folder=folder)
        run(other / "plain", folder=folder)


@pytest.mark.parametrize("tool", ["make", "meson"])
def test_make_and_meson(folder: Path, tool: str) -> None:
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not installed")
    name, language, target = ("Makefile", "makefile", ".") if tool == "make" else ("meson.build", "meson", "build")
    (folder / name).write_text(block(language), encoding="utf-8")
    if tool == "meson":
        run("meson", "setup", "build", folder=folder)
    build = ["make"] if tool == "make" else ["ninja", "-C", "build"]

    run(*build, folder=folder)
    assert run(folder / target / "app", folder=folder) == "same bits\n"
    made = (folder / target / "net.hxx").stat().st_mtime_ns
    run(*build, folder=folder)
    assert (folder / target / "net.hxx").stat().st_mtime_ns == made
    (folder / "numbers.bin").touch()
    run(*build, folder=folder)
    assert (folder / target / "net.hxx").stat().st_mtime_ns > made


def test_files_of_the_package_say_what_the_package_says() -> None:
    """The version for pkg-config; the bodies' numbers for CMake."""
    package = ROOT / "onnx_bridge"
    assert f"Version: {__version__}\n" in (package / "pkgconfig" / "onnx_bridge.pc").read_text(encoding="ascii")
    said = re.search(r"set\(bodies (.*)\)", (package / "cmake" / "onnx_bridge-config.cmake").read_text(encoding="ascii"))
    assert said and set(said[1].split()) == {f"{target.name}={target.number}" for target in TARGETS}
