"""What nobody reads goes."""

from __future__ import annotations

import onnx

from onnx_bridge.graphs import drop_unread


def drop_unused(model: onnx.ModelProto) -> list[str]:
    """Drops nodes and initializers that no output depends on."""
    dropped = drop_unread(model.graph)
    return [f"dropped {dropped} nodes that no output depends on"] if dropped else []
