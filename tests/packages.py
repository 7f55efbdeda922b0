"""Packages of other people's, installed as pip leaves them."""

from __future__ import annotations

import os
from pathlib import Path


def installed(folder: Path, module: str, entry: str) -> dict[str, str]:
    """Installs a package with a module `their_package`, and its entry point `entry`, into a folder; the environment that sees it."""
    (folder / "their_package.py").write_text(module)
    info = folder / "their_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[onnx_bridge.custom_ops]\n{entry} = their_package\n")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}
