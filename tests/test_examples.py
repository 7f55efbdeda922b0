"""The programs of examples/, run as examples/README.md says; what needs a tool that is not here is skipped, and says which."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

EXAMPLES = ROOT / "examples"

#: What each example needs: programs in PATH, modules of Python.
NEEDS: dict[str, tuple[list[str], list[str]]] = {
    "cmake": (["cmake"], []),
    "c": (["make", "cc", "g++"], []),
    "fortran": (["make", "gfortran", "g++"], []),
    "root": ([], ["ROOT"]),
    "engines": (["g++"], []),
    "sofie": (["g++"], []),
    "keras": ([], ["tensorflow", "keras", "tf2onnx"]),
    "torch": ([], ["torch", "onnxscript"]),
    "flax": ([], ["jax", "flax", "jax2onnx"]),
}


def run(*command: object, folder: Path) -> str:
    """What a program prints; a test fails with what it says if it fails."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def test_every_example_is_named_and_run() -> None:
    """In the table of README.md, and here."""
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir() and path.name != "build"}
    named = set(re.findall(r"^\| \[(\w+)\]\(\1/\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"), re.MULTILINE))

    assert folders == named == NEEDS.keys()


def needs(example: str) -> None:
    programs, modules = NEEDS[example]
    missing = [name for name in programs if shutil.which(name) is None]
    missing += [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")


def test_cmake(tmp_path: Path) -> None:
    """The build converts the model; a second one has nothing to do, until the model has changed."""
    needs("cmake")
    model = tmp_path / "diphoton.onnx"
    shutil.copy(ROOT / "onnx_bridge" / "demo" / "diphoton.onnx", model)
    build = tmp_path / "build"
    run("cmake", "-S", EXAMPLES / "cmake", "-B", build, f"-DPython3_EXECUTABLE={sys.executable}", f"-DMODEL={model}", folder=tmp_path)

    assert "Converting" in run("cmake", "--build", build, folder=tmp_path)
    assert re.fullmatch(r"400 events, mean signal 0\.\d{6}\n", run(build / "classify", folder=tmp_path))
    assert "Converting" not in run("cmake", "--build", build, folder=tmp_path)
    model.touch()
    assert "Converting" in run("cmake", "--build", build, folder=tmp_path)
    run("cmake", "--install", build, "--prefix", tmp_path / "installed", folder=tmp_path)
    shutil.rmtree(build)
    (tmp_path / "installed").rename(tmp_path / "moved")
    assert run(tmp_path / "moved" / "bin" / "classify", folder=tmp_path).startswith("400 events")


@pytest.mark.parametrize("language", ["c", "fortran"])
def test_by_the_c_face(language: str, tmp_path: Path) -> None:
    """A second make has nothing to do."""
    needs(language)
    make = "make", "-C", EXAMPLES / language, f"BUILD={tmp_path}", f"PYTHON={sys.executable}"
    run(*make, folder=tmp_path)

    assert re.fullmatch(r"100 events, mean signal 0\.\d{6}\n", run(tmp_path / "classify", folder=tmp_path))
    assert "diphoton" not in run(*make, folder=tmp_path)


def test_root(tmp_path: Path) -> None:
    needs("root")

    assert re.search(
        r"10000 events, mean score 0\.\d{6}, the same in Python\n$", run(sys.executable, EXAMPLES / "root" / "analysis.py", folder=tmp_path)
    )


@pytest.mark.parametrize(
    ("script", "modules", "programs"),
    [
        ("coffea_jets", ["coffea", "uproot"], []),
        ("dask_cluster", ["awkward", "distributed"], []),
        ("numba_loop", ["numba"], []),
        ("ray_tasks", ["ray"], []),
        ("spark_columns", ["pyspark", "pandas", "pyarrow"], ["java"]),
    ],
)
def test_engines(script: str, modules: list[str], programs: list[str], tmp_path: Path) -> None:
    """Each compares its answers with those of one call here."""
    needs("engines")
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing := [*missing, *(name for name in programs if shutil.which(name) is None)]:
        pytest.skip(f"{', '.join(missing)} not installed")
    said = run(sys.executable, EXAMPLES / "engines" / f"{script}.py", folder=tmp_path)

    assert re.search(r"^\d+ \w+, mean [\w ]+ -?\d\.\d{6}, the same (here|in Python)\n$", said, re.MULTILINE), said


@pytest.mark.parametrize(
    ("script", "modules", "model", "inputs"),
    [
        ("Keras", ["tensorflow", "tf2onnx"], "KerasModel", 8),
        ("PyTorch", ["torch"], "PyTorchModel", 64),
        ("ONNX", ["torch", "onnxscript"], "LinearModel", 32),
    ],
)
def test_sofie(script: str, modules: list[str], model: str, inputs: int, tmp_path: Path) -> None:
    """A tutorial leaves a header, and what the framework answers to an event; a program written for SOFIE has the same."""
    needs("sofie")
    if missing := [name for name in modules if importlib.util.find_spec(name) is None]:
        pytest.skip(f"{', '.join(missing)} not installed")
    printed = run(sys.executable, EXAMPLES / "sofie" / f"TMVA_SOFIE_{script}.py", folder=tmp_path)
    assert "Model initialized the following tensors:" in printed
    defined = [f"-DMODEL={model}", f'-DHEADER="{model}.hxx"', f"-DINPUTS={inputs}"]
    program = tmp_path / "session"
    run("g++", "-std=c++17", "-O1", f"-I{tmp_path}", *defined, EXAMPLES / "sofie" / "session.cpp", "-o", program, folder=tmp_path)

    difference = re.fullmatch(r"\d+ numbers, the largest difference is (\S+)\n", run(program, f"{model}.txt", folder=tmp_path))
    assert difference is not None and float(difference[1]) < 1e-6


def test_sofie_in_root(tmp_path: Path) -> None:
    needs("root")
    said = run(sys.executable, EXAMPLES / "sofie" / "TMVA_SOFIE_RDataFrame.py", folder=tmp_path)

    assert re.search(r"1000 events, mean score 0\.\d{6}, the same by the functor\n$", said)


@pytest.mark.parametrize(("example", "header"), [("keras", "circle"), ("torch", "mean"), ("flax", "waves")])
def test_frameworks(example: str, header: str, tmp_path: Path) -> None:
    needs(example)
    said = run(sys.executable, EXAMPLES / example / "train.py", folder=tmp_path)

    (difference,) = re.findall(rf"build/{header}\.hxx: the largest difference from \w+ is (\S+)\n$", said)
    assert float(difference) < 1e-5
    assert sorted(path.name for path in (tmp_path / "build").iterdir()) == [f"{header}.dat", f"{header}.hxx", f"{header}.onnx"]
