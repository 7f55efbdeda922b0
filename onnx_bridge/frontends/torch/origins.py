"""Where the nodes of an exported model come from: the user's layer, and the line of it that called the function."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import onnx

from onnx_bridge.errors import ORIGIN
from onnx_bridge.graphs import all_nodes, note

#: A line of a trace as PyTorch keeps it, with the code under it.
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in \S+(?:\n {4}(?P<code>[^\n]+))?')


def write(torch: Any, model: onnx.ModelProto) -> None:
    """Writes into the metadata of each node where it comes from, as far as its exporter tells: what messages then say of it."""
    for node in all_nodes(model.graph):
        said = {entry.key: entry.value for entry in node.metadata_props}
        where = [_layer(node.name, said), _line(torch, said.get("pkg.torch.onnx.stack_trace", ""))]
        if any(where):
            note(node, ORIGIN, ", ".join(filter(None, where)))


def _layer(node: str, said: dict[str, str]) -> str:
    """The layer's name in the module: the newer exporter lists the names on the way, the older one makes the node's name of them."""
    scopes = said.get("pkg.torch.onnx.name_scopes", "")
    try:
        names = [str(name) for name in ast.literal_eval(scopes)][:-1] if scopes else node.strip("/").split("/")[1:-1]
    except (ValueError, SyntaxError):
        names = []
    name = names[-1] if names and scopes else ".".join(names)
    name = name.removeprefix("module.")
    return f"layer {name!r}" if name and name != "module" else ""


def _line(torch: Any, trace: str) -> str:
    """The innermost line that is not PyTorch's."""
    package = Path(torch.__file__).parent
    own = [frame for frame in _FRAME.finditer(trace) if package not in Path(frame["file"]).parents]
    return f"{Path(own[-1]['file']).name} line {own[-1]['line']}: {(own[-1]['code'] or '').strip()[:100]}".rstrip(": ") if own else ""
