"""What all tests share: where built libraries are kept, and the folder of models that may lie beside the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Libraries that tests build are kept from run to run beside pytest's own cache, not among the user's."""
    os.environ.setdefault("ONNX_BRIDGE_CACHE", str(config.rootpath / ".pytest_cache" / "libraries"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of models, inputs and facts that is too large for the repository."""
    folder = Path(os.environ.get("ONNX_BRIDGE_SHARED", ROOT.parent / "shared"))
    if not (folder / "models").is_dir():
        pytest.skip("no folder ../shared with models beside the repository (or in $ONNX_BRIDGE_SHARED)")
    return folder
