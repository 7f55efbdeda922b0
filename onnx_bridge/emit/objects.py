"""Objects of linkers that hold one array of bytes: ELF, Mach-O and COFF, what stands before the bytes and behind them."""

from __future__ import annotations

import platform as this
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass

from onnx_bridge.errors import ArgumentError

ALIGNMENT = 64
#: Names of processors, as others spell them.
_SAME = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64"}
#: The words of a machine's name that tell the objects of its linker.
_SYSTEMS = {
    "macho": ("darwin", "macos"),
    "coff": ("windows", "mingw", "win"),
    "elf": ("linux", "android", "freebsd", "netbsd", "openbsd", "elf", "none"),
}
#: What each kind of object calls a processor; for ELF the flags of its usual ABI, too.
_ELF = {"x86_64": (62, 0), "aarch64": (183, 0), "riscv64": (243, 0x5)}
_MACHO = {"x86_64": (0x01000007, 3), "aarch64": (0x0100000C, 0)}
_COFF = {"x86_64": 0x8664, "aarch64": 0xAA64}


@dataclass(frozen=True)
class Platform:
    """What an object is for.

    Attributes:
        processor: such as "x86_64".
        kind: "elf", "macho" or "coff".
    """

    processor: str
    kind: str

    @property
    def suffix(self) -> str:
        """What the names of objects end in."""
        return ".obj" if self.kind == "coff" else ".o"


def platform(target: str | None = None) -> Platform:
    """The machine of a name.

    Args:
        target: such as "aarch64-linux-gnu", "arm64-apple-darwin", "x86_64-w64-mingw32": what `c++ -dumpmachine` prints; None: this one.

    Raises:
        ArgumentError: no object is written for it.
    """
    name = f"{this.machine()}-{sys.platform}" if target is None else target
    first, *words = name.lower().split("-")
    processor = _SAME.get(first, first)
    kinds = [kind for kind, known in _SYSTEMS.items() if any(word.rstrip("0123456789.") in known for word in words)]
    tables: dict[str, dict[str, object]] = {"elf": {**_ELF}, "macho": {**_MACHO}, "coff": {**_COFF}}
    if not kinds or processor not in tables[kinds[0]]:
        raise ArgumentError(
            f"target: no objects are written for {name!r}, only for x86_64 and aarch64 with linux, darwin and windows, and riscv64-linux, "
            f"as compilers spell them (c++ -dumpmachine); weights='source' is compiled for any"
        )
    return Platform(processor, kinds[0])


def linked_ends(machine: Platform, symbol: str, size: int) -> tuple[bytes, bytes]:
    """What stands before and behind `size` bytes in an object that has them, read-only and aligned to 64, as `symbol`.

    No other program or library sees the symbol than the one that the object is linked into.
    """
    kinds: dict[str, Callable[[str, str, int], tuple[bytes, bytes]]] = {"elf": _elf, "macho": _macho, "coff": _coff}
    return kinds[machine.kind](machine.processor, symbol, size)


def _padded(data: bytes, to: int) -> bytes:
    return data + bytes(-len(data) % to)


def _elf(processor: str, symbol: str, size: int) -> tuple[bytes, bytes]:
    machine, flags = _ELF[processor]
    sections = ["", ".rodata", ".note.GNU-stack", ".symtab", ".strtab"]
    texts, where = b"", {}
    for text in (*sections, symbol):
        where[text] = len(texts)
        texts += text.encode() + b"\0"
    gap = bytes(-size % 8)
    symbols_at = ALIGNMENT + size + len(gap)
    hidden_object = struct.pack("<IBBHQQ", where[symbol], 1 << 4 | 1, 2, 1, 0, size)
    symbols = bytes(24) + hidden_object
    texts_at = symbols_at + len(symbols)
    texts_padded = _padded(texts, 8)

    def section(name: str, kind: int, flag: int, at: int, n: int, link: int = 0, info: int = 0, align: int = 1, entry: int = 0) -> bytes:
        return struct.pack("<IIQQQQIIQQ", where[name], kind, flag, 0, at, n, link, info, align, entry)

    table = bytes(64)
    table += section(".rodata", 1, 2, ALIGNMENT, size, align=ALIGNMENT)
    table += section(".note.GNU-stack", 1, 0, symbols_at, 0)
    table += section(".symtab", 2, 0, symbols_at, len(symbols), link=4, info=1, align=8, entry=24)
    table += section(".strtab", 3, 0, texts_at, len(texts))
    head = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 1, machine, 1, 0, 0, texts_at + len(texts_padded), flags, 64, 0, 0, 64, 5, 4
    )
    return _padded(head, ALIGNMENT), gap + symbols + texts_padded + table


def _macho(processor: str, symbol: str, size: int) -> tuple[bytes, bytes]:
    cpu, subtype = _MACHO[processor]
    texts = _padded(b"\0_" + symbol.encode() + b"\0", 8)
    sizes = {"segment": 72 + 80, "version": 24, "symtab": 24}
    begin = -(-(32 + sum(sizes.values())) // ALIGNMENT) * ALIGNMENT
    gap = bytes(-size % 8)
    symbols_at = begin + size + len(gap)
    head = struct.pack("<IIIIIIII", 0xFEEDFACF, cpu, subtype, 1, len(sizes), sum(sizes.values()), 0x2000, 0)
    head += struct.pack("<II16sQQQQIIII", 0x19, sizes["segment"], b"", 0, size, begin, size, 7, 7, 1, 0)
    head += struct.pack("<16s16sQQIIIIIIII", b"__const", b"__TEXT", 0, size, begin, 6, 0, 0, 0, 0, 0, 0)
    head += struct.pack("<IIIIII", 0x32, sizes["version"], 1, 11 << 16, 11 << 16, 0)
    head += struct.pack("<IIIIII", 2, sizes["symtab"], symbols_at, 1, symbols_at + 16, len(texts))
    private_external = struct.pack("<IBBHQ", 1, 0x0E | 0x10 | 0x01, 1, 0, 0)
    return _padded(head, ALIGNMENT), gap + private_external + texts


def _coff(processor: str, symbol: str, size: int) -> tuple[bytes, bytes]:
    texts = symbol.encode() + b"\0"
    read_only_aligned = 0x40 | 0x40000000 | 0x00700000
    head = struct.pack("<HHIIIHH", _COFF[processor], 1, 0, ALIGNMENT + size, 1, 0, 0)
    head += struct.pack("<8sIIIIIIHHI", b".rdata", 0, 0, size, ALIGNMENT, 0, 0, 0, 0, read_only_aligned)
    external = struct.pack("<IIIhHBB", 0, 4, 0, 1, 0, 2, 0)
    return _padded(head, ALIGNMENT), external + struct.pack("<I", 4 + len(texts)) + texts
