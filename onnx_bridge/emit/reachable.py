"""Which declarations can be reached from what names them, and the text of those.

A function is reached by its name, called with as many arguments as it takes and of types that it takes (overloads.py), once each type that
its parameters name is reached otherwise; a specialisation with the types that it is for; a member function by its name, anywhere. What is
reached reaches what it uses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from onnx_bridge.emit.declarations import Blank, Comment, Condition, Declaration, Item, declarations, is_method
from onnx_bridge.emit.overloads import Call, Calls
from onnx_bridge.emit.tokens import Uses


@dataclass
class Reached:
    """What was reached: declarations, members among them, by identity."""

    kept: set[int] = field(default_factory=set)

    def __contains__(self, declaration: object) -> bool:
        return id(declaration) in self.kept


def reach(items: Iterable[Item], roots: Iterable[Uses | Declaration]) -> Reached:
    """What `roots` reach among `items`: declarations, or what some other text uses."""
    known = list(declarations(list(items)))
    search = _Search(known, [root for root in roots if isinstance(root, Declaration)])
    for root in roots:
        if isinstance(root, Declaration):
            search.take(root)
        else:
            search.use(root)
    return search.run()


class _Search:
    def __init__(self, known: list[Declaration], roots: list[Declaration]) -> None:
        self.reached = Reached()
        self.typed = Calls([*known, *roots])
        self.by_name: dict[str, list[Declaration]] = defaultdict(list)
        self.methods: dict[str, list[tuple[Declaration, Declaration]]] = defaultdict(list)
        for declaration in known:
            for name in declaration.names:
                self.by_name[name].append(declaration)
        self.types = {name for name, found in self.by_name.items() if any(d.distinct for d in found)}
        self.calls: dict[str, set[Call]] = defaultdict(set)
        self.members: set[str] = set()
        self.named: set[str] = set()
        self.braced: set[str] = set()
        self.todo: list[str] = []
        self.again: list[str] = []  # templates of members that are called with other types
        self.waiting: dict[str, list[Declaration]] = defaultdict(list)

    def run(self) -> Reached:
        """Follows names until there is nothing new."""
        while self.todo or self.again:
            if not self.todo:
                for owner, member in self.methods[self.again.pop()]:
                    if member in self.reached:
                        self.use(member.uses, member, owner)
                continue
            name = self.todo.pop()
            for declaration in (*self.by_name[name], *self.waiting.pop(name, ())):
                self.consider(declaration)
            for owner, member in self.methods[name]:
                self.consider_member(owner, member)
        return self.reached

    def use(self, uses: Uses, by: Declaration | None = None, owner: Declaration | None = None) -> None:
        """Notes the names that something reached uses: a function `by`, a member of `owner`, or else what nothing more is known of."""
        for name in uses.words:
            self.name(name, None)
        for name in uses.braced - self.braced:
            self.braced.add(name)
            self.todo.append(name)
        before = {name: len(calls) for name, calls in self.typed.asked.items()}
        found = self.typed.of(uses, by, owner)
        self.again += [name for name, calls in self.typed.asked.items() if len(calls) > before.get(name, 0)]
        for name, calls in found.items():
            for call in calls:
                self.name(name, call)
        for name in uses.members - self.members:
            self.members.add(name)
            self.todo.append(name)

    def name(self, name: str, call: Call) -> None:
        if call not in self.calls[name]:
            self.calls[name].add(call)
            self.todo.append(name)

    def consider(self, declaration: Declaration) -> None:
        """Takes a declaration if everything is there that it needs."""
        if declaration in self.reached or not any(self.takes(declaration, name) for name in declaration.names):
            return
        for word in () if declaration.names & self.braced else declaration.takes:
            if word in self.types and word not in declaration.names and not self.calls[word]:
                self.waiting[word].append(declaration)
                return
        for words in () if declaration.names & self.braced else self.typed.asks_for(declaration):
            # Another one is for other numbers: this one is for who has such as these at all, or was seen to call it.
            if not any(self.calls[word] for word in words) and self.chosen_by_name_alone(declaration):
                for word in words:
                    self.waiting[word].append(declaration)
                return
        if masks := declaration.takes & self.typed.masks:  # what comparisons of vectors make is named by nobody
            words = masks | (self.typed.vectors - self.typed.masks)
            if not any(self.calls[word] for word in words):
                for word in words:
                    self.waiting[word].append(declaration)
                return
        for word in declaration.needs - self.named:
            self.waiting[word].append(declaration)
            return
        owned = declaration.takes & self.typed.structs if any(name.startswith("operator") for name in declaration.names) else frozenset()
        if owned and not any(self.calls[word] for word in owned):  # an operand of numbers alone is none of its own
            for word in owned:
                self.waiting[word].append(declaration)
            return
        self.take(declaration)

    def chosen_by_name_alone(self, declaration: Declaration) -> bool:
        """Whether it is one of several functions of its name, and no call of whose arguments' types all are known can take it."""
        if declaration.kind != "function" or all(len(self.typed.functions[name]) < 2 for name in declaration.names):
            return False
        calls = ((name, call) for name in declaration.names for call in self.calls[name])
        known = self.typed.conversions.known
        return not any(call is not None and all(map(known, call)) and self.typed.can_take(declaration, name, call) for name, call in calls)

    def take(self, declaration: Declaration) -> None:
        """Takes a declaration, with what it uses."""
        self.reached.kept.add(id(declaration))
        self.use(declaration.uses, declaration)
        owner = next(iter(declaration.names), "")
        for member in declarations(declaration.members):
            for name in member.names - self.named:
                self.named.add(name)
                self.todo.append(name)
            if is_method(member, owner):
                for name in member.names:
                    self.methods[name].append((declaration, member))
                self.consider_member(declaration, member)
            else:
                self.reached.kept.add(id(member))
                if member.kind == "function":  # a field's uses are its struct's
                    self.use(member.uses, member, declaration)

    def takes(self, declaration: Declaration, name: str) -> bool:
        """Whether a name is used as this declaration of it can be."""
        calls = self.calls[name]
        return bool(calls) if declaration.kind != "function" else any(self.typed.can_take(declaration, name, call) for call in calls)

    def consider_member(self, owner: Declaration, member: Declaration) -> None:
        if owner in self.reached and member not in self.reached and any(n in self.members or self.calls[n] for n in member.names):
            self.reached.kept.add(id(member))
            self.use(member.uses, member, owner)


