"""The sources of a library that Python opens: headers, each with its C face."""

from __future__ import annotations

from pathlib import Path

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
        texts |= {f"{header.name}.hxx": header.header, **c_face(header, from_memory=True)}
    main = "".join(f'#include "{header.name}.cpp"\n' for header in headers)
    main += "".join(_here(header) for header in headers if called_here(header))
    return texts | {MAIN: _TAP + main + _SET_TAP.replace("@NAME@", headers[0].name) if taps else main}


def called_here(header: Emitted) -> bool:
    """Whether a header has the function `NAME_here`: not where data decides sizes, nor with strings, sequences and optionals."""
    return not (header.found or has_text(header) or header.input_groups or header.output_groups)


def _here(header: Emitted) -> str:
    """`NAME_here`: a call in a workspace of the thread's own, its arguments the model, run-time sizes, inputs and outputs, one by one."""
    sizes = [f"s{i}" for i in range(len(header.symbols))]
    ends = [f"x{i}" for i in range(len(header.inputs))], [f"y{i}" for i in range(len(header.outputs))]
    parameters = [f"const {header.name}_model* model", *[f"std::int64_t {s}" for s in sizes]]
    parameters += [*[f"const void* {x}" for x in ends[0]], *[f"void* {y}" for y in ends[1]]]
    dims = [f"const {header.name}_dims* const dims = nullptr;"]
    if sizes:
        dims = [f"const {header.name}_dims given = {{{', '.join(sizes)}}};", f"const {header.name}_dims* const dims = &given;"]
    text = (Path(__file__).parent / "here.cpp").read_text(encoding="ascii")
    filling = {"PARAMETERS": ", ".join(parameters), "DIMS": "\n".join(f"   {line}" for line in dims), "NAME": header.name}
    filling |= dict(zip(("IN", "OUT"), (", ".join(names) or "nullptr" for names in ends), strict=True))
    for word, meant in filling.items():
        text = text.replace(f"@{word}@", meant)
    return text


def has_text(emitted: Emitted) -> bool:
    """Whether inputs or outputs are strings."""
    return any(t.dtype is string for t in (*emitted.inputs, *emitted.outputs))
