"""The sources of a library that Python opens: headers, each with its C face."""

from __future__ import annotations

from onnx_bridge.emit.c_face import c_face
from onnx_bridge.emit.header import Emitted
from onnx_bridge.ir.dtypes import string

#: The file of `sources` that is compiled.
MAIN = "library.cxx"

#: Before and behind the face of a header made with `taps`: where it looks for who takes its tensors.
_TAP = """#include <cstddef>
static thread_local void (*current_tap)(int, const void*, std::size_t) = nullptr;
static void (*active_tap())(int, const void*, std::size_t) { return current_tap; }
"""
_SET_TAP = 'extern "C" void @NAME@_tap(void (*tap)(int, const void*, std::size_t)) { current_tap = tap; }\n'


def sources(*headers: Emitted, taps: bool = False) -> dict[str, str]:
    """The sources of a library of one header or several: `MAIN`, and what it includes."""
    texts: dict[str, str] = {}
    for header in headers:
        texts |= {f"{header.name}.hxx": header.header, **c_face(header)}
    main = "".join(f'#include "{header.name}.cpp"\n' for header in headers)
    return texts | {MAIN: _TAP + main + _SET_TAP.replace("@NAME@", headers[0].name) if taps else main}


def has_text(emitted: Emitted) -> bool:
    """Whether inputs or outputs are strings."""
    return any(t.dtype is string for t in (*emitted.inputs, *emitted.outputs))
