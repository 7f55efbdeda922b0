"""Conversations with other processes, which are kept for the next one: starting one costs what its imports cost.

Bounds, each an environment variable:

    ONNX_BRIDGE_SECONDS    what one answer may take; 600
    ONNX_BRIDGE_GIBIBYTES  memory of a process; as much as the machine has
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import weakref
from typing import Any

from onnx_bridge.errors import BridgeError
from onnx_bridge.processes.child import Child, Died
from onnx_bridge.processes.worker import answer, served

#: Processes that nobody talks with, by what they serve. A list's pop and append are atomic: no lock is needed.
_IDLE: dict[tuple[str, bool], list[Child]] = {}
#: How many of a kind are kept.
_KEPT = 2

#: Threads before a fork are threads missing after it.
_ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "VECLIB", "NUMEXPR")}


class Conversation:
    """Questions to one process, from the first to the last; see `Served`.

    Where no process can be started (this is a program with Python in it, and no interpreter lies about), the answers come from this one.

    Args:
        serves: "module:name" of what answers, made anew for each conversation.
        forks: whether each conversation has a fork of the process; for what starts no threads when it is imported.
        fresh: whether it must be a process that has served nothing before.
        seconds: what one answer may take, if that is less than what is usual.

    Attributes:
        fresh: whether nothing was served by the process before.
        here: why this process answers itself; "" where another one does.
    """

    def __init__(self, serves: str, forks: bool, fresh: bool = False, seconds: float = float("inf")) -> None:
        self._kind, self.here = (serves, forks and sys.platform == "linux"), ""
        self._limits = {
            "seconds": min(seconds, _seconds()),
            "bytes": most_memory(),
        }
        try:
            self._child = _started(self._kind) if fresh else _taken(self._kind)
            self.fresh = not self._child.served
        except Died as error:
            self.here, self.fresh, self._served = str(error), True, served(serves)
            return
        self._position = self._child.position()
        self._child.tell(self._limits)
        self._finalizer = weakref.finalize(self, _given_back, os.getpid(), self._kind, self._child)

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """The answer to a question; one that has "error", the name of an exception, and "message" where it was refused.

        Raises:
            Died: the process has ended; how, and the last that it printed.
        """
        if self.here:
            return answer(self._served, message)
        try:
            got: dict[str, Any] = self._child.ask(message)
        except Died as how:
            raise Died(self._death(str(how))) from None
        return got

    def close(self, reuse: bool = True) -> None:
        """Ends the conversation; the process waits for the next one, or, without `reuse`, ends, too."""
        if self.here or not self._finalizer.alive:
            return
        if reuse:
            self._finalizer()
        else:
            self._finalizer.detach()
            self._child.close()

    def _death(self, how: str) -> str:
        if self._child.process.returncode == -getattr(signal, "SIGALRM", 0):
            seconds = self._limits["seconds"]
            how = f"no answer in {seconds:g} s{' ($ONNX_BRIDGE_SECONDS)' if seconds == _seconds() else ''}"
        if self._child.process.returncode == -getattr(signal, "SIGKILL", 0):
            how += ": by the system, where memory was short"
        tail = " | ".join(self._child.printed(self._position).split("\n")[-6:]).strip(" |")
        self.close(reuse=False)
        return f"{how}{f'; the last that it said: {tail[-600:]}' if tail else ''}"


def warm(serves: str, forks: bool) -> None:
    """Starts a process for a conversation that will come, unless one waits already; what hinders that will be said when it comes."""
    kind = (serves, forks and sys.platform == "linux")
    if not _IDLE.get(kind):
        with contextlib.suppress(Died):
            _IDLE.setdefault(kind, []).append(_started(kind))


def _taken(kind: tuple[str, bool]) -> Child:
    """A process of a kind, an idle one if there is one."""
    waiting = _IDLE.setdefault(kind, [])
    while True:
        try:
            child = waiting.pop()
        except IndexError:
            return _started(kind)
        if child.process.poll() is None:
            return child
        child.close()


def _started(kind: tuple[str, bool]) -> Child:
    child = Child("onnx_bridge.processes.worker", _ONE_THREAD)
    child.tell({"serves": kind[0], "forks": kind[1], "path": [str(path) for path in sys.path if path]})
    return child


def _given_back(owner: int, kind: tuple[str, bool], child: Child) -> None:
    if os.getpid() == owner and child.process.poll() is None:  # a fork of who talks must not end the conversation
        child.tell(None)
        child.served = True
        if len(_IDLE[kind]) < _KEPT:
            _IDLE[kind].append(child)
            return
    child.close()


def _seconds() -> float:
    return _bound("ONNX_BRIDGE_SECONDS", 600)


def _bound(variable: str, usual: float) -> float:
    """A bound, as the environment has it.

    Raises:
        BridgeError: it is no positive number.
    """
    said = os.environ.get(variable)
    try:
        value = usual if not said else float(said)
    except ValueError:
        value = -1.0
    if not value > 0:
        raise BridgeError(f"${variable} is {said!r}, expected a positive number")
    return value


def most_memory() -> int:
    """How many bytes a process of a comparison may take: `$ONNX_BRIDGE_GIBIBYTES`, or what the machine has.

    Raises:
        BridgeError: the variable is no positive number.
    """
    return int(_bound("ONNX_BRIDGE_GIBIBYTES", _memory()) * 2**30)


def _memory() -> float:
    """The machine's memory in GiB; where it cannot be told, 64."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, ValueError, OSError):
        return 64.0


def _forked() -> None:
    """In a fork of this process: the processes answer its parent, not it."""
    for children in _IDLE.values():
        while children:
            children.pop().close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
