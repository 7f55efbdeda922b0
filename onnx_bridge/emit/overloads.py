"""Which of several functions of one name a call can take: by the number of its arguments and, as far as they are plain, their types."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from onnx_bridge.emit.argument_types import DEFINITE, Conversions, Expressions, Typed, declared, type_named
from onnx_bridge.emit.declarations import Declaration, declarations, read
from onnx_bridge.emit.tokens import Uses, behind_angles, is_name, template_parameters, tokens

#: Types of templates' results that are there for some types only: `using if_integer = std::enable_if_t<std::is_integral<T>::value, T>`.
_CONDITION = re.compile(r"using \w+ = std::enable_if_t<std::is_(integral|arithmetic|floating_point|same)<T(?:, double)?>::value, T>;")
FLOATING = frozenset({"float", "double"})
#: What a member function template makes that makes what it is instantiated for.
_OWN = "<own>"
#: Members that types of the standard library have.
_OF_THE_LIBRARY = frozenset({"size", "data", "begin", "end", "first", "second", "length", "get", "value", "load", "count", "find"})

#: The types of a call's arguments; None where not even their number is known.
Call = tuple[Typed, ...] | None


class Calls:
    """The calls of functions, and who can take them.

    Args:
        known: all declarations.
    """

    def __init__(self, known: Iterable[Declaration]) -> None:
        self.functions: dict[str, list[Declaration]] = defaultdict(list)
        self.values: dict[str, Declaration] = {}
        self._conditions: dict[str, str] = {}
        vectors: dict[str, Typed] = {}
        self.structs: set[str] = set()
        for declaration in known:
            for name in declaration.names:
                if declaration.kind == "function":
                    self.functions[name].append(declaration)
                elif declaration.kind == "value":
                    self.values[name] = declaration
                elif condition := _CONDITION.search(declaration.text):
                    self._conditions[name] = condition[1]
                elif declaration.kind == "type" and (vector := _vector(declaration, name)):
                    vectors[name] = vector
                elif declaration.kind == "type" and not declaration.text.startswith(("using", "typedef", "template")):
                    self.structs.add(name)
        self.vectors = frozenset(vectors)
        self.masks = frozenset(name for name, element in vectors.items() if element not in ("float", "double"))
        self.conversions = Conversions(vectors, frozenset(self.structs))
        self.members: dict[tuple[str, bool], set[Typed]] = defaultdict(set)
        self._generic: set[str] = set()
        self.asked: dict[str, set[Call]] = defaultdict(set)
        for declaration in known:
            head, brace, _ = declaration.text.partition("{")
            if declaration.kind == "type" and brace and "struct" in head.split():
                self._note_members(declaration)
        self._types: dict[int, tuple[Typed, ...]] = {}
        self._choices: dict[tuple[str, tuple[Typed, ...]], frozenset[int]] = {}

    def _note_members(self, struct: Declaration) -> None:
        """The types of a struct's fields and of what its member functions make; a template's own are not known."""
        free = template_parameters(tuple(token.text for token in tokens(struct.head or struct.text) if token.kind in ("name", "mark")))
        for member in declarations(struct.members or read(struct.text[struct.text.index("{") + 1 : struct.text.rindex("}")])):
            if member.kind == "value":
                for name, type_ in declared(member.words):
                    self.members[name, False].add(type_ if isinstance(type_, str) and type_.rstrip("*") not in free else None)
            elif member.kind == "function":
                own = template_parameters(member.words)
                if _of_one_type(member):
                    self._generic.update(member.names)
                type_ = type_named(member.result)
                made = _OWN if type_ in own and len(own) == 1 else None if type_ is None or type_.rstrip("*") in own | free else type_
                for name in member.names:
                    self.members[name, True].add(None if made == "auto" else made)

    def _member(self, name: str, called: bool, said: Typed) -> Typed:
        """The type of a member of some struct, where all that have one of that name agree; of no name that the library's types have."""
        types = self.members.get((name, called), set())
        if name in _OF_THE_LIBRARY or len(types) != 1 or (not called and (name, True) in self.members):
            return None
        found = next(iter(types))
        return said if found == _OWN else found

    def of(self, uses: Uses, by: Declaration | None, owner: Declaration | None) -> Mapping[str, set[Call]]:
        """The calls of what a function uses; of anything else, their numbers of arguments alone."""
        found: dict[str, set[Call]] = {}
        chosen = {name for name in uses.calls if len(self.functions[name]) > 1 and not name.startswith("operator")}
        generic = self._generic & uses.members
        typed: dict[str, set[tuple[Typed, ...]]] = defaultdict(set)
        if by is None or not by.words:
            for name in generic:
                self.asked[name].add(None)
        elif chosen or generic:
            for words in self._instances(by) if owner else (by.words,):
                for name, calls in self._typed(words, by, owner, chosen, generic).items():
                    typed[name] |= calls
        for name, counts in uses.calls.items():
            calls = typed.get(name, set())
            found[name] = {call for call in calls if len(call) in counts}
            told = {len(call) for call in calls}
            found[name] |= {None if count is None else (None,) * count for count in counts if count not in told}
        return found

    def _instances(self, member: Declaration) -> list[Sequence[str]]:
        """The tokens of a member function; of a template `f(T a, T b)` for each type that it is called with, as far as these are known."""
        asked = [call for name in member.names for call in self.asked[name]]
        own = template_parameters(member.words)
        types = {call[0] if call and len(set(call)) == 1 and self.conversions.known(call[0]) else None for call in asked}
        if not _of_one_type(member) or None in types:
            return [member.words]
        written = {type_: ["std", "::", type_[5:]] if type_.startswith("std::") else [type_] for type_ in types if type_}
        return [[part for word in member.words for part in (name if word in own else [word])] for name in written.values()]

    def _typed(
        self, words: Sequence[str], by: Declaration, owner: Declaration | None, names: set[str], generic: set[str]
    ) -> Mapping[str, set[tuple[Typed, ...]]]:
        members = declarations(owner.members) if owner else ()
        fields = dict(pair for member in members if member.kind == "value" for pair in declared(member.words))

        def outside(name: str) -> Typed:
            found = fields[name] if name in fields else self._value(name)
            return found if isinstance(found, str) else None

        expressions = Expressions(words, self.conversions, outside, self._result, self._member)
        calls: dict[str, set[tuple[Typed, ...]]] = defaultdict(set)
        head = next((at for at, word in enumerate(words) if word in by.names), -1)  # it reads as a call of what it declares
        for at, word in enumerate(words):
            if word in generic and words[at - 1] in (".", "->", "::"):
                self.asked[word].add(expressions.arguments(at + 1) if words[at + 1 : at + 2] == ["("] else None)
            if word in names and at != head:
                behind = behind_angles(words, at + 1) if words[at + 1 : at + 2] == ["<"] else at + 1
                if words[behind : behind + 1] != ["("]:
                    continue
                given = expressions.arguments(behind)
                if given and behind > at + 1:  # who says for which types takes a template that has these, not the one that fits best
                    given = tuple(None if type_ in DEFINITE else type_ for type_ in given)
                if given is None or word in expressions.variables:
                    names = names - {word}
                    calls.pop(word, None)
                else:
                    calls[word].add(given)
        return calls

    def can_take(self, declaration: Declaration, name: str, call: Call) -> bool:
        """Whether a function can be what is called by its name."""
        if call is None:
            return True
        if not declaration.counts[0] <= len(call) <= declaration.counts[1]:
            return False
        return len(self.functions[name]) < 2 or id(declaration) in self._chosen(name, call)

    def _chosen(self, name: str, call: tuple[Typed, ...]) -> frozenset[int]:
        """The functions of a name that a call can take, by identity: those for just these types, else all that these convert to."""
        key = (name, call)
        if key not in self._choices:
            taken = [d for d in self.functions[name] if d.counts[0] <= len(call) <= d.counts[1] and self._converts(d, call)]
            exact = [d for d in taken if self.types(d) == call and None not in call and "template" not in d.words[:1]]
            exact = exact or [d for d in taken if self._deduced(d, call)]
            self._choices[key] = frozenset(map(id, exact or taken))
        return self._choices[key]

    def _deduced(self, declaration: Declaration, call: tuple[Typed, ...]) -> Typed:
        """The type that a template `f(T a, T b)` is instantiated for by a call that it fits exactly; nothing for any other function."""
        own, type_ = template_parameters(declaration.words), call[0] if call else None
        if len(own) != 1 or len(declaration.parameters) != len(call) or type_ not in DEFINITE or len(set(call)) != 1:
            return None
        plain = all([word for word in parameter if word not in ("const", "&")][:1] == list(own) for parameter in declaration.parameters)
        plain = plain and not any("*" in parameter or "<" in parameter for parameter in declaration.parameters)
        result = [word for word in declaration.result if not word.startswith("ONNX_BRIDGE_")]
        condition = self._conditions.get(_condition(declaration), "")
        floating = type_ in FLOATING
        fits = {"integral": not floating, "floating_point": floating, "arithmetic": True, "same": type_ == "double"}
        return type_ if plain and (fits.get(condition, False) or result == list(own)) else None

    def _converts(self, declaration: Declaration, call: tuple[Typed, ...]) -> bool:
        return all(self.conversions.possible(a, b) for a, b in zip(call, self.types(declaration), strict=False))

    def types(self, declaration: Declaration) -> tuple[Typed, ...]:
        """The types of a function's parameters."""
        if id(declaration) not in self._types:
            free = template_parameters(declaration.words)
            types = (_parameter_type(parameter) for parameter in declaration.parameters)
            self._types[id(declaration)] = tuple(None if t is None or t.rstrip("*") in free else t for t in types)
        return self._types[id(declaration)]

    def asks_for(self, declaration: Declaration) -> list[frozenset[str]]:
        """Types of which one of each set is somewhere, if a function is called by who does not say of what type an argument is.

        A parameter for floats or doubles is for these alone where another function of the name takes the other ones, or a template
        whatever else there is; where none does, other numbers convert to it.
        """
        found: list[frozenset[str]] = []
        for place, type_ in enumerate(self.types(declaration) if declaration.kind == "function" else ()):
            if type_ in ("float*", "double*"):
                found.append(frozenset({type_[:-1]}))
            elif type_ in FLOATING:
                others = [
                    d for name in declaration.names for d in self.functions[name] if d is not declaration and len(self.types(d)) > place
                ]
                if any(self.types(other)[place] in FLOATING - {type_} for other in others):
                    found.append(frozenset({type_}))
                elif any(self.types(other)[place] is None and self._conditions.get(_condition(other)) != "same" for other in others):
                    found.append(FLOATING)
        return found

    def _result(self, name: str, call: tuple[Typed, ...]) -> Typed:
        """What a call makes, where all that it can take make the same."""
        functions = self.functions.get(name, [])
        taken = [d for d in functions if id(d) in self._chosen(name, call)] if len(functions) > 1 else functions
        types = {self._made(declaration, call) for declaration in taken}
        return types.pop() if len(types) == 1 else None

    def _made(self, declaration: Declaration, call: tuple[Typed, ...]) -> Typed:
        made, own = type_named(declaration.result), template_parameters(declaration.words)
        if made is not None and made.rstrip("*") not in own:
            return made
        for parameter, given in zip(declaration.parameters, call, strict=False):
            if made in own and [made] == [word for word in parameter if word not in ("const", "&")][:-1]:
                return given if self.conversions.known(given) else None
        return self._deduced(declaration, call) if declaration.result[-2:-1] == list(own) else None

    def _value(self, name: str) -> Typed:
        found = dict(declared(self.values[name].words)).get(name) if name in self.values else None
        return found if isinstance(found, str) else None


