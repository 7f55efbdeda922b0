"""What front ends use of other packages that these do not promise to keep.

Each framework's `internals.py` is the only place for it, and names the versions that have it: `tests/test_design.py` sees to that. What is
gone from the installed version is an ExportError that says so, rather than whatever Python would say.
"""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from onnx_bridge.errors import ExportError


def internal(package: str, path: str, seen: str) -> Any:
    """Something of a package by its place, such as "jax2onnx.plugins.plugin_system:PLUGIN_REGISTRY".

    Args:
        package: what is installed, which is there.
        path: the module, and what is in it.
        seen: the versions of the package that have it.

    Raises:
        ExportError: the installed version has it not.
    """
    module, _, names = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for name in names.split(".") if names else ():
            found = getattr(found, name)
    except (ImportError, AttributeError):
        raise gone(package, path.replace(":", "."), seen) from None  # what Python says of it says less
    return found


def gone(package: str, what: str, seen: str) -> ExportError:
    """The error that says that an installed version has not what is needed."""
    try:
        installed = version(package)
    except PackageNotFoundError:
        installed = "(of unknown version)"
    return ExportError(
        f"{package} {installed} has no {what}, which this front end needs and {package} does not promise to keep; it was seen in {seen}. "
        f"Install one of these versions; those that are tested together stand in the repository's constraints folder"
    )
