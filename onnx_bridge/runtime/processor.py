"""What this processor can run: asked of the same code that a header asks."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from typing import Any

from onnx_bridge.emit.bodies import detection, includes
from onnx_bridge.targets import TARGETS, bodies_that_differ
from onnx_bridge.toolchain import build

#: What `Body` has for the best that the processor can run.
BEST = 0

#: The number of each body, as `Body` and `ONNX_BRIDGE_ONLY` have it.
NUMBERS = {target.name: target.number for target in TARGETS}

#: The bodies of a header whose kernels ask for nothing in particular, the best first.
BODIES = tuple(target.name for target in bodies_that_differ(frozenset()))


def best_body(bodies: Sequence[str] = BODIES, compiler: str | None = None) -> str:
    """The first of these bodies that this processor can run.

    Raises:
        ToolchainError: no compiler, or it refuses.
    """
    can_run = _library(compiler).can_run_body
    return next((body for body in bodies if can_run(NUMBERS[body])), bodies[-1])


@cache
def _library(compiler: str | None) -> Any:
    text = f'{includes(TARGETS)}\n{detection(TARGETS)}\nextern "C" int can_run_body(int body) {{ return can_run(body); }}\n'
    return ctypes.CDLL(str(build({"can_run.cpp": text}, "can_run.cpp", compiler=compiler)))
