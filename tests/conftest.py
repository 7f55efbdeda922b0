"""What all tests share: where built libraries are kept, and the folder of models that may lie beside the repository."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import onnx_bridge

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Keeps libraries that tests build from run to run beside pytest's cache, and shows programs that they start the same package.

    Every conversion is validated after every pass that changed something, and at the end.

    The libraries are built without optimisation, in less than half the time: the bits are the same with any flag. What is tested as users
    build it asks for `as_users_build`.
    """
    package = str(Path(onnx_bridge.__file__).parent.parent)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    os.environ.setdefault("ONNX_BRIDGE_CACHE", str(config.rootpath / ".pytest_cache" / "libraries"))
    os.environ.setdefault("ONNX_BRIDGE_FLAGS", "-O0")
    os.environ.setdefault("ONNX_BRIDGE_VALIDATE", "1")
    if shutil.which("ninja"):
        os.environ.setdefault("CMAKE_GENERATOR", "Ninja")  # a machine that has a compiler need not have make


@pytest.fixture
def as_users_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries are built with the package's own flags, optimised."""
    monkeypatch.delenv("ONNX_BRIDGE_FLAGS", raising=False)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of models, inputs and facts that is too large for the repository."""
    folder = Path(os.environ.get("ONNX_BRIDGE_SHARED", ROOT.parent / "shared"))
    if not (folder / "models").is_dir():
        pytest.skip("no folder ../shared with models beside the repository (or in $ONNX_BRIDGE_SHARED)")
    return folder
