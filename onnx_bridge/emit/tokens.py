"""Tokens of C++, and what a piece of C++ uses: words, and calls with how many arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<space>[ \t\n]+)|(?P<comment>//[^\n]*)|(?P<directive>^[ \t]*\#(?:[^\n\\]|\\[\s\S])*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<number>\.?\d(?:[\w.']|(?<=[eEpP])[+-])*)|(?P<name>[A-Za-z_]\w*)
    |(?P<mark>::|->|\.\.\.|.)""",
    re.MULTILINE | re.VERBOSE,
)
OPEN, CLOSE = frozenset("([{"), frozenset(")]}")

#: Words behind which a name is used: behind any other one, a type's, it is declared.
_BEFORE_USES = frozenset(
    """return else case do new delete throw template sizeof const constexpr noexcept and or not operator explicit static inline friend
    unsigned signed volatile mutable goto using struct enum""".split()
)
#: What follows the name of a variable, a parameter or a function where it is declared.
_BEHIND_NAMES = tuple([mark] for mark in "({[=;,):")


class Token(NamedTuple):
    """A token: `kind` is the name of its group above."""

    kind: str
    text: str
    begin: int
    end: int


@dataclass
class Uses:
    """What a piece of C++ uses.

    Attributes:
        words: names that stand otherwise than as calls, but for variables that are declared there.
        calls: names called, with the numbers of arguments; None where that is not to be seen.
        members: names behind a dot, an arrow or a scope.
        braced: names called with an argument `{...}`, whose type nobody names.
    """

    words: set[str] = field(default_factory=set)
    calls: dict[str, set[int | None]] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    braced: set[str] = field(default_factory=set)

    def add(self, more: Uses) -> None:
        """Joins others to these."""
        self.words |= more.words
        self.members |= more.members
        self.braced |= more.braced
        for name, counts in more.calls.items():
            self.calls.setdefault(name, set()).update(counts)


def tokens(text: str) -> list[Token]:
    """The tokens of a C++ text, spaces and comments among them."""
    return [Token(match.lastgroup or "", match[0], match.start(), match.end()) for match in _TOKEN.finditer(text)]


def behind_angles(code: Sequence[str], at: int) -> int:
    """The place behind the `<...>` that begins at `at`; `at` itself where it has no end."""
    depth = angle = 0
    for index in range(at, len(code)):
        text = code[index]
        depth += (text in OPEN) - (text in CLOSE)
        if depth < 0 or text == ";":
            return at
        if depth == 0:
            angle += (text == "<") - (text == ">")
            if angle == 0:
                return index + 1
    return at


def template_parameters(words: Sequence[str]) -> frozenset[str]:
    """The names of a template's own parameters, which may be those of types elsewhere."""
    inside = words[2 : behind_angles(words, 1)] if words[:1] == ["template"] else []
    return frozenset(word for word, behind in zip(inside, inside[1:], strict=False) if is_name(word) and behind in (",", ">", "="))


def matching(words: Sequence[str], at: int) -> int:
    """The place of the bracket that closes the one at `at`."""
    depth = 0
    for index in range(at, len(words)):
        depth += (words[index] in OPEN) - (words[index] in CLOSE)
        if depth == 0:
            return index
    return len(words) - 1


def is_name(word: str) -> bool:
    """Whether a token is an identifier or a keyword."""
    return word[:1].isalpha() or word[:1] == "_"


def floating_type(number: str) -> str | None:
    """The type of a number with a point or an exponent; nothing of an integer."""
    if re.fullmatch(r"(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?[fF]", number) and not number.startswith("0x"):
        return "float"
    return "double" if re.fullmatch(r"\d*\.\d*([eE][-+]?\d+)?|\d+[eE][-+]?\d+", number) else None


def uses_of(read: Sequence[Token]) -> Uses:
    """What tokens use. Keywords count as words: nobody declares them."""
    uses = Uses()
    declared: set[str] = set()
    code: list[str] = []
    for token in read:
        if token.kind == "directive":
            inner = uses_of(tokens(token.text.lstrip()[1:].replace("\\\n", " ")))
            uses.words |= inner.words | set(inner.calls)
        elif token.kind in ("name", "mark", "number", "string"):
            code.append(token.text)
            if token.kind == "number" and (floating := floating_type(token.text)):
                uses.words.add(floating)
    for at, word in enumerate(code):
        before = code[at - 1] if at else ""
        if word in ("+", "-", "*"):
            operands = (before[-1:].isalnum() or before[-1:] in ("_", ")", "]")) + 1
            uses.calls.setdefault(f"operator{word}", set()).add(operands if before != "return" else 1)
        if not is_name(word):
            continue
        if before == "::" and at > 1 and code[at - 2] == "std":
            continue
        if is_name(before) and before not in _BEFORE_USES and code[at + 1 : at + 2] in _BEHIND_NAMES:
            declared.add(word)
            continue
        if before in (".", "->", "::"):
            uses.members.add(word)
            if before != "::":
                continue
        behind = behind_angles(code, at + 1) if at + 1 < len(code) and code[at + 1] == "<" else at + 1
        if behind < len(code) and code[behind] == "(":
            uses.calls.setdefault(word, set()).update(_argument_counts(code, behind))
            if any(code[i] == "{" and code[i - 1] in ("(", ",") for i in range(behind + 1, matching(code, behind))):
                uses.braced.add(word)
        elif behind > at + 1:
            uses.calls.setdefault(word, set()).add(None)  # with template arguments, and not called here
        else:
            uses.words.add(word)
    uses.words -= declared
    return uses


def _argument_counts(code: Sequence[str], at: int) -> set[int | None]:
    """How many arguments a call has: with commas between `<` and `>` counted, and without."""
    depth = angle = 0
    most = fewest = 1
    if code[at + 1 : at + 2] == [")"]:
        return {0}
    for index in range(at, len(code)):
        word = code[index]
        depth += (word in OPEN) - (word in CLOSE)
        if depth == 0:
            break
        if depth == 1:
            angle += (word == "<") - (word == ">")
            if word == "...":
                return {None}
            if word == ",":
                most += 1
                fewest += angle <= 0
    return set(range(fewest, most + 1))
