"""Sizes that data decides, in the face: `Found`, which a Workspace holds after a call, and the outputs' sizes in that call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from onnx_bridge.emit.writer import INDENT, comment, folded, spelt
from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.tensor import Tensor


def found_texts(found: Mapping[str, str], symbols: Mapping[str, str], outputs: Sequence[Tensor]) -> dict[str, str]:
    """What the face says of these sizes; nothing where there are none.

    Args:
        found: sizes that data decides, with their C++ names.
        symbols: those of the call.
        outputs: the model's.
    """
    if not found:
        return {"FOUND": "", "FOUND_OF": "", "FOUND_MEMBER": ""}
    fields = "".join(f"{INDENT}std::size_t {field} = 0;  // {comment(name)}\n" for name, field in found.items())
    about = "/// Sizes that data decided in the last call: outputs that have them are filled so far."
    places = {**{name: f"found_.{field}" for name, field in found.items()}, **{name: f"dims_.{field}" for name, field in symbols.items()}}
    counts = [f"case {index}: return {_spelt(tensor.count, places)};" for index, tensor in enumerate(outputs)]
    shapes = [
        f"case {8 * index + axis}: return {_spelt(size, places)};"
        for index, tensor in enumerate(outputs)
        for axis, size in enumerate(tensor.shape[:8])
    ]
    methods = [
        f"{INDENT}const Found& found() const noexcept {{ return found_; }}",
        f"{INDENT}/// Elements of output `index` that the last call filled, from its beginning on.",
        *_switch("std::size_t output_size(int index) const noexcept", "index", counts),
        f"{INDENT}/// The size of output `index` along `axis`, one of its first eight, in the last call.",
        *_switch("std::size_t output_size(int index, int axis) const noexcept", "axis < 0 || axis > 7 ? -1 : 8 * index + axis", shapes),
    ]
    return {
        "FOUND": f"{about}\nstruct Found {{\n{fields}}};\n\n",
        "FOUND_OF": "\n".join(methods) + "\n",
        "FOUND_MEMBER": f"{INDENT}Found found_{{}};\n",
    }


def is_found(output: Tensor, found: Mapping[str, str]) -> bool:
    """Whether data decides the size of an output."""
    return not dims.symbols(output.count).isdisjoint(found)


def _spelt(size: Size, places: Mapping[str, str]) -> str:
    """A size of the last call in C++."""
    return f"static_cast<std::size_t>({spelt(size, lambda name: f'static_cast<std::ptrdiff_t>({places[name]})')})"


def _switch(head: str, what: str, cases: Sequence[str]) -> Iterator[str]:
    yield f"{INDENT}{head}"
    yield f"{INDENT}{{"
    yield f"{INDENT * 2}switch ({what}) {{"
    for case in cases:
        yield from folded(f"{INDENT * 2}{case}")
    yield f"{INDENT * 2}default: return 0;"
    yield f"{INDENT * 2}}}"
    yield f"{INDENT}}}"
