"""Which of several functions of one name a call can take: by the number of its arguments and, as far as they are plain, their types."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from onnx_bridge.emit.argument_types import Conversions, Expressions, Typed, declared, type_named
from onnx_bridge.emit.declarations import Declaration, declarations
from onnx_bridge.emit.tokens import Uses, behind_angles, is_name, template_parameters

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
        vectors: dict[str, Typed] = {}
        self.structs: set[str] = set()
        for declaration in known:
            for name in declaration.names:
                if declaration.kind == "function":
                    self.functions[name].append(declaration)
                elif declaration.kind == "value":
                    self.values[name] = declaration
                elif declaration.kind == "type" and (vector := _vector(declaration, name)):
                    vectors[name] = vector
                elif declaration.kind == "type" and not declaration.text.startswith(("using", "typedef", "template")):
                    self.structs.add(name)
        self.conversions = Conversions(vectors, frozenset(self.structs))
        self._types: dict[int, tuple[Typed, ...]] = {}
        self._choices: dict[tuple[str, tuple[Typed, ...]], frozenset[int]] = {}

    def of(self, uses: Uses, by: Declaration | None, owner: Declaration | None) -> Mapping[str, set[Call]]:
        """The calls of what a function uses; of anything else, their numbers of arguments alone."""
        found: dict[str, set[Call]] = {}
        chosen = {name for name in uses.calls if len(self.functions[name]) > 1 and not name.startswith("operator")}
        typed = self._typed(by, owner, chosen) if by is not None and by.words and chosen else {}
        for name, counts in uses.calls.items():
            calls = typed.get(name, set())
            found[name] = {call for call in calls if len(call) in counts}
            told = {len(call) for call in calls}
            found[name] |= {None if count is None else (None,) * count for count in counts if count not in told}
        return found

    def _typed(self, by: Declaration, owner: Declaration | None, names: set[str]) -> Mapping[str, set[tuple[Typed, ...]]]:
        words = by.words
        members = declarations(owner.members) if owner else ()
        fields = dict(pair for member in members if member.kind == "value" for pair in declared(member.words))

        def outside(name: str) -> Typed:
            found = fields[name] if name in fields else self._value(name)
            return found if isinstance(found, str) else None

        expressions = Expressions(words, self.conversions, outside, self._result)
        calls: dict[str, set[tuple[Typed, ...]]] = defaultdict(set)
        head = next((at for at, word in enumerate(words) if word in by.names), -1)  # it reads as a call of what it declares
        for at, word in enumerate(words):
            if word in names and at != head:
                behind = behind_angles(words, at + 1) if words[at + 1 : at + 2] == ["<"] else at + 1
                if words[behind : behind + 1] != ["("]:
                    continue
                given = expressions.arguments(behind)
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
            self._choices[key] = frozenset(map(id, exact or taken))
        return self._choices[key]

    def _converts(self, declaration: Declaration, call: tuple[Typed, ...]) -> bool:
        return all(self.conversions.possible(a, b) for a, b in zip(call, self.types(declaration), strict=False))

    def types(self, declaration: Declaration) -> tuple[Typed, ...]:
        """The types of a function's parameters."""
        if id(declaration) not in self._types:
            free = template_parameters(declaration.words)
            types = (_parameter_type(parameter) for parameter in declaration.parameters)
            self._types[id(declaration)] = tuple(None if t is None or t.rstrip("*") in free else t for t in types)
        return self._types[id(declaration)]

    def _result(self, name: str, call: tuple[Typed, ...]) -> Typed:
        """What a call makes, where all that it can take make the same."""
        functions = self.functions.get(name, [])
        taken = [d for d in functions if id(d) in self._chosen(name, call)] if len(functions) > 1 else functions
        types = {None if (t := type_named(d.result)) is None or t.rstrip("*") in template_parameters(d.words) else t for d in taken}
        return types.pop() if len(types) == 1 else None

    def _value(self, name: str) -> Typed:
        found = dict(declared(self.values[name].words)).get(name) if name in self.values else None
        return found if isinstance(found, str) else None


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
