"""One other process: started, asked, and ended; how it died, if it did.

It is spawned, never forked: this process may have threads, and JAX and TensorFlow hang in forks.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO, Any

import onnx_bridge.errors as errors
from onnx_bridge.processes import messages

#: How much of what a process has printed is kept.
MOST = 1 << 16

#: `fcntl` of Linux: the capacity of a pipe.
_F_SETPIPE_SZ = 1031

#: Started with `-c`, so that no file of the working directory stands before the packages (as `-m` would have it).
_PROGRAM = "import sys; sys.path[:] = [p for p in sys.path if p]; from {} import main; main()"


class Died(Exception):  # no error of its own: whoever asked says in what a death consists for the user
    """The other process has ended without an answer, how; no BridgeError, for only who asked knows what that means to the user."""


class Child:
    """Another process: it takes questions at its standard input, answers at its standard output, and prints to a file.

    Args:
        module: its `main()` is what the process does.
        environment: variables for it, beside those of this process.

    Attributes:
        served: whether it has had a conversation before.

    Raises:
        Died: no Python interpreter was found, or it cannot be started.
    """

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        self.served = False
        python = interpreter()
        if python is None:
            raise Died("no Python interpreter was found to start it with; $ONNX_BRIDGE_PYTHON can name one")
        package = str(Path(errors.__file__).parents[1])
        path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH", "")]))
        # The child shares the position of a descriptor that it inherits, so what it prints is read through another one.
        descriptor, path_of_log = tempfile.mkstemp(prefix="onnx_bridge_", suffix=".log")
        self._log = Path(path_of_log).open("rb")  # noqa: SIM115  # as long as the process
        if os.name == "posix":  # nothing is left behind however this process ends
            Path(path_of_log).unlink()
        try:
            with os.fdopen(descriptor, "wb") as log:
                # A session of its own: what ends this process by Ctrl-C ends it, too, but only by closing its input.
                self.process = subprocess.Popen(
                    [python, "-c", _PROGRAM.format(module)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                    env={**os.environ, **environment, "PYTHONPATH": path}, start_new_session=True,
                )  # fmt: skip
        except OSError as error:
            _forget(self._log)
            raise Died(f"{python} cannot be started: {error}") from None
        assert self.process.stdin is not None and self.process.stdout is not None
        self._to, self._back = self.process.stdin, self.process.stdout
        for stream in (self._to, self._back):
            _widen(stream.fileno())
        self.close = weakref.finalize(self, _end, os.getpid(), self.process, self._log)

    def tell(self, message: object) -> None:
        """Sends a message that has no answer; a process that is gone is found out by the next question."""
        with contextlib.suppress(BrokenPipeError):
            messages.send(self._to, message)

    def ask(self, message: object) -> Any:
        """Sends a message and waits for the answer.

        Raises:
            Died: the other process has ended.
            TypeError: the message holds what cannot be sent.
        """
        try:
            self.tell(message)
            return messages.receive(self._back)
        except EOFError:
            raise Died(_ended(self.process.wait())) from None
        except TypeError:  # nothing was sent
            raise
        except BaseException:  # an interrupt in the middle of a message: what comes next could not be told from the rest of it
            self.kill()
            raise

    def kill(self) -> None:
        """Ends the process, and all that it started, at once."""
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL) if hasattr(os, "killpg") else self.process.kill()
        self.process.wait()
        self.close()

    def printed(self, since: int = 0) -> str:
        """What it has printed, from a position in bytes on."""
        if self._log.closed:
            return ""
        self._log.seek(since)
        return self._log.read().decode("utf-8", "replace")[-MOST:]

    def position(self) -> int:
        """How many bytes it has printed."""
        return os.fstat(self._log.fileno()).st_size


def _widen(pipe: int) -> None:
    """Gives a pipe room for a mebibyte, where the system lets it: large arrays go through it in fewer turns of the two processes."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, _F_SETPIPE_SZ, 1 << 20)


def _end(owner: int, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(BrokenPipeError):
            stream.close()  # type: ignore[union-attr]  # both are pipes
    if os.getpid() != owner:  # in a fork of who started it, to whom it does not belong
        process.returncode = 0
        log.close()
        return
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _forget(log)


def _forget(log: IO[bytes]) -> None:
    log.close()
    if os.name != "posix":
        Path(log.name).unlink(missing_ok=True)


def _ended(status: int) -> str:
    """How a process ended, in words."""
    if status >= 0:
        return f"status {status}"
    number = -status
    name = next((known.name for known in signal.Signals if known == number), "")
    return f"signal {number}{f', {name}' if name else ''}"


@cache
def interpreter() -> str | None:
    """The Python to start other processes with: $ONNX_BRIDGE_PYTHON, this one, or that of the program in which this is embedded."""
    asked = os.environ.get("ONNX_BRIDGE_PYTHON")
    if asked:
        return asked
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folder = Path(sys.exec_prefix) / ("Scripts" if sys.platform == "win32" else "bin")
    candidates = [sys.executable, str(folder / name), str(folder / "python3"), str(folder / "python.exe"), shutil.which(name)]
    for candidate in filter(None, candidates):
        if re.match(r"(python|pypy)[\d.]*(\.exe)?$", Path(candidate).name, re.IGNORECASE) and Path(candidate).is_file():
            return candidate
    return None
