"""What types the arguments of calls in the kernels have, as far as that is plain: the types by which overloads are told apart.

A type is its name without `const` and `&`: `float`, `vec`, `std::int32_t`, with a `*` for each pointer or array. None is one that is
not known: a template's, a member's, that of what is declared twice with different types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce

from onnx_bridge.emit.tokens import CLOSE, OPEN, behind_angles, floating_type, is_name, matching

Typed = str | None

_INTEGERS = frozenset(
    """std::int8_t std::int16_t std::int32_t std::int64_t std::uint8_t std::uint16_t std::uint32_t std::uint64_t std::size_t std::ptrdiff_t
    Size char bool long short unsigned signed integer""".split()
)
_SCALARS = _INTEGERS | {"float", "double"}
#: Those of which a template is instantiated for just these.
DEFINITE = _SCALARS - {"integer", "short", "long", "unsigned", "signed", "char"}
#: Words that stand before an expression, not before a name that is declared.
_NO_TYPES = frozenset(
    """return else case do new delete throw template sizeof const constexpr noexcept and or not operator static inline friend typename
    unsigned signed volatile mutable goto using struct class enum if for while switch if_number""".split()
)
#: What may stand in front of a declaration's type.
_BEFORE_TYPES = frozenset("const constexpr static mutable ; { } ( ) , > <".split())
#: What follows each further name that one type stands before.
_BEHIND_NEXT = tuple([mark] for mark in "=;{[,")
_CASTS = frozenset({"static_cast", "reinterpret_cast", "const_cast"})


def type_named(words: Sequence[str]) -> Typed:
    """The type that some words name, without the name of what has it."""
    kept = [
        word
        for word in words
        if word not in ("const", "constexpr", "static", "inline", "&", "struct") and not word.startswith("ONNX_BRIDGE_")
    ]
    stars = kept.count("*")
    kept = [word for word in kept if word != "*"]
    if kept[:2] == ["std", "::"]:
        kept = ["std::" + "".join(kept[2:3]), *kept[3:]]
    if kept[:2] == ["Const", "<"] and behind_angles(kept, 1) == len(kept):
        kept = ["Const"]
    if len(kept) > 1 and set(kept) <= _INTEGERS | {"int"}:
        kept = ["integer"]
    if len(kept) != 1 or not (is_name(kept[0]) or kept[0].startswith("std::")):
        return None
    base = {"int": "std::int32_t"}.get(kept[0], kept[0].removeprefix("unaligned_"))
    return base + "*" * stars


class Conversions:
    """What types convert to, consist of, and make together.

    Args:
        vectors: the names of vector types, with their elements'.
        structs: the names of other types.
    """

    def __init__(self, vectors: Mapping[str, Typed], structs: frozenset[str]) -> None:
        self.vectors, self.structs = vectors, structs

    def known(self, type_: Typed) -> bool:
        """Whether all is known of what a type converts to."""
        return type_ is not None and (type_.endswith("*") or type_ in self.vectors or type_ in _SCALARS or type_ in ("All", "Const"))

    def possible(self, argument: Typed, parameter: Typed) -> bool:
        """Whether an argument can be given for a parameter, as far as is known."""
        if argument is None or parameter is None or argument == parameter or not self.known(argument) or not self.known(parameter):
            return True
        if argument.endswith("*"):
            return parameter in ("void*", "bool") or not self._plain(argument) or (parameter.endswith("*") and not self._plain(parameter))
        if argument in self.vectors or parameter in self.vectors or parameter.endswith("*"):
            return False
        return parameter not in ("All", "Const") or argument in ("All", "Const")

    def _plain(self, pointer: str) -> bool:
        base = pointer.rstrip("*")
        return base in _SCALARS or base in self.vectors or base in self.structs

    def element(self, type_: Typed) -> Typed:
        """The type of what a pointer, an array or a vector consists of."""
        return None if type_ is None else type_[:-1] if type_.endswith("*") else self.vectors.get(type_)

    def joined(self, a: Typed, b: Typed) -> Typed:
        """The type of what an operation makes of two."""
        if a is None or b is None:
            return None
        for one, other in ((a, b), (b, a)):
            if one in self.vectors:
                return one if other == one or other in _SCALARS else None
            if one.endswith("*"):
                return one if other in _INTEGERS or other == "Const" else None
        if not {a, b} <= _SCALARS | {"Const", "All"}:
            return None
        for widest in ("double", "float"):
            if widest in (a, b):
                return widest
        return a if a == b and a in ("Size", "std::int32_t") else "integer"


class Expressions:
    """The types of expressions of one function.

    Args:
        words: the function's tokens.
        conversions: what is known of types.
        outside: the types of variables that are declared elsewhere.
        result: the type that a call makes, by its name and the types of its arguments.
        member: the type of a field or of what a member function makes, by its name, with what stands in `<...>` behind it.
    """

    def __init__(
        self,
        words: Sequence[str],
        conversions: Conversions,
        outside: Callable[[str], Typed],
        result: Callable[[str, tuple[Typed, ...]], Typed],
        member: Callable[[str, bool, Typed], Typed],
    ) -> None:
        self.words, self.conversions, self.outside, self.result, self.member = words, conversions, outside, result, member
        self.variables: dict[str, Typed | int] = {}
        for name, type_ in declared(words):
            self.variables[name] = type_ if self.variables.setdefault(name, type_) == type_ else None

    def arguments(self, at: int) -> tuple[Typed, ...] | None:
        """The types of the arguments of the call whose parenthesis is at `at`; None where a `<` makes their number uncertain."""
        end = matching(self.words, at)
        if end == at + 1:
            return ()
        places = [at]
        depth = angle = 0
        for index in range(at, end):
            word = self.words[index]
            depth += (word in OPEN) - (word in CLOSE)
            if depth == 1:
                angle += (word == "<") - (word == ">" and angle > 0)
                if word == "...":
                    return None
                if word == ",":
                    if angle:
                        return None
                    places.append(index)
        return tuple(self.of(a + 1, b) for a, b in zip(places, [*places[1:], end], strict=True))

    def of(self, begin: int, end: int) -> Typed:
        """The type of the expression between two places."""
        words = self.words
        if begin >= end:
            return None
        operators = list(self._operators(begin, end))
        marks = [mark for _, _, mark in operators]
        if "?" in marks:
            return self._chosen(end, operators)
        if "=" in marks:
            return None
        for index, (at, behind, mark) in enumerate(operators):
            if mark in ("compare", "logic"):
                before = operators[index - 1][1] if index else begin
                left = self.of(before, at)
                if mark == "compare" and left in self.conversions.vectors:
                    return "ivec" if left in ("vec", "ivec") and len(operators) == 1 else None
                right = self.of(behind, operators[index + 1][0] if index + 1 < len(operators) else end)
                return "bool" if mark == "logic" or (left in _SCALARS and right in _SCALARS) else None
        if operators:
            places = [begin, *(behind for _, behind, _ in operators)]
            ends = [*(at for at, _, _ in operators), end]
            types = [self.of(a, b) for a, b in zip(places, ends, strict=True)]
            pointers = [type_ for type_ in types if type_ and type_.endswith("*")]
            if len(pointers) == 1 and all(words[at] != "-" for at, _, _ in operators):
                return pointers[0]  # whatever is added to it
            return reduce(self.conversions.joined, types)
        if words[begin] in ("-", "+", "~"):
            return self.of(begin + 1, end)
        if words[begin] == "*":
            return self.conversions.element(self.of(begin + 1, end))
        if words[begin] == "&":
            inner = self.of(begin + 1, end)
            return inner + "*" if inner else None
        return self._postfix(begin, end)

    def _chosen(self, end: int, operators: Sequence[tuple[int, int, str]]) -> Typed:
        """The type of `a ? b : c`."""
        first = next(i for i, (_, _, mark) in enumerate(operators) if mark == "?")
        colons = [at for at, _, mark in operators[first:] if mark == ":"]
        if len(colons) != 1:
            return None
        a, b = self.of(operators[first][1], colons[0]), self.of(colons[0] + 1, end)
        return a if a == b else self.conversions.joined(a, b) if not (a or "*").endswith("*") else None

    def _operators(self, begin: int, end: int) -> Iterator[tuple[int, int, str]]:
        """The binary operators outside of brackets: where each begins and ends, and its kind."""
        words, at = self.words, begin
        while at < end:
            word = words[at]
            if word in OPEN:
                at = matching(words, at) + 1
                continue
            if is_name(word) and words[at + 1 : at + 2] == ["<"]:
                behind = behind_angles(words, at + 1)
                if at + 1 < behind < end and words[behind] in ("(", "{", "::"):
                    at = behind
                    continue
            before = words[at - 1] if at > begin else ""
            operand = bool(before) and (before[-1].isalnum() or before[-1] in "_)]}\"'.")
            pair = word + (words[at + 1] if at + 1 < end else "")
            if pair in ("==", "!=", "<=", ">=") and operand:
                yield at, at + 2, "compare"
                at += 1
            elif pair in ("&&", "||") and operand:
                yield at, at + 2, "logic"
                at += 1
            elif pair in ("<<", ">>") and operand:
                yield at, at + 2, "arithmetic"
                at += 1
            elif word in ("<", ">") and operand:
                yield at, at + 1, "compare"
            elif word in ("?", ":", "="):
                yield at, at + 1, word
            elif word in ("+", "-", "*", "/", "%", "&", "|", "^") and operand:
                yield at, at + 1, "arithmetic"
            at += 1

    def _postfix(self, begin: int, end: int) -> Typed:
        """The type of a name, a number, a call or a cast, with what is behind it."""
        words, word = self.words, self.words[begin]
        at = begin + 1
        type_: Typed = None
        if word == "(":
            at = matching(words, begin) + 1
            type_ = self.of(begin + 1, at - 1)
        elif word[:1].isdigit() or word[:1] == ".":
            type_ = _number(word)
        elif word == "std" and words[at : at + 1] == ["::"] and begin + 2 < end:
            type_, at = type_named(words[begin : begin + 3]), begin + 3
            if words[at : at + 1] not in (["("], ["{"]) or type_ not in _SCALARS:
                return None
            at = matching(words, at) + 1
        elif is_name(word):
            behind = behind_angles(words, at) if words[at : at + 1] == ["<"] else at
            called = behind < end and words[behind] in ("(", "{")
            if word in _CASTS:
                type_, at = type_named(words[at + 1 : behind - 1]), matching(words, behind) + 1
            elif called and (named := type_named(words[begin:behind])) is not None and self.conversions.known(named):
                type_, at = named, matching(words, behind) + 1
            elif called and word not in self.variables:
                given = self.arguments(behind) if words[behind] == "(" else None
                type_, at = self.result(word, given) if given is not None else None, matching(words, behind) + 1
            elif called:
                type_, at = self._lambda_result(word), matching(words, behind) + 1
            else:
                type_ = self._variable(word)
        else:
            return None
        while at < end:
            if words[at] == "[":
                type_, at = self.conversions.element(type_), matching(words, at) + 1
            elif words[at] in (".", "->"):
                type_, at = self._member(at + 1)
            else:
                return None
        return type_ if at == end else None

    def _member(self, at: int) -> tuple[Typed, int]:
        """The type of the member whose name is at a place, called or not, and the place behind it; of whatever struct."""
        words = self.words
        at += words[at] == "template"
        name, at, said = words[at], at + 1, None
        if words[at : at + 1] == ["<"] and words[(behind := behind_angles(words, at)) : behind + 1] == ["("]:
            said, at = type_named(words[at + 1 : behind - 1]), behind
        called = words[at : at + 1] == ["("]
        return self.member(name, called, said), matching(words, at) + 1 if called else at

    def _lambda_result(self, name: str) -> Typed:
        """What a call of a variable makes: of a lambda that says it, `-> float`."""
        at = self.variables[name]
        if not isinstance(at, int) or self.words[at] != "[":
            return None
        head = self.words[at : self.words.index("{", at)]
        return type_named(head[head.index("->") + 1 :]) if "->" in head else None

    def _variable(self, name: str) -> Typed:
        if name not in self.variables:
            return self.outside(name)
        found = self.variables[name]
        if isinstance(found, int):  # `auto`: the place of its initialiser
            self.variables[name] = None
            found = self.of(found, _end_of_initialiser(self.words, found))
            self.variables[name] = found
        return found


def declared(words: Sequence[str]) -> Iterator[tuple[str, Typed | int]]:
    """The variables and parameters that some code declares, with their types; for `auto`, the place of the initialiser."""
    at = 0
    while at < len(words):
        begin, word = at, words[at]
        at += 1
        if not is_name(word) or word in _NO_TYPES or (begin and words[begin - 1] not in _BEFORE_TYPES):
            continue
        end = begin + 3 if word == "std" and words[at : at + 1] == ["::"] else at
        if end < len(words) and words[end] == "<":
            end = behind_angles(words, end)
        pointer = end
        while pointer < len(words) and words[pointer] in ("*", "&", "const"):
            pointer += 1
        name, follows = [*words[pointer : pointer + 2], "", ""][:2]
        if not is_name(name) or name in _NO_TYPES or follows not in tuple("=;{[),(:>"):
            continue
        base = type_named(words[begin:end])
        while True:  # the names that one type stands before
            name, follows = words[pointer], words[pointer + 1]
            if word == "auto":
                yield name, pointer + 2 if follows == "=" else None
            elif follows != "(" or base in _SCALARS:
                stars, behind = words[end:pointer].count("*"), pointer + 1
                while behind < len(words) and words[behind] == "[":
                    stars, behind = stars + 1, matching(words, behind) + 1
                yield name, base + "*" * stars if base else None
            if follows == ")" or word == "auto":
                break
            comma = pointer + 1 if follows == "," else _end_of_initialiser(words, pointer + 1)
            following = comma + 1
            while words[following : following + 1] == ["*"]:
                following += 1
            further = words[comma : comma + 1] == [","] and words[following + 1 : following + 2] in _BEHIND_NEXT
            if not further or not is_name(words[following]):
                break
            end, pointer = comma + 1, following
        at = max(at, end)


def _end_of_initialiser(words: Sequence[str], at: int) -> int:
    """The place of the `,`, `;` or bracket that ends an expression."""
    while at < len(words) and words[at] not in (",", ";") and words[at] not in CLOSE:
        if is_name(words[at]) and words[at + 1 : at + 2] == ["<"] and words[(behind := behind_angles(words, at + 1))] in ("(", "{"):
            at = behind
        at = matching(words, at) + 1 if words[at] in OPEN else at + 1
    return at


def _number(text: str) -> Typed:
    if floating := floating_type(text):
        return floating
    if re.fullmatch(r"[1-9]\d{0,8}", text):
        return "std::int32_t"
    return None if text == "0" else "integer"  # 0 may stand for a pointer
