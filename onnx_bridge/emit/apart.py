"""A header taken apart: what a program declares of it, and what a library of its own holds."""

from __future__ import annotations

import re

#: What stands before a member that is defined behind its class: without this word a library holds it for those who only declare it.
_INLINE = re.compile(r"\binline (?=[^;{}()]*\b(?:Model|Workspace)::\w+\()")


def declared(name: str, header: str) -> str:
    """The face of a header alone: its types, and SOFIE's Session, with the members of Model that hold the network declared only.

    Args:
        name: the model's C++ name.
        header: the text of NAME.hxx.
    """
    face, _, rest = _sections(name, header)
    face = face.replace("#if !defined(ONNX_BRIDGE_LANES)", "#if true", 1)
    return face + rest


def for_library(name: str, header: str) -> str:
    """A header whose members of Model are no inline functions: compiled once, a library has what `declared` leaves out."""
    face, middle, rest = _sections(name, header)
    return face + _INLINE.sub("", middle) + rest


def _sections(name: str, header: str) -> tuple[str, str, str]:
    """The face; the bodies and the definitions; SOFIE's Session and what follows (without the text that the header includes of itself)."""
    end = f"\n}}}}  // namespace onnx_bridge::{name}\n"
    face, found, rest = header.partition(end)
    middle, again, rest = rest.partition(end)
    assert found and again, "the templates of a header have changed"
    return face + end, middle + end, rest
