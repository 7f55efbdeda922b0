"""The kernels and the network once for each target: by the header's including itself, or one text after the other; and which one runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from onnx_bridge.emit.amalgamate import kernel_text, macros
from onnx_bridge.emit.writer import INDENT, folded
from onnx_bridge.targets import REGISTERS, Target, has

#: The line of a region where its body stands.
_BODY = "#include ONNX_BRIDGE_SELF\n"

# What a compiler calls the file that it reads is right where the file was renamed, too. GCC 11 knows only the path, which it finds again
# where that is absolute, or relative to a folder that is searched.
_SELF = """// The kernels and the network, once for each instruction set: this file includes itself below.
#if defined(__FILE_NAME__)
#define ONNX_BRIDGE_SELF __FILE_NAME__
#elif __has_include(__FILE__)
#define ONNX_BRIDGE_SELF __FILE__
#else
#define ONNX_BRIDGE_SELF "{file}"
#endif
#if !__has_include(ONNX_BRIDGE_SELF)
#error "This header includes itself and is not found: convert with self_include=False for text that is renamed, pasted or piped"
#endif
{regions}
#undef ONNX_BRIDGE_SELF"""

_ONLY = """// ONNX_BRIDGE_ONLY, which whoever compiles may define as {numbers}, leaves the other bodies out.
#if defined(ONNX_BRIDGE_ONLY) && !({any})
#error "ONNX_BRIDGE_ONLY must be the number of a body that this header has for this processor: {numbers}"
#endif"""

_CAN_RUN = """\
/// Whether this processor and this system can run a body.
inline bool can_run(int body)
{{
{questions}   return {anywhere};
}}"""

_CHOICES = """\
   run_ =  // the best first
{rows}
      nullptr;"""


def regions(file: str, body: str | None, targets: Sequence[Target], words: frozenset[str]) -> str:
    """The regions of all bodies.

    Args:
        file: the header's name.
        body: the text of the kernels and the network; None where the header includes itself.
        targets: those that have a body, the best first.
        words: what the kernels ask of their target, of `targets.words_of`.
    """
    text = region_text(targets, words)
    return includes(targets) + (_SELF.format(file=file, regions=text) if body is None else text.replace(_BODY, body))


def region_text(targets: Sequence[Target], words: frozenset[str]) -> str:
    """What includes ONNX_BRIDGE_SELF once for each target, with the target switched on and what the kernels ask for defined."""
    numbers = " or ".join(", ".join(str(t.number) for t in targets).rsplit(", ", 1))
    blocks = [_ONLY.format(numbers=numbers, any=_chosen(targets)), *(_region(target, words) for target in targets)]
    return kernel_text("regions.hxx").replace("@BODIES@", "\n".join(blocks))


def _region(target: Target, words: frozenset[str]) -> str:
    defined = _defined(target, words)
    begins = [f'ONNX_BRIDGE_BEGIN("{target.gcc}")']
    if target.gcc != target.clang:
        begins = ["#if defined(__clang__)", f'ONNX_BRIDGE_BEGIN("{target.clang}")', "#else", *begins, "#endif"]
    lines = [
        f"#if {_there(target)}",
        *(begins if target.gcc else ()),
        *(f"#define {name} {value}" for name, value in defined.items()),
        _BODY.rstrip("\n"),
        *(["ONNX_BRIDGE_END"] if target.gcc else ()),
        "#endif",
    ]
    return "\n".join(lines)


def _defined(target: Target, words: frozenset[str]) -> dict[str, str]:
    """The macros that a body is read with."""
    defined = {"ONNX_BRIDGE_LANES": str(target.lanes), "ONNX_BRIDGE_REGION": target.name}
    defined |= {REGISTERS: str(target.registers)} if REGISTERS in words else {}
    return defined | {has(feature): "1" for feature in sorted(target.features) if has(feature) in words}


def undefined(kernels: str, targets: Sequence[Target], words: frozenset[str]) -> str:
    """What a body ends with: its own macros go, and those that it was read with."""
    names = [*macros(kernels), *(name for target in targets for name in _defined(target, words))]
    return "\n".join(f"#undef {name}" for name in dict.fromkeys(names))


def _there(target: Target) -> str:
    """The preprocessor's condition for a body."""
    only = f"!defined(ONNX_BRIDGE_ONLY) || ONNX_BRIDGE_ONLY == {target.number}"
    return f"defined({target.architecture.macro}) && ({only})" if target.architecture.macro else only


def _chosen(targets: Sequence[Target]) -> str:
    """The preprocessor's condition that one of the bodies was asked for."""
    conditions = []
    for macro, found in groupby(sorted(targets, key=lambda t: t.architecture.macro, reverse=True), key=lambda t: t.architecture.macro):
        numbers = " || ".join(f"ONNX_BRIDGE_ONLY == {target.number}" for target in found)
        conditions.append(f"(defined({macro}) && ({numbers}))" if macro else numbers)
    return " || ".join(conditions)


def includes(targets: Sequence[Target]) -> str:
    """The system headers that `detection` needs."""
    asked = dict.fromkeys(t.architecture for t in targets if t.architecture.include and t.detected != "true")
    return "".join(f"#if defined({a.macro}) && __has_include(<{a.include}>)\n#include <{a.include}>\n#endif\n" for a in asked)


def body_enumerators(targets: Sequence[Target]) -> str:
    """What stands in `enum class Body`."""
    return ", ".join(["best = 0", *(f"{t.name} = {t.number}" for t in sorted(targets, key=lambda t: t.number))])


def detection(targets: Sequence[Target]) -> str:
    """The C++ function `can_run`, for these targets and no others; it needs nothing else of a header."""
    questions = []
    for where, found in groupby(sorted(targets, key=lambda t: t.architecture.macro), key=lambda t: t.architecture):
        if where.macro:
            asked = list(found)
            lines = where.asks.splitlines() if any(t.detected != "true" for t in asked) else []
            lines = [INDENT + line if line[:1] != "#" else line for line in lines]
            lines += [part for t in asked for part in folded(f"{INDENT}if (body == {t.number}) return {t.detected};", 120)]
            questions += [f"#if defined({where.macro})", *lines, "#endif"]
    anywhere = " || ".join(f"body == {t.number}" for t in targets if not t.architecture.macro)
    return _CAN_RUN.format(questions="".join(f"{line}\n" for line in questions), anywhere=anywhere)


def choices(targets: Sequence[Target]) -> str:
    """The choice of a body in `Model::choose`."""
    return _CHOICES.format(rows="\n".join(f"#if {_there(t)}\n{INDENT * 2}runs(Body::{t.name}) ? {t.name}::run :\n#endif" for t in targets))


def including_itself(header: str, body: str) -> str:
    """A header that is its face when it is included, and a body when it includes itself."""
    end = next(i for i, line in enumerate(header.split("\n")) if not line.startswith("//"))
    lines = header.split("\n")
    banner, face = "\n".join(lines[:end]), "\n".join(lines[end:])
    return (
        f"{banner}\n#if !defined(ONNX_BRIDGE_LANES)  // ------------------------------------------------------------ the face, read once\n"
        f"{face.rstrip()}\n#else  // --------------------------------------------------------------- read once for each instruction set\n"
        f"{body}#endif\n"
    )
