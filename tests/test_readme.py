"""The README's programs, run as they stand there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from onnx_bridge.demo.run import MODEL
from onnx_bridge.toolchain import find_compiler

README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The README's only block in a language."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return str(text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the README's Python has run: it leaves the header and its weights in build/."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copy(MODEL, folder)
    (folder / "use.py").write_text(block("python"), encoding="utf-8")
    subprocess.run([sys.executable, "use.py"], cwd=folder, check=True)
    return folder


def test_python(folder: Path) -> None:
    assert sorted(path.name for path in (folder / "build").iterdir()) == ["diphoton.dat", "diphoton.hxx", "diphoton.onnx"]


def test_cpp(folder: Path) -> None:
    """Both faces, compiled without a warning beside nothing but the header, give the same bits."""
    (folder / "main.cpp").write_text(block("cpp"), encoding="utf-8")
    strict = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    find_compiler().run([*strict, f"-I{folder / 'build'}", str(folder / "main.cpp"), "-o", str(folder / "main")])

    done = subprocess.run([folder / "main"], cwd=folder / "build", capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "same bits\n")


def test_pages_that_are_named_are_there() -> None:
    """Each link of the README and of docs/ that leads to a file of this repository."""
    broken = []
    for page in [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        *(ROOT / "docs").glob("*.md"),
        ROOT / "examples" / "README.md",
    ]:
        words = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", words):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")

    assert not broken


def test_the_program_is_as_short_as_the_readme_says() -> None:
    assert len(block("cpp").splitlines()) <= 15
