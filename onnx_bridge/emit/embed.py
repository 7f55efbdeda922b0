"""Weights inside the header: one string literal, which compilers read an order of magnitude faster than a list of numbers."""

from __future__ import annotations

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
