"""StringNormalizer."""

from __future__ import annotations

import functools

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import string
from onnx_bridge.ir.roperator import Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.library.texts import TextMaker, table
from onnx_bridge.operators.cases import case, data, given

_CHANGES = ("NONE", "LOWER", "UPPER")


@functools.cache
def cases_of(upper: bool) -> tuple[np.ndarray, np.ndarray]:
    """The characters beyond ASCII that are another one in the other case, and what they are there."""
    pairs = [(code, chr(code).upper() if upper else chr(code).lower()) for code in range(128, 0x110000)]
    found = [(code, ord(other)) for code, other in pairs if len(other) == 1 and ord(other) != code]
    return np.array([code for code, _ in found], np.int32), np.array([other for _, other in found], np.int32)


@operator("StringNormalizer", since=10)
class StringNormalizer(TextMaker):
    """y = the strings of x that are no stop words, in the case that `case_change_action` says; one empty one if none is left.

    Where case makes no difference, stop words are compared in lower case. Cases are those of Unicode, character by character, whatever
    the locale. How many strings are kept is found as the network runs.
    """

    kernels = ("text.hxx",)
    computes = ((string,),)

    case_change_action: str = attribute("NONE")
    is_case_sensitive: int = attribute(0)
    stopwords: list[str] | None = attribute(None)
    locale: str | None = attribute(None)

    def types(self, x: Tensor) -> Type:
        if self.case_change_action not in _CHANGES:
            raise ShapeError(f"case_change_action must be one of {', '.join(_CHANGES)}, got {self.case_change_action!r}")
        if x.rank not in (1, 2):
            raise ShapeError(f"x must be [C] or [1, C], got {x.type}")
        if x.rank == 2:
            same(x.shape[0], 1)
        kept = self.find("kept", dims.maximum(x.shape[-1], 1))
        return Type(string, (*(1 for _ in x.shape[:-1]), kept))

    def emit(self, cpp: Writer) -> None:
        (kept,) = self.found.values()
        stop = self.stopwords or []
        folds = bool(stop) and not self.is_case_sensitive
        words = [word.lower() for word in stop] if folds else stop
        none = "static_cast<const TextCase*>(nullptr)"
        change = none if self.case_change_action == "NONE" else self._case(cpp, self.case_change_action == "UPPER")
        compare = self._case(cpp, False) if folds else none
        stops = cpp.local("stop")
        cpp.line(f"const TextTable {stops} = {table(cpp, f'{self.title()} stop words', words)};")
        cpp.call(f"{cpp.size(kept)} = normalize_text", self.x.shape[-1], stops, compare, change, self.x, self.y, self.room(cpp))
        self.refuse_short(cpp)

    @staticmethod
    def _case(cpp: Writer, upper: bool) -> str:
        """A pointer to C++'s `TextCase`."""
        name = cpp.local("upper" if upper else "lower")
        first, other = cases_of(upper)
        tables = ", ".join(cpp.weight(f"{name}_{what}", array) for what, array in (("from", first), ("to", other)))
        cpp.line(f"const TextCase {name} = {{{tables}, {first.size}, {'true' if upper else 'false'}}};")
        return f"&{name}"

    _DAYS = ("monday", "Tuesday", "WEDNESDAY", "Thursday")
    _LOCALE = {"locale": "C.UTF-8"}
    cases = (
        case(x=given(_DAYS, "str"), attributes={**_LOCALE, "case_change_action": "LOWER", "is_case_sensitive": 1, "stopwords": ["monday"]}),
        case(x=given(_DAYS, "str"), attributes={**_LOCALE, "case_change_action": "UPPER", "stopwords": ["Monday", "wednesday"]}),
        case(x=given([_DAYS], "str"), attributes={**_LOCALE, "is_case_sensitive": 0, "stopwords": list(_DAYS)}),
        case(x=given([_DAYS], "str"), attributes=_LOCALE),
        case(x=given(["\xe9A", "\u044fb", "a\u0130"], "str"), attributes={**_LOCALE, "case_change_action": "UPPER"}),
        case(x=data("N", dtype="str"), attributes={**_LOCALE, "case_change_action": "UPPER", "stopwords": ["a"]}),
    )
