"""Sizes that data decides, in the face: `Found`, which a Workspace holds after a call."""

from __future__ import annotations

from collections.abc import Mapping

from onnx_bridge.emit.writer import INDENT, comment
from onnx_bridge.ir import dims
from onnx_bridge.ir.tensor import Tensor


def found_texts(found: Mapping[str, str]) -> dict[str, str]:
    """What the face says of these sizes, by their C++ names; nothing where there are none."""
    if not found:
        return {"FOUND": "", "FOUND_OF": "", "FOUND_MEMBER": ""}
    fields = "".join(f"{INDENT}std::size_t {field} = 0;  // {comment(name)}\n" for name, field in found.items())
    about = "/// Sizes that data decided in the last call: outputs that have them are filled so far."
    return {
        "FOUND": f"{about}\nstruct Found {{\n{fields}}};\n\n",
        "FOUND_OF": f"{INDENT}const Found& found() const noexcept {{ return found_; }}\n",
        "FOUND_MEMBER": f"{INDENT}Found found_{{}};\n",
    }


def is_found(output: Tensor, found: Mapping[str, str]) -> bool:
    """Whether data decides the size of an output."""
    return not dims.symbols(output.count).isdisjoint(found)


def filled(output: Tensor, symbols: Mapping[str, str], found: Mapping[str, str]) -> str:
    """How many elements of an output a call of SOFIE's face has filled, in C++."""
    places = {name: f"workspace->found().{field}" for name, field in found.items()}
    places |= {name: f"sizes.{field}" for name, field in symbols.items()}
    return f"static_cast<std::size_t>({dims.show(output.count, lambda name: f'static_cast<std::ptrdiff_t>({places[name]})')})"
