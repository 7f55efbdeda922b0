"""Weights that become part of a program: an object that is linked, a source that has the assembler copy them, text of the header."""

from __future__ import annotations

from pathlib import Path

from onnx_bridge.emit.objects import linked_ends, platform
from onnx_bridge.emit.templates import filled
from onnx_bridge.emit.weights import WeightsImage
from onnx_bridge.errors import ArgumentError

#: How weights come into a program, and what stands beside the header then.
FORMS = {
    "file": "NAME.dat, which is mapped when a Model is opened",
    "object": "NAME.o, which is linked (NAME.obj for Windows)",
    "source": "NAME_weights.cpp, which is compiled and has the assembler copy NAME.dat",
    "header": "nothing: they are text of the header",
}

#: Where the banner says that they are.
WHERE = {
    "file": "NAME.dat",
    "object": "linked into the program",
    "source": "linked into the program, from NAME_weights.cpp and NAME.dat",
    "header": "in this header",
}

#: Bytes of weights that may be text of a header: compilers take 80 times as much memory.
MOST_AS_TEXT = 1 << 22

#: Bytes of weights that may be linked: code reaches 2 GiB of data.
MOST_LINKED = (1 << 31) - (1 << 26)


def check_form(form: str, image: WeightsImage) -> None:
    """Refuses a form that there is not, or that is not for so many weights.

    Raises:
        ArgumentError: with what to take instead.
    """
    if form not in FORMS:
        raise ArgumentError(f"weights: {form!r} is none of {', '.join(map(repr, FORMS))}")
    if form == "header" and image.bytes > MOST_AS_TEXT:
        raise ArgumentError(
            f"weights: {image.bytes:,} bytes as text of a header would take a compiler {80 * image.bytes >> 20:,} MiB of memory; up to "
            f"{MOST_AS_TEXT:,} may be. weights='object' links them in a second, weights='source' has the assembler copy them"
        )
    if form in ("object", "source") and image.bytes > MOST_LINKED:
        raise ArgumentError(f"weights: {image.bytes:,} bytes are too many for a program: code reaches 2 GiB; weights='file' maps them")


def symbol(name: str, image: WeightsImage) -> str:
    """What linkers call the weights: with their checksum, so that those of another conversion are not linked."""
    return f"onnx_bridge_{name}_weights_{image.header_hash:016x}"


def linked(name: str, image: WeightsImage) -> str:
    """The C++ that declares the weights which a linker finds, and the function `embedded_weights()`."""
    return f"""
extern "C" {{
#if !defined(_WIN32)
__attribute__((visibility("hidden")))
#endif
extern const char {symbol(name, image)}[];
}}
/// The weights file, byte for byte, linked into the program.
inline const char* embedded_weights() {{ return {symbol(name, image)}; }}
"""


def names_beside(name: str, form: str, target: str | None) -> list[str]:
    """The names of the files that stand beside a header, what is compiled or linked first; `target` as in `write_beside`."""
    if form == "object":
        return [f"{name}{platform(target).suffix}"]
    return {"file": [f"{name}.dat"], "source": [f"{name}_weights.cpp", f"{name}.dat"]}.get(form, [])


def write_beside(folder: Path, name: str, image: WeightsImage, form: str, target: str | None) -> None:
    """Writes what stands beside a header.

    Args:
        folder: where.
        name: the model's C++ name.
        image: the weights.
        form: one of `FORMS`.
        target: the machine that an object is for, as compilers print it (-dumpmachine); this one, if it is None.

    Raises:
        ArgumentError: there are no objects for that machine.
    """
    for file_name in names_beside(name, form, target):
        if file_name.endswith(".cpp"):
            (folder / file_name).write_text(assembled(name, image), encoding="ascii", newline="\n")
            continue
        ends = linked_ends(platform(target), symbol(name, image), image.bytes) if form == "object" else (b"", b"")
        with (folder / file_name).open("wb") as file:
            file.write(ends[0])
            image.write(file)
            file.write(ends[1])


def assembled(name: str, image: WeightsImage) -> str:
    """The source that has the assembler copy NAME.dat into an object, on each system that GCC and clang write objects for."""
    return filled("weights.cpp", {"NAME": name, "SYMBOL": symbol(name, image)})


#: Bytes of the payload on one line of the literal.
_PER_LINE = 64

#: How each byte is spelt: itself where that is safe anywhere in a literal, else three octal digits, which end by themselves.
_SPELT = [
    chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}" for byte in range(256)
]  # '?' could begin a trigraph


def embedded(data: bytes) -> str:
    """The C++ function `embedded_weights()`, which returns the bytes, aligned to 64."""
    lines = ("".join(_SPELT[byte] for byte in data[at : at + _PER_LINE]) for at in range(0, len(data), _PER_LINE))
    literal = "\n".join(f'      "{line}"' for line in lines)
    return f"""
#if defined(__GNUC__) || defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
#endif
/// The weights file, byte for byte.
inline const char* embedded_weights()
{{
   alignas(64) static const char data[] =
{literal};
   return data;
}}
#if defined(__GNUC__) || defined(__clang__)
#pragma GCC diagnostic pop
#endif
"""
