"""The C++ compiler: found once, asked its version, run with its output kept for messages."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from onnx_bridge.errors import ToolchainError

#: Names that are tried, in order, when neither the caller nor $CXX says which.
CANDIDATES = ("g++", "c++", "clang++", "g++-14", "g++-13", "g++-12", "g++-11", "clang++-19", "clang++-16", "clang++-14")


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler.

    Attributes:
        command: how it is called, words.
        version: the first line that `--version` prints.
    """

    command: tuple[str, ...]
    version: str

    def run(self, args: Sequence[str], *, timeout: float = 900) -> None:
        """Runs the compiler.

        Raises:
            ToolchainError: it failed; the message holds the end of what it printed.
        """
        call = [*self.command, *args]
        try:
            done = subprocess.run(call, capture_output=True, text=True, errors="replace", timeout=timeout, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ToolchainError(f"cannot run {shlex.join(call)}: {error}") from None
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines()
            errors = [line for line in lines if "error" in line.lower()][:10] or lines[-10:]
            raise ToolchainError(f"{shlex.join(call)} failed with status {done.returncode}:\n" + "\n".join(errors))


@cache
def find_compiler(name: str | None = None) -> Compiler:
    """The compiler called `name`, else $CXX, else the first of the usual names that is there.

    Raises:
        ToolchainError: none is.
    """
    asked = name or os.environ.get("CXX")
    for candidate in [asked] if asked else CANDIDATES:
        words = tuple(shlex.split(candidate))
        if words and shutil.which(words[0]):
            try:
                text = subprocess.run([*words, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
            except (OSError, subprocess.TimeoutExpired):
                continue
            if text.strip():
                return Compiler(words, text.strip().splitlines()[0])
    looked = asked or ", ".join(CANDIDATES)
    raise ToolchainError(f"no C++17 compiler found (looked for {looked}); install g++ or clang++, or name one in $CXX")
