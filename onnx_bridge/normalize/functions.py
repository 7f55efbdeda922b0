"""Functions of the model are inlined, all but those that are a custom operator's body."""

from __future__ import annotations

import onnx

from onnx_bridge.custom import inline, known, load


def inline_functions(model: onnx.ModelProto) -> list[str]:
    """Replaces calls of the model's own functions by their bodies.

    A function with the name of a declared operator is that operator if it has its body; another body is the model's own matter.
    """
    load()
    declared = known()
    kept = [f for f in model.functions if (f.domain, f.name) in declared and _nodes(f) == _nodes(declared[f.domain, f.name].body)]
    names = [(f.domain, f.name) for f in model.functions if f not in kept]
    if not names:
        return []
    model.CopyFrom(inline(model, names))
    return [f"inlined {', '.join(sorted('.'.join(name) for name in names))}"]


def _nodes(function: onnx.FunctionProto) -> list[tuple[object, ...]]:
    """What a function computes, whatever is said beside it. CastLike is Identity in models that are older than it."""
    return [
        (*_operation(node), "", *node.output, *(a.SerializeToString(deterministic=True) for a in node.attribute)) for node in function.node
    ]


def _operation(node: onnx.NodeProto) -> tuple[str, ...]:
    return ("Identity", node.domain, node.input[0]) if node.op_type == "CastLike" else (node.op_type, node.domain, *node.input)
