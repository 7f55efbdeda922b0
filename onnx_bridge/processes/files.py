"""What is too large for a message: a file that one process writes and another maps or reads, and that is gone when that has happened."""

from __future__ import annotations

import contextlib
import mmap
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np


@contextlib.contextmanager
def handed_over(write: Callable[[IO[Any]], object]) -> Iterator[str]:
    """The path of a file, readable by this user alone, that is there as long as the block.

    Whoever has mapped it by then keeps what is in it: pages that the system may share and drop, where a message is copied on both sides.
    """
    with tempfile.NamedTemporaryFile(prefix="onnx_bridge_", delete=False) as file:
        path = Path(file.name)
        try:
            write(file)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    try:
        yield str(path)
    finally:
        with contextlib.suppress(OSError):  # Windows keeps a file that is mapped
            path.unlink()


def mapped(path: str) -> np.ndarray:
    """The bytes of a file, which is not empty, read-only; they begin at a page."""
    with Path(path).open("rb") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
