"""The writer that operators emit themselves to: it gathers the network's lines, its functors and its packed weights."""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from onnx_bridge.emit import canaries
from onnx_bridge.emit.names import Names, identifier, octal
from onnx_bridge.emit.weights import Packing
from onnx_bridge.ir import dims, dtypes
from onnx_bridge.ir.dims import Function, Size
from onnx_bridge.ir.literals import literal
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.passes.memory import MemoryPlan

INDENT = "   "


def comment(text: str) -> str:
    """Text that may stand behind `//`: one line of printable ASCII without trigraphs or a backslash."""
    cleaned = re.sub(r"[^ -~]+", "?", text).replace("\\", "/")
    return re.sub(r"\?{2,}", "?", cleaned)[:200].rstrip()


def folded(line: str, width: int = 140) -> list[str]:
    """A long line of code, or a long comment, as several of at most `width` columns where it has blanks to break it at."""
    indent = line[: len(line) - len(line.lstrip())]
    bare = line.lstrip()
    if len(line) <= width or '"' in line or ("//" in bare and not bare.startswith("//")) or bare.startswith("#"):
        return [line]
    further = f"{indent}//   " if bare.startswith("//") else f"{indent}{INDENT * 2}"
    return textwrap.wrap(bare, width, initial_indent=indent, subsequent_indent=further, break_long_words=False, break_on_hyphens=False)


def spelt(size: Size, name: Callable[[str], str], named: Mapping[Function, str] = MappingProxyType({})) -> str:
    """A size as C++, in which some functions have names already.

    A number that std::ptrdiff_t lacks becomes 2**62, more than any memory has: a call with such a size is refused.
    """
    return re.sub(r"\b\d{19,}\b", lambda number: str(min(int(number[0]), 1 << 62)), dims.show(size, name, named))


@dataclass(frozen=True)
class _Tap:
    """Where a tensor could be handed out: before which line, how far that is indented, and by what pointer."""

    place: int
    indent: str
    tensor: Tensor
    pointer: str


