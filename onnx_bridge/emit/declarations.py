"""The C++ of the kernels as declarations: what each declares, what it uses, and its text. Not a compiler: a reader of our own files.

What it counts on, and the kernels keep to: ASCII, `//` comments, no two declarations on a line, braces that match in every branch of
`#if`, no `using namespace`. It reads namespaces' and structs' members; inside a function it sees words, and calls with how many arguments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from onnx_bridge.emit.tokens import CLOSE, OPEN, Token, Uses, behind_angles, is_name, matching, template_parameters, tokens, uses_of

_CLASSES = frozenset({"struct", "class", "enum", "union"})
#: Words of a declaration's head that are followed by a parenthesis and are not its name.
_NOT_NAMES = frozenset({"__attribute__", "alignas", "decltype", "noexcept", "sizeof", "explicit"})


@dataclass
class Declaration:
    """One declaration, or a whole struct.

    Attributes:
        names: what it declares; the name of a member function with its struct's members.
        kind: "function", "type", "value", "macro", or "other".
        text: its lines, with a comment that stands behind it.
        uses: of all of it, for a struct of what is no member function.
        counts: for functions, the fewest and the most arguments.
        takes: words of the parameters' types, for functions; of the arguments that a template is specialised for, for types.
        distinct: for types, whether a value of it is there only where something names it: structs that nothing is converted to, and vectors
            of what is no signed integer, which comparisons give.
        needs: members of other types without which a specialisation is never chosen: `is<T, enable_if<T::member>::type>`.
        members: of a struct that spans lines, with the lines before and behind them.
        words: the tokens of functions and values.
        parameters: the tokens of each of a function's parameters, without defaults.
        result: the tokens in front of a function's name.
    """

    names: frozenset[str]
    kind: str
    text: str
    uses: Uses
    counts: tuple[int, float] = (0, float("inf"))
    takes: frozenset[str] = frozenset()
    distinct: bool = False
    needs: frozenset[str] = frozenset()
    members: list[Item] = field(default_factory=list)
    head: str = ""
    tail: str = ""
    words: Sequence[str] = ()
    parameters: Sequence[Sequence[str]] = ()
    result: Sequence[str] = ()


@dataclass
class Comment:
    """Comment lines of their own, or a label such as `private:`. `floats` where a blank line parts it from what follows."""

    text: str
    floats: bool = False


@dataclass
class Blank:
    """A blank line."""


@dataclass
class Condition:
    """`#if` ... `#endif`: each branch is its directive and what follows it."""

    branches: list[tuple[str, list[Item]]] = field(default_factory=list)
    end: str = "#endif"


Item = Declaration | Comment | Blank | Condition


@cache
def parse(text: str) -> list[Item]:
    """The declarations of a C++ text, in order. Cached: not to be changed."""
    return read(text)


def read(text: str) -> list[Item]:
    """The declarations of a C++ text, in order."""
    return _Reader(text, tokens(text)).items()


def declarations(items: Sequence[Item]) -> Iterator[Declaration]:
    """All declarations among some items, those of branches too; not the members of structs."""
    for item in items:
        if isinstance(item, Declaration):
            yield item
        elif isinstance(item, Condition):
            for _, branch in item.branches:
                yield from declarations(branch)


class _Reader:
    """Reads the declarations of a namespace, or of a struct's body."""

    def __init__(self, text: str, read: Sequence[Token], owner: str = "") -> None:
        self.text, self.tokens, self.owner = text, read, owner
        self.at = 0

    def items(self) -> list[Item]:
        """All of them. A struct's members are read with `owner`, its name."""
        found: list[Item] = []
        open_conditions: list[tuple[list[Item], Condition]] = []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.kind == "space":
                if token.text.count("\n") > 1:
                    found.append(Blank())
                self.at += 1
            elif token.kind == "comment":
                found.append(self._comment())
            elif token.kind == "directive":
                self.at += 1
                word = token.text.lstrip()[1:].lstrip()
                if word.startswith("if"):
                    open_conditions.append((found, Condition([(token.text, [])])))
                    found = open_conditions[-1][1].branches[-1][1]
                elif word.startswith("el"):
                    open_conditions[-1][1].branches.append((token.text, []))
                    found = open_conditions[-1][1].branches[-1][1]
                elif word.startswith("endif"):
                    outer, condition = open_conditions.pop()
                    condition.end = token.text
                    outer.append(condition)
                    found = outer
                else:
                    found.append(_directive(token.text))
            elif self.owner and token.text in ("public", "private", "protected"):
                self.at += 2
                found.append(Comment(f"{token.text}:"))
            else:
                found.append(self._declaration())
        return found

    def _comment(self) -> Comment:
        begin = self.tokens[self.at].begin
        end = begin
        while self.at < len(self.tokens) and self.tokens[self.at].kind == "comment":
            end = self.tokens[self.at].end
            self.at += 1
            if self.at < len(self.tokens) and self.tokens[self.at].kind == "space" and self.tokens[self.at].text.count("\n") == 1:
                self.at += 1
        following = self.tokens[self.at] if self.at < len(self.tokens) else None
        return Comment(self._lines(begin, end), following is None or following.kind == "space")

    def _declaration(self) -> Declaration:
        first = self.at
        last = self._end(first)
        self.at = last + 1
        end = self.tokens[last].end
        # A comment on the same line belongs to it, and so does whatever else stands there.
        while self.at < len(self.tokens) and "\n" not in self.text[end : self.tokens[self.at].begin]:
            token = self.tokens[self.at]
            if token.kind == "space" and "\n" in token.text:
                break
            if token.kind not in ("space", "comment"):
                last = self._end(self.at)
                token = self.tokens[last]
                self.at = last
            end = token.end
            self.at += 1
        text = self._lines(self.tokens[first].begin, end)
        return _described(text, [t for t in self.tokens[first : last + 1] if t.kind not in ("space", "comment")], self.owner)

    def _end(self, at: int) -> int:
        """The last token of the declaration that begins at one."""
        depth = 0
        code = [t.text for t in self.tokens[at : at + 40] if t.kind not in ("space", "comment", "directive")]
        semicolon = not (code[0].startswith("ONNX_BRIDGE_") and code[1] == "(")  # a macro that declares functions has none
        braced = assigned = False
        kind = _leading(code)
        for index in range(at, len(self.tokens)):
            token = self.tokens[index]
            if token.kind != "mark" and token.kind != "name":
                continue
            text = token.text
            if text in OPEN:
                braced = braced or (text == "{" and depth == 0)
                depth += 1
            elif text in CLOSE:
                depth -= 1
                if depth == 0 and text == ")" and not semicolon:
                    return index
                if depth == 0 and text == "}" and not assigned and kind == "function" and not self._initialiser_goes_on(index):
                    return index
            elif depth == 0 and text == "=" and not braced and self.tokens[index - 1].text != "operator":
                assigned = True
            elif depth == 0 and text == ";":
                return index
        raise ValueError(f"a declaration without end: {self.text[self.tokens[at].begin :][:80]!r}")

    def _initialiser_goes_on(self, index: int) -> bool:
        """Whether a closing brace ends a member's initialiser, `x{...};` or `A() : x{...} {}`, and no body."""
        for token in self.tokens[index + 1 :]:
            if token.kind not in ("space", "comment"):
                return token.text in (";", ",", "{")
        return False

    def _lines(self, begin: int, end: int) -> str:
        """The text from the beginning of the line on."""
        start = self.text.rfind("\n", 0, begin) + 1
        return self.text[start if not self.text[start:begin].strip() else begin : end]


