"""The pages of docs/ are true: their Python runs as it stands, each page from top to bottom in a process of its own.

What follows ```python names the framework or engine that a piece needs (keras, torch, dask ...); `check` is run after each of them.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(page.stem for page in DOCS.glob("*.md") if "```python" in page.read_text(encoding="utf-8"))
NEEDS = {
    "keras": ["tensorflow", "tf2onnx"],
    "torch": ["torch", "onnxscript"],
    "jax": ["jax", "flax", "jax2onnx"],
    "sklearn": ["sklearn", "xgboost", "lightgbm"],
    "root": ["ROOT", "distributed"],
    "numba": ["numba"],
    "awkward": ["awkward"],
    "coffea": ["coffea"],
    "dask": ["dask", "distributed"],
    "ray": ["ray"],
    "spark": ["pyspark", "pandas", "pyarrow"],
}


def pieces(page: str) -> list[tuple[str, str]]:
    """The Python of a page, with what stands behind the word python."""
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    return [(found[1].strip(), found[2]) for found in re.finditer(r"^```python(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE)]


def cases() -> list[tuple[str, str]]:
    """Each page with each framework that it speaks of; a page of one framework is called as it is."""
    found = []
    for page in PAGES:
        named = {kind for kind, _ in pieces(page)} & NEEDS.keys() or {page} & NEEDS.keys()
        found += [(page, framework) for framework in sorted(named)] or [(page, "")]
    return found


@pytest.mark.parametrize(("page", "framework"), cases())
def test_the_python_of_a_page_runs(page: str, framework: str, tmp_path: Path) -> None:
    missing = [module for module in NEEDS.get(framework, []) if importlib.util.find_spec(module) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    if framework == "keras" and importlib.metadata.version("keras").startswith("2."):
        pytest.skip("the pages are written for Keras 3")
    script = "\n".join(code for kind, code in pieces(page) if kind in ("", framework, "check"))
    (tmp_path / "page.py").write_text(script, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr[-4000:]


def test_the_programs_of_the_c_page_run(tmp_path: Path) -> None:
    """Its Python, its C by its own commands, and its Fortran where there is a compiler."""
    text = (DOCS / "c.md").read_text(encoding="utf-8")
    blocks = {kind: re.search(rf"^```{kind}\n((?:.*\n)*?)```$", text, re.MULTILINE) for kind in ("python", "c", "sh", "fortran")}
    python, c, commands, fortran = (block[1] for block in blocks.values() if block)
    (tmp_path / "main.c").write_text(c, encoding="ascii")
    (tmp_path / "main.f90").write_text(fortran, encoding="ascii")
    missing = [name for name in ("gcc", "g++") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(sys.executable, "-c", python)
    assert run("sh", "-e", "-c", commands) == "-1 4.75 0.5 8.5\n"
    assert "The program prints `-1 4.75 0.5 8.5`" in text
    if shutil.which("gfortran"):
        run("gfortran", "net.f90", "main.f90", "net.o", "-lstdc++", "-o", "fortran")
        assert run("./fortran").split() == ["-1.00", "4.75", ".50", "8.50"]


def test_the_walk_through_the_stages_is_what_the_code_prints() -> None:
    ran = subprocess.run([sys.executable, str(ROOT / "scripts" / "make_walk.py"), "--check"], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
