"""C++ names: one authority a header, so that no two things share one and nothing hides a kernel."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from onnx_bridge.targets import TARGETS

#: Names that the face declares itself.
FACE_NAMES = {
    "Dims", "Argument", "Body", "Weights", "Model", "Workspace", "Session", "inputs", "outputs", "dims", "ws", "arena", "at", "w", "tap",
    "floor_div", "minimum", "maximum", "run", "can_run", "checksum", "check_weights", "WeightsFile", "lanes", "Size", "bytes", "std",
    "onnx_bridge", "run_", "w_", "vec", "ivec", "Const", "All", "index", "plan", "bind", "infer", "doInfer",
    "embedded_weights", "model", "workspace", "filename", "output_size", "workspace_bytes", "data", "body", "where",
    "sizes", "session", "Check", "ExpectedWeights", "Checked", "Layout", "layout", "too_many", "most_bytes", "wrapped", "bits",
    "differ", "size", "takes", "open", "make", "error", "load", "choose", "opened", "raise", "check", "file", "memory", "expected",
    "Found", "found", "found_", "Choice", "choices", "choice", *(target.name for target in TARGETS),
}  # fmt: skip

_KEYWORDS = frozenset(
    """alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class co_await co_return
    co_yield compl concept const consteval constexpr constinit const_cast continue decltype default delete do double dynamic_cast else
    enum explicit export extern false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or
    or_eq private protected public register reinterpret_cast requires return short signed sizeof static static_assert static_cast struct
    switch template this thread_local throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor
    xor_eq std main errno NULL EOF assert linux unix stdin stdout stderr signbit isnan isinf isfinite INFINITY NAN
    int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t size_t ptrdiff_t restrict
    major minor final override st_atime st_ctime st_mtime math_errhandling sched_priority optional offsetof alloca environ
    min max near far small hyper interface pascal cdecl byte boolean s_addr s_host s_net s_imp s_lh s6_addr h_addr""".split()
)  # the last line: macros of windows.h, and types that it has outside of namespaces
#: What is written as macros are, MAP_FAILED or the user's own BATCH_SIZE, might be one; so might the numbered names of windows.h's dialogs.
_MACRO = re.compile(r"[A-Z][A-Z0-9_]*[A-Z][A-Z0-9_]*|(?:bmp|chx|cmb|ctl|edt|frm|grp|ico|lst|psh|rad|rct|scr|stc)\d+")


def identifier(text: str) -> str:
    """`text` as a C++ identifier: ASCII letters, digits and single underscores, not beginning with either of the latter two."""
    name = re.sub(r"_+", "_", re.sub(r"[^0-9A-Za-z]", "_", text)).strip("_")
    if not name:
        name = "t"
    if name[0].isdigit():
        name = f"t{name}"
    return name[:80]


def quoted(text: str) -> str:
    """A name inside a C++ string literal; anything but plain characters becomes an octal escape."""
    return "".join(chr(b) if b < 128 and (chr(b).isalnum() or chr(b) in " _-./:[]") else f"\\{b:03o}" for b in text.encode("utf-8"))


def octal(text: bytes) -> str:
    """Bytes inside a C++ string literal; anything but letters and digits becomes an octal escape of three digits."""
    return "".join(chr(b) if b < 128 and chr(b).isalnum() else f"\\{b:03o}" for b in text)


def model_name(text: str) -> str:
    """The C++ name of a model: of its namespace and files. Neither a keyword nor a namespace that the header itself uses."""
    return Names({"std", "onnx_bridge", "posix"}).new(text)


@dataclass(frozen=True)
class Naming:
    """What a header is called for those who include it.

    Attributes:
        sofie: SOFIE's namespaces are TMVA_SOFIE_<sofie> and SOFIE_<sofie>.
        header: the header's file.
        weights: the file with the weights, which is opened where the program names none.
        free_infer: whether there is a free function `infer` in SOFIE's namespaces, too.
    """

    sofie: str
    header: str
    weights: str
    free_infer: bool = False


def usual(name: str) -> Naming:
    """What the header of a model is called unless somebody says otherwise."""
    return Naming(name, f"{name}.hxx", f"{name}.dat")


class Names:
    """Hands out identifiers that are used nowhere else in a scope."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = set(_KEYWORDS) | set(reserved)

    def reserve(self, names: Iterable[str]) -> None:
        """Names that nothing may have."""
        self._taken.update(names)

    def release(self, names: Iterable[str]) -> None:
        """Names that are out of scope and may be handed out again."""
        self._taken.difference_update(names)

    def new(self, hint: str) -> str:
        """A free identifier that looks like `hint`."""
        base = name = identifier(hint) + ("_" if _MACRO.fullmatch(identifier(hint)) else "")
        count = 1
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name
