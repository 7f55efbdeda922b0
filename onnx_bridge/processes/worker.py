"""What the other processes do: they serve one conversation after the other, within bounds of time and memory.

Where the system can fork, and nothing that was imported has started threads, each conversation has a fork of its own, so that what one
leaves behind (a damaged heap, memory, limits) is not there for the next; a fork takes milliseconds, a new process with its imports
some tenths of a second.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol

from onnx_bridge.processes import messages

#: `prctl` of Linux: be killed when the parent is.
_PR_SET_PDEATHSIG = 1

#: How a fork says that nobody asks any more.
_OVER = 75


class Served(Protocol):
    """What answers in one conversation."""

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """The answer to a message; raises what it likes, which is handed over as text."""


def served(name: str) -> Served:
    """What "module:name" makes."""
    module, _, attribute = name.partition(":")
    made: Served = getattr(importlib.import_module(module), attribute)()
    return made


def answer(served: Served, message: dict[str, Any]) -> dict[str, Any]:
    """An answer, or why there is none: "error", the name of an exception, and "message"."""
    try:
        return served.answer(message)
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)}


def with_pipes(serve: Callable[[IO[bytes], IO[bytes]], None]) -> None:
    """Serves at what were standard input and output; from here on, whatever is printed goes where errors go."""
    read, write = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # nothing that is run or started here can read the questions
    os.dup2(2, 1)
    # Unbuffered: what is read ahead would be lost between a process and its fork.
    with os.fdopen(read, "rb", buffering=0) as reader, os.fdopen(write, "wb") as writer, contextlib.suppress(BrokenPipeError):
        serve(reader, writer)


def main() -> None:
    """What a process of `Conversation` does."""
    with_pipes(_conversations)
    os._exit(0)  # libraries are not taken down one by one: it only costs time


def _conversations(read: IO[bytes], write: IO[bytes]) -> None:
    hello = messages.receive(read)
    sys.path[:] = list(dict.fromkeys([*sys.path, *hello["path"]]))
    served(hello["serves"])  # imported once, before anybody waits for it
    conversation = partial(_conversation, hello["serves"], read, write)
    while _in_fork(conversation) if hello["forks"] else conversation():
        pass


def _in_fork(conversation: Callable[[], bool]) -> bool:
    """Has a conversation in a fork, which is there before its first message; dies as it dies."""
    parent = os.getpid()
    child = os.fork()
    if not child:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        try:
            os._exit(0 if os.getppid() == parent and conversation() else _OVER)
        except BrokenPipeError:  # nobody asks any more
            os._exit(_OVER)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        if os.WTERMSIG(status) != signal.SIGKILL:
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(parent, os.WTERMSIG(status))
    if os.WEXITSTATUS(status) not in (0, _OVER):
        os._exit(os.WEXITSTATUS(status))
    return os.WEXITSTATUS(status) == 0


def _conversation(name: str, read: IO[bytes], write: IO[bytes]) -> bool:
    """Answers until the conversation ends, and whether there may be another one."""
    try:
        limits = messages.receive(read)
    except EOFError:
        return False
    _limit_memory(limits["bytes"])
    answering = served(name)
    while True:
        try:
            message = messages.receive(read)
        except EOFError:
            return False
        if message is None:
            return True
        with _alarm(limits["seconds"]):
            reply = answer(answering, message)
        try:
            messages.send(write, reply)
        except TypeError as error:
            messages.send(write, {"error": "TypeError", "message": str(error)})


def _limit_memory(most: int) -> None:
    """Bounds the process's address space, and leaves no core behind when it dies."""
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(ValueError, OSError):  # a lower bound of somebody else's stands
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        if _address_space() > most:  # as under a sanitizer, which reserves more than there is
            return
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _address_space() -> int:
    with contextlib.suppress(OSError, ValueError, IndexError), Path("/proc/self/statm").open(encoding="ascii") as sizes:
        return int(sizes.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return 0


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Ends the process if the block takes longer, wherever it is: the system's own action, no Python is needed for it."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