def _first(code: Sequence[str]) -> int:
    """The place behind `template <...>` and specifiers."""
    at = 0
    while at < len(code):
        if code[at] == "template":
            at = behind_angles(code, at + 1)
        elif code[at] in ("static", "inline", "constexpr", "const", "friend"):
            at += 1
        elif code[at] == "__attribute__":
            at = matching(code, at + 1) + 1
        else:
            break
    return at


def _leading(code: Sequence[str]) -> str:
    """What a declaration's first words say that it is: one of _CLASSES, "using", "typedef", or "function" for what else there is."""
    word = "".join(code[(at := _first(code)) : at + 1])
    return word if word in _CLASSES or word in ("using", "typedef") else "function"


def _directive(text: str) -> Declaration:
    match = re.match(r"\s*#\s*define\s+(\w+)(\([^)]*\))?", text)
    if match is None:
        return Declaration(frozenset(), "other", text, uses_of(tokens(text.lstrip()[1:])))
    parameters = set(re.findall(r"\w+", match[2] or ""))
    uses = uses_of(tokens(text[match.end() :].replace("\\\n", " ")))
    uses.words -= parameters
    for name in parameters:
        uses.calls.pop(name, None)
    return Declaration(frozenset({match[1]}), "macro", text, uses)


def _described(text: str, read: list[Token], owner: str) -> Declaration:
    code = [token for token in read if token.kind != "directive"]
    words = [token.text for token in code]
    kind = _leading(words)
    uses = uses_of(read)
    if words[0].startswith("ONNX_BRIDGE_") and len(words) > 1 and words[1] == "(":
        name = words[2]
        uses.words.discard(name)
        return Declaration(frozenset({name}), "other", text, uses)
    if kind in _CLASSES:
        return _class(text, words, uses)
    if kind == "using":
        place = words.index("using") + 1
        return Declaration(frozenset({words[place]} - {"std"}), "type", text, _without(uses, words[place]))
    if kind == "typedef":
        name = _typedef_name(words)
        distinct = "vector_size" in words and "decltype" not in words and not any(word.startswith("int") for word in words)
        return Declaration(frozenset({name}), "type", text, _without(uses, name), distinct=distinct)
    return _function_or_value(text, words, uses, owner)


