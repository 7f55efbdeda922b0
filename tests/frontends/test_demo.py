"""`onnx-bridge demo --from` each framework: the network is built there, converts, and decides as the framework does."""

from __future__ import annotations

import re

import pytest
from harness import needs

from onnx_bridge.cli import main

FRAMEWORKS = ("flax", "keras", "torch")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_demo(framework: str, capsys: pytest.CaptureFixture[str]) -> None:
    needs(framework)
    status = main(["demo", "--from", framework])
    text, err = capsys.readouterr()

    assert (status, err) == (0, "")
    assert f"built in {framework}" in text and "exported from" in text
    (right,) = re.findall(r"^accuracy on \d+ new events +([\d.]+) +([\d.]+) +([\d.]+)$", text, re.MULTILINE)
    assert max(map(float, right)) - min(map(float, right)) <= 1e-4 and min(map(float, right)) > 0.95


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_framework_that_is_missing(framework: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether or not it is there: looking for it fails as it does where it is not."""
    from onnx_bridge.demo import networks

    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(networks.importlib, "import_module", missing)
    assert main(["demo", "--from", framework]) == 1
    assert "pip install 'onnx_bridge[" in capsys.readouterr().err
