"""What methods of lower rooms are done by in upper ones: filled as the package is imported, so that neither imports the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: "optimise" and "emit", which `RModel.initialize` and `RModel.generate` call.
HOOKS: dict[str, Callable[..., Any]] = {}