def rendered(items: Sequence[Item], reached: Reached | None, indent: str = "") -> str:
    """The text of what was reached, of everything if `reached` is None, with its comments and blank lines."""
    return "\n".join(_tidy(_lines(items, reached)))


def _lines(items: Sequence[Item], reached: Reached | None) -> list[str]:
    """A blank line is an empty one. A comment stays if something of what it stands above does."""
    lines: list[str] = []
    for index, item in enumerate(items):
        if isinstance(item, Blank):
            lines.append("")
        elif isinstance(item, Comment):
            if any(_stays(other, reached) for other in _below(items, index)):
                lines.append(item.text)
        elif _stays(item, reached):
            lines += _item(item, reached)
    return lines


def _below(items: Sequence[Item], index: int) -> list[Item]:
    """What a comment speaks of: up to the next comment or blank line; for one that floats, up to the next that floats."""
    floats = isinstance(comment := items[index], Comment) and comment.floats
    found: list[Item] = []
    for item in items[index + 1 :]:
        if isinstance(item, Comment) and (item.floats or not floats):
            break
        if isinstance(item, Blank) and not floats:
            break
        found.append(item)
    return found


def _stays(item: Item, reached: Reached | None) -> bool:
    if isinstance(item, Condition):
        return any(_stays(inner, reached) for _, branch in item.branches for inner in branch)
    return isinstance(item, Declaration) and (reached is None or item in reached)


def _item(item: Item, reached: Reached | None) -> list[str]:
    if isinstance(item, Condition):
        lines: list[str] = []
        for directive, branch in item.branches:
            lines += [directive, *_tidy(_lines(branch, reached))]
        return [*lines, item.end]
    assert isinstance(item, Declaration)
    if reached is None or all(member in reached for member in declarations(item.members)):
        return [item.text]
    return [item.head, *_tidy(_lines(item.members, reached)), item.tail]


def _tidy(lines: Sequence[str]) -> list[str]:
    """Without blank lines at the ends, and no two in a row."""
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    while kept and not kept[-1]:
        kept.pop()
    return kept