class CppWriter:
    """Implements `ir.Writer`.

    Attributes:
        lines: the body of the network's function.
        functors: declarations that stand before it, by text.
        packing: the weights file, by C++ names, in the order of first use.
        sizes: the symbolic sizes that stand in the lines.
    """

    def __init__(self, plan: MemoryPlan, names: Names, symbols: dict[str, str], bounds: Mapping[str, str]) -> None:
        self.plan, self.names, self.symbols, self.bounds = plan, names, symbols, bounds
        self.lines: list[str] = []
        self.functors: dict[str, str] = {}
        self.packing = Packing()
        self.sizes: dict[Size, None] = {}
        self._pointers: dict[Tensor, str] = {}
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}  # by type, shape and a hash of the bytes
        self._depth = 1
        self._scopes: list[list[str]] = [[]]
        self._operator: ROperator | None = None
        self._taps: list[_Tap] = []

    # ---- ir.Writer

    def pointer(self, tensor: Tensor) -> str:
        if tensor in self._pointers:
            return self._pointers[tensor]
        if tensor.is_constant:
            return self._texts(tensor) if tensor.dtype is dtypes.string else self.weight(tensor.name, tensor.constant())
        raise KeyError(f"no memory was planned for {tensor.name!r}")

    def size(self, size: Size) -> str:
        if not isinstance(size, int):
            self.sizes[size] = None
        text = spelt(size, self.symbols.__getitem__)
        return text if isinstance(size, int) or re.fullmatch(r"\w+", text) else f"({text})"

    def const(self, size: Size) -> str:
        return f"Const<{size}>()" if isinstance(size, int) else self.size(size)

    def weight(self, name: str, array: np.ndarray) -> str:
        array = np.ascontiguousarray(array)
        key = (array.dtype.name, array.shape, hashlib.sha256(array.reshape(-1).view(np.uint8).data).digest())
        if key not in self._constants:
            cpp_name = self.names.new(name)
            self.packing.add(cpp_name, array)
            self._constants[key] = f"w.{cpp_name}()"
        return self._constants[key]

    def _texts(self, tensor: Tensor) -> str:
        """Constant strings, which stand in the header."""
        texts = [str(text).encode("utf-8", "surrogateescape") for text in tensor.constant().reshape(-1)] or [b""]
        rows = ",\n".join(f'std::string_view("{octal(text)}", {len(text)})' for text in texts)
        head = f"{{ static const std::string_view* begin()\n{{\nstatic constexpr std::string_view texts[{len(texts)}] = {{"
        return f"{self.functor(f'{head}{chr(10)}{rows}}};{chr(10)}return texts;{chr(10)}}} }}', identifier(tensor.name))}::begin()"

    def scratch(self) -> str:
        assert self._operator is not None
        piece = self.plan.scratch.get(self._operator)
        return "arena" if piece is None else f"arena + {self.plan.cpp_offset(piece)}"  # it may need none, where sizes are 0

    def functor(self, text: str, hint: str) -> str:
        if text not in self.functors:
            self.functors[text] = self.names.new(hint)
        return self.functors[text]

    def local(self, hint: str) -> str:
        name = self.names.new(hint)
        self._scopes[-1].append(name)
        return name

    def line(self, text: str) -> None:
        self.lines += folded(INDENT * self._depth + text)

    def call(self, function: str, *args: object) -> None:
        self.line(f"{function}({', '.join(self._argument(arg) for arg in args)});")

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        self.line(f"{head} {{".lstrip())
        self._depth += 1
        # A variable that the head declares lives as long as the block; so does all that is declared inside.
        words = set(re.findall(r"\w[ *&]+(\w+) = ", head))
        self._scopes.append([name for name in self._scopes[-1] if name in words])
        self._scopes[-2] = [name for name in self._scopes[-2] if name not in words]
        yield
        self.names.release(self._scopes.pop())
        self._depth -= 1
        self.line("}")

    def operators(self, operators: Sequence[ROperator]) -> None:
        for op in operators:
            self._operator = op
            self.line(f"// {comment(self._describe(op))}")
            if not op.is_view:
                self._guarded(op)
            self.require(op.conditions, op.constraints)
            self._operator = None
            made = [] if op.is_view else [t for t in op.outputs if t is not None and t in self._pointers and t.dtype is not dtypes.string]
            self._taps += [_Tap(len(self.lines), INDENT * self._depth, t, self._pointers[t]) for t in made]

    def _guarded(self, op: ROperator) -> None:
        """The operator's own lines; where the plan has guards, between those that plant canaries and look at them."""
        if not self.plan.guard or not self.plan.order:
            return op.emit(self)
        self.line(canaries.before(self.plan, op))
        op.emit(self)
        self.line(canaries.behind(self.plan, op))

    def with_taps(self) -> tuple[list[str], list[Tensor]]:
        """The lines with a call of `tap` behind each operator, and the tensors that it hands out, in the order of their numbers."""
        lines, done = [], 0
        for number, tap in enumerate(self._taps):
            lines += self.lines[done : tap.place]
            bytes_ = spelt(tap.tensor.bytes, self.symbols.__getitem__)
            lines += folded(f"{tap.indent}if (tap) tap({number}, {tap.pointer}, static_cast<std::size_t>({bytes_}));")
            done = tap.place
        return [*lines, *self.lines[done:]], [tap.tensor for tap in self._taps]

    def read_size(self, size: Size, tensor: Tensor, most: Size) -> None:
        found, number = self.size(size), f"*{self.pointer(tensor)}"
        self.line(f"if ({number} < 0 || {number} > {self.size(most)}) return false;")
        self.line(f"{found} = static_cast<Size>({number});")

    def text(self, text: str) -> str:
        encoded = text.encode("utf-8", "surrogateescape")
        return f'"{octal(encoded)}", {len(encoded)}'

    def point(self, tensor: Tensor, source: Tensor, offset: str) -> None:
        place = f"{self.pointer(source)} + {offset}"
        if tensor not in self.plan.pointed:
            self.call("copy_run", tensor, place, tensor.count)
            return
        name = self.local(tensor.name)
        self.line(f"[[maybe_unused]] const {tensor.dtype.storage}* const {name} = {place};")
        self._pointers |= {other: name for other in (tensor, *self.plan.root) if self.plan.find(other) is tensor}

    def require_room(self, size: Size) -> None:
        (name,) = dims.symbols(size)
        room = next(self.symbols[room] for room, found in self.bounds.items() if found == name) if name in self.bounds.values() else ""
        if room:
            field = self.size(size)
            with self.block(f"if ({field} > {room})"):
                self.line(f"found.{field} = static_cast<std::size_t>({field});")
                self.line("return false;")

    def require(self, conditions: Sequence[Size], constraints: Sequence[tuple[Size, Size]]) -> None:
        for a, b in constraints:
            self.line(f"if ({self.size(a)} != {self.size(b)}) return false;")
        for size in conditions:
            self.line(f"if ({self.size(size)} < 0) return false;")

    # ---- what the header needs

    def declare(self, tensor: Tensor, pointer: str) -> None:
        """Says where a tensor is."""
        self._pointers[tensor] = pointer

    def _argument(self, arg: object) -> str:
        if isinstance(arg, Tensor):
            return self.pointer(arg)
        if arg is None:
            return "nullptr"
        if isinstance(arg, bool):
            return "true" if arg else "false"
        if isinstance(arg, (int, dims.Dim)):
            return self.size(arg)
        if isinstance(arg, float):
            return literal(arg, dtypes.float32)
        if isinstance(arg, (list, tuple)):
            return "{" + ", ".join(self._argument(item) for item in arg) + "}"
        return str(arg)

    @staticmethod
    def _describe(op: ROperator) -> str:
        def shape(tensor: Tensor) -> str:
            return f"{identifier(tensor.name)} [{', '.join(map(str, tensor.shape))}]"

        inputs = ", ".join(shape(t) for t in op.inputs if t is not None and not t.is_constant)
        outputs = ", ".join(shape(t) for t in op.outputs if t is not None)
        return f"{op.title()}: {inputs} -> {outputs}" if inputs else f"{op.title()}: {outputs}"
