"""Planting faults in the kernels, for tests that must see verification turn red."""

from __future__ import annotations

import pytest

from onnx_bridge.emit import header
from onnx_bridge.emit.amalgamate import amalgamate


def plant(monkeypatch: pytest.MonkeyPatch, good: str, bad: str) -> None:
    """Makes every header be emitted with a changed kernel."""

    def changed(*args: object) -> str:
        text = amalgamate(*args)  # type: ignore[arg-type]
        if len(args) > 1:
            assert good in text, f"no kernel says {good!r} any more: plant the fault elsewhere"
        return text.replace(good, bad)

    monkeypatch.setattr(header, "amalgamate", changed)