def _without(uses: Uses, name: str) -> Uses:
    """Uses but for a name, which is what the declaration declares."""
    return replace(uses, words=uses.words - {name})


def _class(text: str, words: list[str], uses: Uses) -> Declaration:
    at = _first(words) + 1
    while words[at] in ("class", "__attribute__") or words[at] == "(":
        at = matching(words, at) + 1 if words[at] == "(" else at + 1
    name = words[at]
    takes: frozenset[str] = frozenset()
    if at + 1 < len(words) and words[at + 1] == "<":
        takes = frozenset(word for word in words[at + 1 : behind_angles(words, at + 1)] if is_name(word))
    declaration = Declaration(frozenset({name}), "type", text, _without(uses, name), takes=takes)
    if takes:
        said, own = words[at : behind_angles(words, at + 1)], template_parameters(words)
        needs = (c for a, b, c in zip(said, said[1:], said[2:], strict=False) if a in own and b == "::")
        declaration.needs = frozenset(needs)
    brace = text.find("{")
    if words[_first(words)] == "enum" or brace < 0 or "\n" not in text[brace:]:
        declaration.distinct = brace >= 0 and "(" not in text[brace:]
        return declaration
    end = text.rfind("}")
    inner = text[brace + 1 : end].strip("\n")
    declaration.head, declaration.tail = text[: brace + 1], text[text.rfind("\n", 0, end) + 1 :]
    declaration.members = _Reader(inner, tokens(inner), name).items()
    uses = uses_of(tokens(declaration.head))
    for member in declarations(declaration.members):
        if member.kind != "function":
            uses.add(member.uses)
    declaration.uses = _without(uses, name)
    declaration.distinct = not any(_converts(member, name) for member in declarations(declaration.members))
    return declaration


def _converts(member: Declaration, owner: str) -> bool:
    """Whether a member is a constructor that converts."""
    return member.kind == "function" and owner in member.names and member.counts[1] > 0 and "explicit" not in member.text


