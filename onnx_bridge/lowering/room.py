"""Room for what data decides without a limit: the caller says how much there is, and a call that lacks room says how much it needs."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from onnx_bridge.graphs import all_nodes
from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import find
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.lowering.found import FoundSizes
from onnx_bridge.operators.text_memory import text_memory

#: What the run-time size is called that says how many bytes of text operators may make in a call.
TEXT = "text_bytes"


def make_room(graph: onnx.GraphProto, opsets: Mapping[str, int], rmodel: RModel, found: FoundSizes) -> tuple[Tensor, Size] | None:
    """Memory for text, in a model that has operators that make some: its tensor, and the size of what is needed."""
    nodes = ((node, "" if node.domain == "ai.onnx" else node.domain) for node in all_nodes(graph))
    classes = (find(node.op_type, domain, opsets.get(domain, 1), text=True) for node, domain in nodes)
    if not any(cls is not None and cls.makes_text for cls in classes):
        return None
    room = found.bound(TEXT, rmodel)
    needed = found.find(f"{TEXT} needed", room, rmodel)
    rmodel.bounds[next(iter(dims.symbols(room)))] = next(iter(dims.symbols(needed)))
    op = text_memory(room, needed, rmodel.new_name(TEXT))
    rmodel.add_tensor(op.y)
    rmodel.operators.append(op)
    return op.y, needed
