"""Functions of the model are inlined."""

from __future__ import annotations

import onnx
import onnx.inliner


def inline_functions(model: onnx.ModelProto) -> list[str]:
    """Replaces calls of the model's own functions by their bodies."""
    if not model.functions:
        return []
    names = ", ".join(sorted(f"{f.domain}.{f.name}" for f in model.functions))
    inlined = onnx.inliner.inline_local_functions(model)
    model.CopyFrom(inlined)
    return [f"inlined {names}"]
