"""Regular expressions of RE2's syntax as deterministic automata over the bytes of UTF-8: what a whole string is matched with.

Read: characters and escapes, `.`, classes and their named ones, groups, alternatives, repetitions, flags `(?i)` and `(?s)`, the beginning
and the end of the text, and of words. Which of several matches is found makes no difference where the whole string must match: lazy
repetitions are as good as others. What is not read is refused.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from onnx_bridge.ir.roperator import UnsupportedForm
from onnx_bridge.library.regular import Alternatives, Characters, Node, Place, Repeat, Row, parse

#: More states than this are refused.
MOST_STATES = 4096

#: More states than this of the automaton that is not deterministic yet.
_MOST_PARTS = 10_000

#: The ranges of characters with one, two, three and four bytes in UTF-8.
_LENGTHS = ((0x00, 0x7F), (0x80, 0x7FF), (0x800, 0xFFFF), (0x10000, 0x10FFFF))


@dataclass(frozen=True)
class Automaton:
    """State 0 never accepts, state 1 is the first.

    Attributes:
        classes: the class of each byte: bytes of one class lead to the same states.
        next: [states, classes], the state that a byte leads to.
        accepts: which states accept.
    """

    classes: np.ndarray
    next: np.ndarray
    accepts: np.ndarray

    def takes(self, text: bytes) -> bool:
        """Whether it accepts a string."""
        state = 1
        for byte in text:
            state = int(self.next[state, self.classes[byte]])
        return bool(self.accepts[state])


@functools.lru_cache(maxsize=64)
def automaton(pattern: str) -> Automaton:
    """The automaton of an expression.

    Raises:
        UnsupportedForm: it is none of those that are read, or needs too many states.
    """
    parts = _Parts()
    start, end = parts.new(), parts.new()
    parts.add(parse(pattern), start, end)
    return _determined(parts, start, end)


@dataclass
class _Parts:
    """An automaton with several ways on: edges by ranges of bytes, and edges that take none."""

    edges: list[list[tuple[int, int, int]]] = field(default_factory=list)
    free: list[list[int]] = field(default_factory=list)
    places: list[list[tuple[str, int]]] = field(default_factory=list)

    def new(self) -> int:
        if len(self.edges) >= _MOST_PARTS:
            raise UnsupportedForm("the pattern is too long")
        self.edges.append([])
        self.free.append([])
        self.places.append([])
        return len(self.edges) - 1

    def add(self, node: Node, start: int, end: int) -> None:
        """Ways from a state to another one that take what a node matches."""
        if isinstance(node, Characters):
            for low, high in node.ranges:
                self.add_range(low, high, start, end)
        elif isinstance(node, Place):
            self.places[start].append((node.kind, end))
        elif isinstance(node, Row):
            for inner in node.nodes:
                following = self.new()
                self.add(inner, start, following)
                start = following
            self.free[start].append(end)
        elif isinstance(node, Alternatives):
            for inner in node.nodes:
                self.add(inner, start, end)
        elif isinstance(node, Repeat):
            self.add_repeat(node, start, end)

    def add_repeat(self, node: Repeat, start: int, end: int) -> None:
        for _ in range(node.least):
            following = self.new()
            self.add(node.node, start, following)
            start = following
        if node.most is None:
            inside = self.new()
            self.free[start].append(inside)
            self.add(node.node, inside, inside)
            self.free[inside].append(end)
            return
        for _ in range(node.most - node.least):
            self.free[start].append(end)
            following = self.new()
            self.add(node.node, start, following)
            start = following
        self.free[start].append(end)

    def add_range(self, low: int, high: int, start: int, end: int) -> None:
        """The characters of a range as bytes; surrogates are none."""
        for a, b in ((low, min(high, 0xD7FF)), (max(low, 0xE000), high)):
            for first, last in _LENGTHS:
                if max(a, first) <= min(b, last):
                    self.add_bytes(chr(max(a, first)).encode(), chr(min(b, last)).encode(), start, end)

    def add_bytes(self, low: bytes, high: bytes, start: int, end: int) -> None:
        """All strings of bytes, as long as both, from one to another."""
        if len(low) == 1:
            self.edges[start].append((low[0], high[0], end))
        elif low[0] == high[0]:
            self.add_bytes(low[1:], high[1:], self.step(low[0], low[0], start), end)
        else:
            rest = len(low) - 1
            first, last = low[0], high[0]
            if low[1:] != b"\x80" * rest:
                self.add_bytes(low[1:], b"\xbf" * rest, self.step(first, first, start), end)
                first += 1
            if high[1:] != b"\xbf" * rest:
                self.add_bytes(b"\x80" * rest, high[1:], self.step(last, last, start), end)
                last -= 1
            if first <= last:
                self.add_bytes(b"\x80" * rest, b"\xbf" * rest, self.step(first, last, start), end)

    def step(self, low: int, high: int, start: int) -> int:
        following = self.new()
        self.edges[start].append((low, high, following))
        return following

    def closed(self, states: Iterable[int], before: str, behind: str) -> set[int]:
        """States with those that are reached from them without a byte, between two neighbours; see `_kind`."""
        here = {"begin"} if before == "begin" else set()
        here |= {"end"} if behind == "end" else set()
        here.add("inside" if (before == "word") == (behind == "word") else "boundary")
        found, waiting = set(states), list(states)
        while waiting:
            state = waiting.pop()
            for other in (*self.free[state], *(to for kind, to in self.places[state] if kind in here)):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return found


def _kind(byte: int) -> str:
    """Whether a byte is one of a word's; beside bytes there are "begin" and "end", of the text."""
    return "word" if chr(byte).isascii() and (chr(byte).isalnum() or byte == 95) else "other"


def _determined(parts: _Parts, start: int, end: int) -> Automaton:
    """Its states are sets of parts, each with what stands before it if any place asks for that."""
    asks = any(parts.places)
    cuts = {0, 256} | {cut for edges in parts.edges for low, high, _ in edges for cut in (low, high + 1)}
    cuts |= {byte for byte in range(1, 256) if _kind(byte) != _kind(byte - 1)} if asks else set()
    firsts = sorted(cuts)[:-1]
    classes = (np.searchsorted(np.array(firsts), np.arange(256), side="right") - 1).astype(np.uint8)
    first = frozenset([start]), "begin"
    known = {(frozenset[int](), ""): 0, first: 1}
    rows, accepts, waiting = [[0] * len(firsts)], [False], [first]
    for states, before in waiting:
        row = []
        for byte in firsts:
            here = parts.closed(states, before, _kind(byte) if asks else "")
            reached = frozenset(to for state in here for low, high, to in parts.edges[state] if low <= byte <= high)
            following = reached, (_kind(byte) if asks and reached else "")
            if following not in known:
                if len(known) >= MOST_STATES:
                    raise UnsupportedForm(f"the pattern needs more than {MOST_STATES} states")
                known[following] = len(known)
                waiting.append(following)
            row.append(known[following])
        rows.append(row)
        accepts.append(end in parts.closed(states, before, "end"))
    return Automaton(classes, np.array(rows, np.int32), np.array(accepts, bool))
