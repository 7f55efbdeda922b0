"""Keeping what exporters print out of the terminal, and for the report.

Frameworks print from C++ as well as from Python, so the file descriptors are turned to a file, not only `sys.stdout` and `sys.stderr`.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

#: File descriptors belong to the whole process: one export at a time turns them.
_LOCK = threading.RLock()

Result = TypeVar("Result")

#: So much of a log is kept, from its end.
MOST = 1 << 16


@dataclass
class Log:
    """What was printed."""

    text: str = ""


@contextlib.contextmanager
def quiet() -> Iterator[Log]:
    """Turns standard output and error, logging and warnings of the block into a log."""
    log = Log()
    with _LOCK, tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as file, contextlib.ExitStack() as stack:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        for descriptor in (1, 2):
            _turned(descriptor, file.fileno(), stack)
        stack.enter_context(contextlib.redirect_stdout(file))
        stack.enter_context(contextlib.redirect_stderr(file))
        stack.enter_context(_handlers(logging.StreamHandler(file)))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("default")
        warnings.showwarning = lambda message, category, *_, **__: print(f"{category.__name__}: {message}", file=file)
        try:
            yield log
        finally:
            file.flush()
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - MOST))
            log.text = file.read()


def silent(function: Callable[..., Result]) -> Callable[..., Result]:
    """The function, without what it prints."""

    @functools.wraps(function)
    def called(*args: object) -> Result:
        with quiet():
            return function(*args)

    return called


def _turned(descriptor: int, target: int, stack: contextlib.ExitStack) -> None:
    """Makes a descriptor write to `target` until the stack unwinds; a process may have none."""
    try:
        kept = os.dup(descriptor)
    except OSError:
        return
    os.dup2(target, descriptor)

    def restore() -> None:
        os.dup2(kept, descriptor)
        os.close(kept)

    stack.callback(restore)


@contextlib.contextmanager
def _handlers(handler: logging.Handler) -> Iterator[None]:
    """All loggers that have handlers of their own, and the root, write to `handler` instead."""
    loggers = [logging.getLogger(), *(logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger))]
    kept = [(logger, logger.handlers[:]) for logger in loggers]
    for logger in loggers:
        if logger.handlers or logger is logging.getLogger():
            logger.handlers[:] = [handler]
    try:
        yield
    finally:
        for logger, handlers in kept:
            logger.handlers[:] = handlers