def _condition(declaration: Declaration) -> str:
    """The name of the condition in a template's result: `if_integer<T>`."""
    result = [word for word in declaration.result if not word.startswith("ONNX_BRIDGE_")]
    return result[0] if result[1:2] == ["<"] else ""


def _of_one_type(member: Declaration) -> bool:
    """Whether a member function is a template `f(T a, T b)`."""
    own = template_parameters(member.words)
    return len(own) == 1 and bool(member.parameters) and all(p[:1] == list(own) and len(p) == 2 for p in member.parameters)


def _vector(declaration: Declaration, name: str) -> Typed:
    """The element of a vector type; nothing for another type."""
    words = declaration.text.split()
    if "vector_size(" not in declaration.text or "decltype" in declaration.text or name.startswith("unaligned_"):
        return None
    return type_named(words[1].replace("::", " :: ").split()) or "integer"


def _parameter_type(parameter: Iterable[str]) -> Typed:
    words = list(parameter)
    if words[:3] == ["[", "[", "maybe_unused"]:
        words = words[5:]
    if not {"(", "[", "..."}.isdisjoint(words):
        return None
    names = [word for word in words if is_name(word) and word not in ("const", "std", "unsigned", "long", "struct")]
    if len(names) > 1 and words[-1] == names[-1]:
        words = words[:-1]
    return type_named(words)
