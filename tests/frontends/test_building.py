"""CMake converts a Keras file and a torch file as it builds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

tensorflow = pytest.importorskip("tensorflow")
torch = pytest.importorskip("torch")

PROJECT = """cmake_minimum_required(VERSION 3.18)
project(two CXX)
execute_process(COMMAND "${ONNX_BRIDGE_PYTHON}" -m onnx_bridge --cmake-dir OUTPUT_VARIABLE onnx_bridge_DIR OUTPUT_STRIP_TRAILING_WHITESPACE)
find_package(onnx_bridge CONFIG REQUIRED)
onnx_bridge_add_model(first first.keras)
onnx_bridge_add_model(second second.pt2 EMBED)
add_executable(two main.cpp)
target_link_libraries(two first second)
"""
PROGRAM = """#include "first.hxx"
#include "second.hxx"
int main()
{
   const onnx_bridge::first::Model first;
   const onnx_bridge::second::Model second;
}
"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras' own, of numpy
def test_keras_and_torch(tmp_path: Path) -> None:
    if not shutil.which("cmake"):
        pytest.skip("cmake is not installed")
    keras = tensorflow.keras
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(tmp_path / "first.keras")
    torch.export.save(torch.export.export(torch.nn.Linear(4, 2).eval(), (torch.zeros(1, 4),)), tmp_path / "second.pt2")
    (tmp_path / "CMakeLists.txt").write_text(PROJECT, encoding="ascii")
    (tmp_path / "main.cpp").write_text(PROGRAM, encoding="ascii")

    def cmake(*words: str) -> str:
        done = subprocess.run(["cmake", *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    cmake("-S", ".", "-B", "build", f"-DONNX_BRIDGE_PYTHON={sys.executable}")
    assert cmake("--build", "build").count("Converting") == 2
    subprocess.run([tmp_path / "build" / "two"], check=True)
    assert "Converting" not in cmake("--build", "build")
    (tmp_path / "first.keras").touch()
    assert cmake("--build", "build").count("Converting") == 1
