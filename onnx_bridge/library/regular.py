"""Regular expressions of RE2's syntax, read into trees; `library/automaton.py` makes automata of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from onnx_bridge.ir.roperator import UnsupportedForm

Ranges = tuple[tuple[int, int], ...]

#: Every character.
ANY: Ranges = ((0, 0x10FFFF),)

#: RE2 repeats nothing more often.
_MOST_REPEATS = 1000

_DIGITS: Ranges = ((48, 57),)
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Ranges = ((9, 10), (12, 13), (32, 32))
_ESCAPED = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_PLACES = {"^": "begin", "\\A": "begin", "$": "end", "\\z": "end", "\\b": "boundary", "\\B": "inside"}
_SINGLE = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_POSIX: dict[str, Ranges] = {
    "alnum": ((48, 57), (65, 90), (97, 122)), "alpha": ((65, 90), (97, 122)), "ascii": ((0, 127),), "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)), "digit": _DIGITS, "graph": ((33, 126),), "lower": ((97, 122),), "print": ((32, 126),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)), "space": ((9, 13), (32, 32)), "upper": ((65, 90),), "word": _WORD,
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}  # fmt: skip


class Node:
    """A part of an expression."""


@dataclass(frozen=True)
class Characters(Node):
    """One character out of ranges."""

    ranges: Ranges


@dataclass(frozen=True)
class Place(Node):
    """No character, but a place: of the kind `begin`, `end`, `boundary` (of a word) or `inside` (no boundary)."""

    kind: str


@dataclass(frozen=True)
class Row(Node):
    """Parts, one behind the other."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Alternatives(Node):
    """One of several parts."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Repeat(Node):
    """A part so often; without `most` any number of times from `least` on."""

    node: Node
    least: int
    most: int | None


def parse(pattern: str) -> Node:
    """The tree of an expression.

    Raises:
        UnsupportedForm: it has something that is not read.
    """
    reader = _Reader(pattern)
    node = reader.alternatives(_Flags())
    if reader.place < len(pattern):
        raise reader.refusal("a ')' without a '('")
    return node


def inverted(ranges: Ranges) -> Ranges:
    """All other characters."""
    result, following = [], 0
    for low, high in merged(ranges):
        if low > following:
            result.append((following, low - 1))
        following = high + 1
    return (*result, *([(following, 0x10FFFF)] if following <= 0x10FFFF else []))


def merged(ranges: Ranges) -> Ranges:
    """The same characters in ascending ranges that do not touch."""
    result: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if result and low <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(high, result[-1][1]))
        else:
            result.append((low, high))
    return tuple(result)


@dataclass(frozen=True)
class _Flags:
    """Whether letters of both cases are alike, and whether a dot takes the end of a line, too."""

    folds: bool = False
    dot_all: bool = False


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern, self.place, self.depth = pattern, 0, 0

    def refusal(self, what: str) -> UnsupportedForm:
        return UnsupportedForm(f"the pattern {self.pattern!r:.200} has {what}, at {self.place}, which is not supported")

    def peek(self) -> str:
        return self.pattern[self.place : self.place + 1]

    def take(self) -> str:
        char = self.peek()
        if not char:
            raise self.refusal("an end where something must follow")
        self.place += 1
        return char

    def takes(self, text: str) -> bool:
        found = self.pattern.startswith(text, self.place)
        self.place += len(text) if found else 0
        return found

    def alternatives(self, flags: _Flags) -> Node:
        self.depth += 1
        if self.depth > 100:
            raise self.refusal("groups that are nested too deeply")
        nodes = []
        while True:
            node, flags = self.row(flags)
            nodes.append(node)
            if not self.takes("|"):
                break
        self.depth -= 1
        return nodes[0] if len(nodes) == 1 else Alternatives(tuple(nodes))

    def row(self, flags: _Flags) -> tuple[Node, _Flags]:
        nodes: list[Node] = []
        while self.peek() and self.peek() not in "|)":
            place = next((kind for text, kind in _PLACES.items() if self.takes(text)), "")
            if place:
                nodes.append(Place(place))
                if self.peek() and self.peek() in "*+?":
                    raise self.refusal("a place that is repeated")
            elif self.pattern.startswith("(?", self.place) and (given := self.given_flags(flags)) is not None:
                flags = given
            else:
                nodes.append(self.repeated(self.atom(flags)))
        return Row(tuple(nodes)), flags

    def given_flags(self, flags: _Flags) -> _Flags | None:
        """The flags that are set here for what follows; None where a group begins."""
        end = self.place + 2
        on = True
        while end < len(self.pattern) and self.pattern[end] in "imsU-":
            letter = self.pattern[end]
            if letter == "-":
                on = False
            elif letter == "i":
                flags = replace(flags, folds=on)
            elif letter == "s":
                flags = replace(flags, dot_all=on)
            elif letter == "m":
                raise self.refusal("the flag m")
            end += 1
        if self.pattern[end : end + 1] != ")":
            return None
        self.place = end + 1
        return flags

    def atom(self, flags: _Flags) -> Node:
        char = self.take()
        if char == "(":
            return self.group(flags)
        if char == "[":
            return Characters(self.bracket(flags))
        if char == ".":
            return Characters(ANY if flags.dot_all else inverted(((10, 10),)))
        if char == "\\":
            return self.cased(self.escape(), flags)
        if char in "*+?":
            raise self.refusal(f"{char!r} behind nothing")
        return self.cased(((ord(char), ord(char)),), flags)

    def group(self, flags: _Flags) -> Node:
        if self.takes("?"):
            if self.takes("P<") or self.takes("<"):
                name = ""
                while (char := self.take()) != ">":
                    name += char
                if not name.replace("_", "a").isalnum():
                    raise self.refusal(f"a group called {name!r}")
            else:
                self.place -= 2
                flags = self.flags_of_group(flags)
        node = self.alternatives(flags)
        if not self.takes(")"):
            raise self.refusal("a '(' without a ')'")
        return node

    def flags_of_group(self, flags: _Flags) -> _Flags:
        end = self.pattern.find(":", self.place)
        letters = self.pattern[self.place + 2 : end] if end >= 0 else "?"
        if not set(letters) <= set("isU-"):
            raise self.refusal("'(?'")
        on, _, off = letters.partition("-")
        self.place = end + 1
        return _Flags(("i" in on or flags.folds) and "i" not in off, ("s" in on or flags.dot_all) and "s" not in off)

    def repeated(self, node: Node) -> Node:
        while True:
            if self.takes("*"):
                node = Repeat(node, 0, None)
            elif self.takes("+"):
                node = Repeat(node, 1, None)
            elif self.takes("?"):
                node = Repeat(node, 0, 1)
            elif self.peek() == "{" and (bounds := self.bounds()) is not None:
                node = Repeat(node, *bounds)
            else:
                return node
            self.takes("?")  # as few as possible: the whole string matches or does not
            if self.peek() and self.peek() in "*+?":
                raise self.refusal("two repetitions in a row")

    def bounds(self) -> tuple[int, int | None] | None:
        """The numbers in braces; None where it is a brace and nothing else."""
        end = self.pattern.find("}", self.place)
        low, comma, high = self.pattern[self.place + 1 : max(end, 0)].partition(",")
        numbers = [low, *([high] if high else [])]
        if end < 0 or not all(n.isascii() and n.isdigit() for n in numbers):
            return None
        least, most = int(low), int(high) if high else (None if comma else int(low))
        if max(least, most or 0) > _MOST_REPEATS or (most is not None and most < least):
            raise self.refusal("a repetition that RE2 refuses")
        self.place = end + 1
        return least, most

    def bracket(self, flags: _Flags) -> Ranges:
        negated, ranges, first = self.takes("^"), list[tuple[int, int]](), True
        while first or not self.takes("]"):
            first = False
            if self.takes("[:"):
                end = self.pattern.find(":]", self.place)
                name = self.pattern[self.place : end] if end >= 0 else ""
                if name.removeprefix("^") not in _POSIX:
                    raise self.refusal("a class that is not known")
                found = _POSIX[name.removeprefix("^")]
                ranges += inverted(found) if name.startswith("^") else found
                self.place = end + 2
                continue
            low = self.in_bracket()
            if self.peek() == "-" and self.pattern[self.place + 1 : self.place + 2] not in ("]", ""):
                self.take()
                high = self.in_bracket()
                if len(low) != 1 or len(high) != 1 or low[0][0] != low[0][1] or high[0][0] != high[0][1] or high[0][0] < low[0][0]:
                    raise self.refusal("a range that is none")
                low = ((low[0][0], high[0][0]),)
            ranges += low
        if flags.folds:
            ranges = list(_folded(tuple(ranges), self))
        return inverted(tuple(ranges)) if negated else merged(tuple(ranges))

    def in_bracket(self) -> Ranges:
        char = self.take()
        return self.escape() if char == "\\" else ((ord(char), ord(char)),)

    def escape(self) -> Ranges:
        char = self.take()
        if char in _ESCAPED:
            return _ESCAPED[char]
        if char.lower() in _ESCAPED:
            return inverted(_ESCAPED[char.lower()])
        if char in _SINGLE:
            code = _SINGLE[char]
        elif char == "x":
            code = self.hexadecimal()
        elif char in "01234567" and (char == "0" or self.peek() in tuple("01234567")):
            digits = char
            while len(digits) < 3 and self.peek() and self.peek() in "01234567":
                digits += self.take()
            code = int(digits, 8)
        elif char.isalnum() or ord(char) > 127:
            raise self.refusal(f"the escape \\{char}")
        else:
            code = ord(char)
        return ((code, code),)

    def hexadecimal(self) -> int:
        if self.takes("{"):
            end = self.pattern.find("}", self.place)
            digits, self.place = self.pattern[self.place : max(end, 0)], end + 1
        else:
            digits, self.place = self.pattern[self.place : self.place + 2], self.place + 2
        if not digits or set(digits) - set("0123456789abcdefABCDEF") or len(digits) < 1 or int(digits, 16) > 0x10FFFF:
            raise self.refusal("a number of a character that is none")
        return int(digits, 16)

    def cased(self, ranges: Ranges, flags: _Flags) -> Node:
        return Characters(merged(_folded(ranges, self)) if flags.folds else ranges)


def _folded(ranges: Ranges, reader: _Reader) -> Ranges:
    """Letters of ASCII in both cases, with the two that RE2 folds into them; other letters' cases are refused."""
    more: list[tuple[int, int]] = []
    for low, high in ranges:
        for letter in range(max(low, 65), min(high, 122) + 1):
            if chr(letter).isalpha():
                other = ord(chr(letter).swapcase())
                more.append((other, other))
                more += [(0x17F, 0x17F)] if chr(letter) in "sS" else [(0x212A, 0x212A)] if chr(letter) in "kK" else []
        if high > 127 and (low, high) != (128, 0x10FFFF) and high - low < 0x10000:
            raise reader.refusal("letters beyond ASCII where case makes no difference")
    return (*ranges, *more)
