"""RegexFullMatch."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import bool_, string
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.library.automaton import automaton
from onnx_bridge.operators.cases import case, data, given


@operator("RegexFullMatch", since=20)
class RegexFullMatch(ROperator):
    """y = whether the whole of each string of x is one that `pattern`, of RE2's syntax, describes.

    The pattern is an automaton of the weights file: a step a byte, whatever the string.
    """

    kernels = ("text.hxx",)
    computes = ((string,),)

    pattern: str | None = attribute(None)

    def types(self, x: Tensor) -> Type:
        automaton(self.pattern or "")
        return Type(bool_, x.shape)

    def emit(self, cpp: Writer) -> None:
        made = automaton(self.pattern or "")
        tables = [cpp.weight(f"{self.title()} {name}", getattr(made, name)) for name in ("classes", "next", "accepts")]
        cpp.call("match_text", self.x.count, f"TextAutomaton{{{', '.join(tables)}, {made.next.shape[1]}}}", self.x, self.y)

    cases = (
        case(x=given(["www.google.com", "www.facebook.com", "www.bbc.co.uk"], "str"), attributes={"pattern": r"www\.[\w.-]+\.com"}),
        case(x=data("N", 2, dtype="str"), attributes={"pattern": "[a-c ]*|.*b"}),
        case(x=given(["", "a", "ab", "abab", "abb"], "str"), attributes={"pattern": "(?:ab){0,2}"}),
        case(x=given(["Aé", "aÉ", "b\n", "x" * 70], "str"), attributes={"pattern": "(?i)a[^b]|[[:alpha:]]{3,}|(b\\n)+?"}),
    )  # fmt: skip
