"""Run-time sizes in the face, in checked arithmetic: the plan of the Workspace, the outputs' sizes, which dims `infer` takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from onnx_bridge.emit.one_size import OneSize, one_size
from onnx_bridge.emit.writer import INDENT, folded, spelt
from onnx_bridge.errors import Finding, UnsupportedModel
from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Function, Size
from onnx_bridge.ir.rmodel import InputValue, RModel
from onnx_bridge.ir.tensor import MOST_BYTES
from onnx_bridge.passes.memory import MemoryPlan, limit_of

#: From how many parts on a function of sizes that stands in several places is computed once.
SHARED = 8


@dataclass
class FaceSizes:
    """The C++ of what the face computes from dims.

    Args:
        model: the model after its passes.
        plan: its memory plan.
        symbols: ONNX dim name -> field of Dims.
        computed: sizes that the network computes with.
    """

    model: RModel
    plan: MemoryPlan
    symbols: dict[str, str]
    computed: Sequence[Size] = ()
    plain: OneSize | None = field(init=False)
    _named: dict[Function, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.limits = self.model.limits()
        outside = [size for t in (*self.model.inputs, *self.model.outputs) for size in (t.bytes, t.count)]
        self.plain = one_size(self.model, self.plan, self.symbols, [*outside, *self.computed])

    def refuse_too_large(self) -> None:
        """Raises UnsupportedModel for a tensor of known size that no memory can hold."""
        sizes = {t.name: t.bytes for t in (*self.model.inputs, *self.model.outputs)}
        sizes |= {tensor.name: buffer.bytes for tensor, buffer in self.plan.buffers.items()}
        sizes |= {op.name or op.op_type: buffer.bytes for op, buffer in self.plan.scratch.items()}
        if found := [(name, size) for name, size in sizes.items() if isinstance(size, int) and size > MOST_BYTES]:
            raise UnsupportedModel([Finding(name, "size", f"{size:,} bytes are more than any memory has") for name, size in found])

    def workspace(self) -> str:
        """The body of Model::plan."""
        if self.plain:
            return self.plain.plan()
        if not self.plan.is_static:
            lines = [*self._symbols([b.bytes for b in self.plan.order]), f"{INDENT}Layout<{len(self.plan.order)}> layout(at);"]
            for buffer in self.plan.order:
                below = ", ".join(str(other.index) for other in buffer.below)
                lines += folded(f"{INDENT}layout.add({self._spelt(buffer.bytes)}{', {' + below + '}' if below else ''});")
            return "\n".join([*lines, f"{INDENT}return layout.end;"])
        total = self.plan.offsets({})[1]
        if total < 1 << 31:
            return f"{INDENT}return {total};"
        return (
            f"{INDENT}const unsigned long long bytes = {total}u;  // which 32 bits cannot address\n"
            f"{INDENT}const std::size_t all = static_cast<std::size_t>(-1);\n"
            f"{INDENT}return bytes > all / 2 ? all : static_cast<std::size_t>(bytes);"
        )

    def outputs(self) -> str:
        """The body of Model::output_size."""
        counts = [limit_of(tensor.count, self.limits) for tensor in self.model.outputs]
        if self.plain:
            return self.plain.outputs(counts)
        lines = [*self._symbols(counts), f"{INDENT}if (!takes(dims)) return 0;", f"{INDENT}switch (index) {{"]
        for index, count in enumerate(counts):
            text = str(count) if isinstance(count, int) else f"({self._spelt(count)}).count()"
            lines += folded(f"{INDENT}case {index}: return {text};")
        return "\n".join([*lines, f"{INDENT}default: return 0;", f"{INDENT}}}"])

    def takes(self) -> str:
        """The body of Model::takes."""
        if self.plain:
            return self.plain.takes()
        arguments = [limit_of(t.bytes, self.limits) for t in (*self.model.inputs, *self.model.outputs)]
        planned = [b.bytes for b in self.plan.order]
        sizes = _largest(arguments, ())
        sizes += _largest((limit_of(size, self.limits) for size in self.computed), [*sizes, *planned])
        conditions = list(self.model.conditions)
        pairs = list(self.model.constraints)
        lines = self._symbols([*sizes, *conditions, *(size for pair in pairs for size in pair)])
        if sizes:
            lines += folded(f"{INDENT}for (const Checked& size : {{{', '.join(f'Checked({self._spelt(s)})' for s in sizes)}}})")
            lines.append(f"{INDENT * 2}if (size.overflows()) return false;  // it would in the network, too")
        for condition in conditions:
            lines += folded(f"{INDENT}if (({self._spelt(condition)}).negative()) return false;")
        for a, b in pairs:
            lines += folded(f"{INDENT}if (differ({self._spelt(a)}, {self._spelt(b)})) return false;")
        return "\n".join([*lines, f"{INDENT}return true;"])

    def refusals(self) -> list[str]:
        """Why `infer` refuses dims, in words."""
        return [f"{spelt(size, self.symbols.__getitem__)} is negative" for size in self.model.conditions] + [
            f"{spelt(a, self.symbols.__getitem__)} is not {spelt(b, self.symbols.__getitem__)}" for a, b in self.model.constraints
        ]

    def _spelt(self, size: Size) -> str:
        return spelt(size, self.symbols.__getitem__, self._named)

    def _symbols(self, sizes: Sequence[Size]) -> list[str]:
        """Declares the symbols of some sizes, and the long functions that they share: else each use would be computed by itself."""
        self._named = {}
        used = set().union(*(dims.symbols(size) for size in sizes))
        makers = {"std::size_t": "Checked::dim", "std::ptrdiff_t": "static_cast<long long>"}
        kinds = {name: dim_type(self.model.symbol_inputs, symbol) for symbol, name in self.symbols.items() if symbol in used}
        names = [f"{name} = {makers[kind]}(dims.{name})" for name, kind in kinds.items()]
        lines = folded(f"{INDENT}const Checked {', '.join(names)};") if names else []
        for function in (function for function in dims.repeated(sizes) if function.length >= SHARED):
            name = f"shared_{len(self._named)}" + "_" * (f"shared_{len(self._named)}" in self.symbols.values())
            lines += folded(f"{INDENT}const Checked {name} = {self._spelt(dims.function_of(function.name, *function.args))};")
            self._named[function] = name
        return lines


def dim_type(symbol_inputs: Mapping[str, InputValue], symbol: str) -> str:
    """The C++ type of a size that a caller gives."""
    return "std::ptrdiff_t" if symbol in symbol_inputs and symbol_inputs[symbol].signed else "std::size_t"


def _largest(sizes: Iterable[Size], covered: Iterable[Size]) -> list[Size]:
    """The symbolic sizes of which none is certainly below another one, or below one that is covered."""
    known = [size for size in covered if not isinstance(size, int)]
    kept: list[Size] = []
    for size in dict.fromkeys(sizes):
        if isinstance(size, int) or any(_below(size, other) for other in (*known, *kept)):
            continue
        kept = [other for other in kept if not _below(other, size)] + [size]
    return kept


def _below(a: Size, b: Size) -> bool:
    """Whether a's bound is not above b's, all dims being at least 1: both are sums of products, without a minus or a function."""
    terms = [term for size in (a, b) if isinstance(size, dims.Dim) for term in size.terms]
    plain = all(factor >= 0 and all(isinstance(atom, dims.Symbol) for atom in monomial) for monomial, factor in terms)
    if not plain or dims.signed_symbols(a) or dims.signed_symbols(b):
        return a == b
    shifted = {name: dims.symbol(name) + 1 for name in dims.symbols(a) | dims.symbols(b)}
    return dims.at_least(dims.substitute(b, shifted), dims.substitute(a, shifted))
