"""What g++ makes code of: the functions of a header that its network calls, as the compiler has it and not as our reader of C++ does.

Nothing is inlined, so that each function that is called, of templates too, is there under its own name; those that are called by nobody
that is there are static, and left out. The line that a function stands on is what its debugging information says.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from onnx_bridge.emit.declarations import declarations, parse
from onnx_bridge.emit.header import Emitted
from onnx_bridge.runtime.sources import MAIN, sources
from onnx_bridge.toolchain.compiler import find_compiler

#: How functions are written that may be unused or must be inlined, and how they are compiled here.
_PLAIN = (
    ("static inline __attribute__((always_inline, unused))", "static"),
    ("((noinline, unused))", "((noinline))"),
    ("__attribute__((always_inline))", ""),
)


def made_lines(emitted: Emitted, body: str, folder: Path) -> set[int]:
    """The lines of a header with functions that the compiler has made, in the body of that number."""
    for name, text in sources(emitted).items():
        for written, plain in _PLAIN if name != MAIN else ():
            text = text.replace(written, plain)
        (folder / name).write_text(text, encoding="utf-8")
    flags = ["-std=c++17", "-Og", "-fno-inline", "-g1", "-w", "-S", "-o", "-", f"-DONNX_BRIDGE_ONLY={body}"]
    code = subprocess.run([*find_compiler().command, *flags, str(folder / MAIN)], capture_output=True, text=True, check=True).stdout
    files = set(re.findall(rf'^\t\.file (\d+) "[^\n]*\b{emitted.name}\.hxx"', code, re.MULTILINE))
    return {
        int(line)
        for file, line in re.findall(r"^\.LFB\d+:\n(?:\t\.(?!loc)[^\n]*\n)*\t\.loc (\d+) (\d+)", code, re.MULTILINE)
        if file in files
    }


def uncalled(emitted: Emitted, bodies: Sequence[str], folder: Path) -> list[str]:
    """The first lines of the kernels' functions that no body calls; what is computed as the compiler runs is not looked for."""
    kernels = emitted.header.partition("namespace ONNX_BRIDGE_REGION {")[2].partition("// ---- the network\n")[0]
    first = emitted.header[: emitted.header.index(kernels)].count("\n") + 1
    left: dict[tuple[frozenset[str], str], tuple[set[int], str]] = {}
    for declaration in declarations(parse(kernels)):
        if declaration.kind == "function" and "constexpr" not in declaration.words:
            begin = first + kernels[: kernels.index(declaration.text)].count("\n")
            lines = range(begin, begin + declaration.text.count("\n") + 1)
            # Branches of an #if have one function in several forms: one of them is enough.
            written, _ = left.setdefault((declaration.names, str(declaration.parameters)), (set(), declaration.text))
            written.update(lines)
    for body in bodies:
        made = made_lines(emitted, body, folder) if left else set()
        left = {key: (lines, text) for key, (lines, text) in left.items() if made.isdisjoint(lines)}
    return [next(line for line in text.splitlines() if not line.startswith("template")) for _, text in left.values()]
