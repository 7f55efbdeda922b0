"""The instruction sets that headers hold bodies for: a record each, a file each. Above `emit` nothing knows one by its name.

A new target is a file here with a `TARGET`. A header holds only the bodies that differ: kernels that ask for no feature of a target give
it the body of the one that it extends. What a kernel may ask the preprocessor for is `ONNX_BRIDGE_LANES`, `ONNX_BRIDGE_REGISTERS`
and `ONNX_BRIDGE_HAS_<FEATURE>`.
"""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module

from onnx_bridge.targets.record import REGISTERS, Architecture, Target, has

__all__ = ["REGISTERS", "TARGETS", "Architecture", "Target", "bodies_that_differ", "has", "words_of"]

_WORD = re.compile(rf"\b(?:{REGISTERS}|{has('')}[A-Z0-9_]+)\b")


def _found() -> tuple[Target, ...]:
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    targets = [module.TARGET for module in modules if hasattr(module, "TARGET")]
    return tuple(sorted(targets, key=lambda t: (-t.lanes, -len(t.features), t.number)))


#: Every target, the best first: more lanes, then more features.
TARGETS: tuple[Target, ...] = _found()


def words_of(kernels: str) -> frozenset[str]:
    """What kernels ask of their target but for its lanes: the names of macros.

    Raises:
        ValueError: a feature that no target has.
    """
    words = frozenset(_WORD.findall(kernels))
    unknown = words - {REGISTERS, *(has(feature) for target in TARGETS for feature in target.features)}
    if unknown:
        raise ValueError(f"kernels ask for {', '.join(sorted(unknown))}, which no target has")
    return words


def bodies_that_differ(words: frozenset[str]) -> list[Target]:
    """The targets whose bodies stand in a header, the best first.

    Of those whose texts are the same, the one that most processors run.
    """
    return [t for t in TARGETS if not any(t.includes(o) and t.tells_apart(words) == o.tells_apart(words) for o in TARGETS)]
