"""What this processor can run: asked of the same code that a header asks."""

from __future__ import annotations

import ctypes
from functools import cache

from onnx_bridge.emit.amalgamate import KERNELS
from onnx_bridge.toolchain import build

_SOURCE = '#include "widest_body.hxx"\nextern "C" int widest() { return widest_body(); }\n'


@cache
def widest_body(compiler: str | None = None) -> int:
    """How many floats the widest body of a header has that this processor can run: 16, 8 or 4.

    Raises:
        ToolchainError: no compiler, or it refuses.
    """
    sources = {"widest.cpp": _SOURCE, "widest_body.hxx": (KERNELS / "widest_body.hxx").read_text(encoding="ascii")}
    return int(ctypes.CDLL(str(build(sources, "widest.cpp", compiler=compiler))).widest())
