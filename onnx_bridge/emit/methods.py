"""Functions of a header: with a word to the compiler at parameters that they do not name, and in the class where they are short."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from onnx_bridge.emit.writer import INDENT

#: Lines of a body that may stand inside the class.
_SHORT = 12


def names_in(lines: Iterable[str]) -> set[str]:
    """The names in some lines of code."""
    return {name for line in lines for name in re.findall(r"[A-Za-z_]\w*", line.partition("//")[0])}


def marked(parameters: Iterable[str], code: str) -> list[str]:
    """Parameters, with a word to the compiler at those that some code does not name."""
    used = names_in(code.split("\n"))
    return [p if re.findall(r"\w+", p.partition(")")[0])[-1] in used else f"[[maybe_unused]] {p}" for p in parameters]


@dataclass(frozen=True)
class Method:
    """A static member function of Model.

    Args:
        result, name, parameters, body: what it consists of; the body's lines are indented once.
        defaults: parameters with their defaults.
    """

    result: str
    name: str
    parameters: Sequence[str]
    body: str
    defaults: Mapping[str, str] = field(default_factory=dict)

    def inside(self) -> str:
        """What stands in the class: all of it, if it is short."""
        parameters = self.parameters if self._long() else marked(self.parameters, self.body)
        for plain, defaulted in self.defaults.items():
            parameters = [p.replace(plain, defaulted) for p in parameters]
        head = f"{INDENT}static {self.result} {self.name}({', '.join(parameters)}) noexcept"
        if self._long():
            return head + ";"
        lines = self.body.split("\n")
        if len(lines) == 1 and len(one := f"{head} {{ {lines[0].strip()} }}") <= 140 and "//" not in one:
            return one
        return "\n".join([head, f"{INDENT}{{", *(INDENT + line for line in lines), f"{INDENT}}}"])

    def behind(self) -> str:
        """What stands behind the class: nothing, or the function and a blank line."""
        if not self._long():
            return ""
        return f"inline {self.result} Model::{self.name}({', '.join(marked(self.parameters, self.body))}) noexcept\n{{\n{self.body}\n}}\n\n"

    def _long(self) -> bool:
        return self.body.count("\n") >= _SHORT


def functions_of_dims(texts: Mapping[str, str]) -> dict[str, str]:
    """Model's functions of dims, of the bodies in `texts`."""
    takes = Method("bool", "takes", ["const Dims& dims"], texts["TAKES"])
    plan = Method("std::size_t", "plan", ["const Dims& dims", "std::size_t* at"], texts["PLAN"])
    output_size = Method("std::size_t", "output_size", ["int index", "Dims dims"], texts["OUTPUT_SIZES"], {"Dims dims": "Dims dims = {}"})
    return {
        "TAKES_AND_PLAN": f"{takes.inside()}\n{plan.inside()}",
        "OUTPUT_SIZE": output_size.inside(),
        "LONG_FUNCTIONS": "".join(method.behind() for method in (takes, plan, output_size)),
    }


def functor(name: str, text: str) -> str:
    """A functor on a few lines."""
    inner = text.strip()[1:-1].strip().replace("template <class Count> ", "template <class Count>\n").replace("; template", ";\ntemplate")
    head, opens, rest = inner.partition(" const { ")
    *lines, operator = head.replace("; ", ";\n").split("\n")
    statements = rest.removesuffix("}").strip()
    if opens and statements.count(";") == 1 and len(one := f"{operator} const {{ {statements} }}") <= 137:
        lines.append(one)
    elif opens:
        lines += [f"{operator} const", "{", *(INDENT + statement for statement in statements.replace("; ", ";\n").split("\n")), "}"]
    else:
        lines.append(operator)
    return "\n".join([f"struct {name} {{", *(INDENT + line for line in lines), "};"])