def is_method(member: Declaration, owner: str) -> bool:
    """Whether a struct can do without a member that nobody names: a function that is no constructor, destructor or operator."""
    return member.kind == "function" and owner not in member.names and not any(n.startswith("operator") for n in member.names)


def _function_or_value(text: str, words: list[str], uses: Uses, owner: str) -> Declaration:
    place = _name_before_parameters(words)
    if place is None:
        end = next((i for i, word in enumerate(words) if word in ("=", "{", ";", "[")), len(words))
        name = next((word for word in reversed(words[:end]) if is_name(word)), "")
        return Declaration(frozenset({name}), "value", text, _without(uses, name), words=words)
    name, begin = place
    end = matching(words, begin)
    counts, types, parameters = _parameters(words[begin + 1 : end])
    # The head reads as a call of what it declares: forget that, unless the body has it, too.
    body = uses_of(_retokened(words[end + 1 :]))
    if name not in body.calls:
        uses.calls.pop(name, None)
    else:
        uses.calls[name] = body.calls[name]
    uses.words -= {name} - body.words
    before = words[: next((i for i, word in enumerate(words) if word == "operator"), begin - 1)]
    types -= template_parameters(words)
    return Declaration(
        frozenset({name}), "function", text, uses, counts, types, words=words, parameters=parameters, result=before[_first(before) :]
    )


def _retokened(words: Sequence[str]) -> list[Token]:
    return [Token("name" if is_name(word) else "mark", word, 0, 0) for word in words]


def _name_before_parameters(words: list[str]) -> tuple[str, int] | None:
    """A function's name and the place of its parameters' parenthesis; None for what is no function."""
    at = depth = angle = 0
    while at < len(words):
        word = words[at]
        if word == "operator":
            begin = at + 1 + (words[at + 1] == "(")
            begin = next(i for i in range(begin, len(words)) if words[i] == "(" and i > at + (words[at + 1] == "("))
            return "operator" + "".join(words[at + 1 : begin]), begin
        if depth == 0 and angle == 0 and word in ("=", "{", ";"):
            return None
        if word == "template" and depth == 0:
            at = behind_angles(words, at + 1)
            continue
        if word == "(" and depth == 0 and angle == 0:
            name = words[at - 1] if at else ""
            if is_name(name) and name not in _NOT_NAMES:
                return name, at
            at = matching(words, at)
        elif word in OPEN:
            depth += 1
        elif word in CLOSE:
            depth -= 1
        elif depth == 0:
            angle += (word == "<") - (word == ">")
        at += 1
    return None


def _parameters(words: Sequence[str]) -> tuple[tuple[int, float], frozenset[str], list[list[str]]]:
    """How many arguments a list of parameters takes, the words of their types, and each parameter."""
    if not words:
        return (0, 0), frozenset(), []
    parts: list[list[str]] = [[]]
    depth = angle = 0
    for word in words:
        depth += (word in OPEN) - (word in CLOSE)
        angle += ((word == "<") - (word == ">")) if depth == 0 else 0
        if word == "," and depth == 0 and angle == 0:
            parts.append([])
        else:
            parts[-1].append(word)
    required = sum("=" not in part for part in parts)
    many = any("..." in part for part in parts)
    types = set()
    parts = [part[: part.index("=")] if "=" in part else part for part in parts]
    for declared in parts:
        names = [word for word in declared if is_name(word)]
        if "[" in declared:
            types |= set(names)
        else:  # the last word names the parameter, unless it is the only one: `All`
            types |= set(names[:-1] if len([n for n in names if n not in ("const", "std", "unsigned")]) > 1 else names)
    return (required - many, float("inf") if many else len(parts)), frozenset(types), parts


def _typedef_name(words: list[str]) -> str:
    if "(" in words and words[words.index("(") + 1] == "*":
        return words[words.index("(") + 2]
    end = words.index("__attribute__") if "__attribute__" in words else words.index(";")
    return words[end - 1]
