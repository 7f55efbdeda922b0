"""The kernels and the network once for each instruction set: by the header's including itself, or one text after the other."""

from __future__ import annotations

from onnx_bridge.emit.amalgamate import kernel_text

#: The line of kernels/regions.hxx where a body stands.
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


def regions(file: str, body: str | None) -> str:
    """The regions of all instruction sets.

    Args:
        file: the header's name.
        body: the text of the kernels and the network; None where the header includes itself.
    """
    text = kernel_text("regions.hxx")
    return _SELF.format(file=file, regions=text) if body is None else text.replace(_BODY, body)


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
