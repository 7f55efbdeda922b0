"""Custom operators of installed packages: whoever has an entry point in the group `onnx_bridge.custom_ops` is imported, ours too."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

from onnx_bridge.errors import DeclarationError

#: The group of entry points; each names a module whose import declares operators.
GROUP = "onnx_bridge.custom_ops"

_loaded: set[str] = set()

#: The folders that modules are found in, as they were when all had been loaded: reading every package's entry points takes milliseconds.
_seen: list[tuple[str, int]] = []


def load() -> None:
    """Imports the modules of all entry points, once.

    Raises:
        DeclarationError: one of them fails; the message names its package.
    """
    folders = [(place, Path(place).stat().st_mtime_ns) for place in sys.path if Path(place).is_dir()]
    if folders == _seen:
        return
    for entry in importlib.metadata.entry_points(group=GROUP):
        if entry.value in _loaded:
            continue
        package = entry.dist.name if entry.dist is not None else "a package"
        try:
            entry.load()
        except Exception as error:
            raise DeclarationError(
                f"the custom operator {entry.name!r} of {package} ({entry.value}) cannot be loaded: {type(error).__name__}: {error}; "
                f"mend or uninstall {package}"
            ) from error
        _loaded.add(entry.value)
    _seen[:] = folders
