"""Room for what data decides without a limit: the caller says how much there is, and a call that lacks room says how much it needs."""

from __future__ import annotations

from collections.abc import Container, Mapping

import onnx

from onnx_bridge.graphs import all_graphs, all_nodes, attribute
from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import string
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import find
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.library.texts import is_text
from onnx_bridge.lowering.found import FoundSizes
from onnx_bridge.operators.text_memory import text_memory

#: What the run-time size is called that says how many bytes of text operators may make in a call.
TEXT = "text_bytes"


def make_room(graph: onnx.GraphProto, opsets: Mapping[str, int], rmodel: RModel, found: FoundSizes) -> tuple[Tensor, Size] | None:
    """Memory for text, in a model that has operators that make some: its tensor, and the size of what is needed."""
    texts = _declared(graph)
    if not any(_makes_text(node, opsets, texts) for node in all_nodes(graph)):
        return None
    room = found.bound(TEXT, rmodel)
    needed = found.find(f"{TEXT} needed", room, rmodel)
    rmodel.bounds[next(iter(dims.symbols(room)))] = next(iter(dims.symbols(needed)))
    op = text_memory(room, needed, rmodel.new_name(TEXT))
    rmodel.add_tensor(op.y)
    rmodel.operators.append(op)
    return op.y, needed


def for_text(node: onnx.NodeProto, rmodel: RModel) -> bool:
    """Whether a node is one for strings: it reads some, or a Cast makes them."""
    return _casts_to_text(node) or any(is_text(rmodel.tensors.get(name)) for name in node.input)


def _casts_to_text(node: onnx.NodeProto) -> bool:
    return node.op_type == "Cast" and attribute(node, "to", 0) in (string.onnx, b"STRING")


def _makes_text(node: onnx.NodeProto, opsets: Mapping[str, int], texts: Container[str]) -> bool:
    """Whether a node is one that makes text. Casts make some only of numbers, and to be seen from the file."""
    domain = "" if node.domain == "ai.onnx" else node.domain
    if not domain and node.op_type in ("Cast", "CastLike"):
        return not any(name in texts for name in node.input[:1]) and (_casts_to_text(node) or any(name in texts for name in node.input[1:]))
    cls = find(node.op_type, domain, opsets.get(domain, 1), text=True)
    return cls is not None and cls.makes_text


def _declared(graph: onnx.GraphProto) -> set[str]:
    """The names that are declared to be strings."""
    texts = set()
    for each in all_graphs(graph):
        values = (*each.input, *each.output, *each.value_info)
        texts |= {value.name for value in values if value.type.tensor_type.elem_type == string.onnx}
        texts |= {tensor.name for tensor in each.initializer if tensor.data_type == string.onnx}
    return texts
