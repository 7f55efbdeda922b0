"""Seeds for operators that draw random numbers and have none: any are as right as others, and these the header and onnxruntime share."""

from __future__ import annotations

import onnx

from onnx_bridge.graphs import attribute, draws

#: What a node is marked by that has been given its seed here.
_MARK = "onnx_bridge.seed"


def give_seeds(model: onnx.ModelProto) -> None:
    """Gives every node of the main graph that draws random numbers and has no seed one of its own, the count of such nodes.

    ONNX says that a seed is made up where there is none. A model so seeded is one that its file allows, and what it computes is defined.
    """
    count = 0
    for node in model.graph.node:
        if not draws(node, model):
            continue
        count += 1
        if attribute(node, "seed", None) is None:
            node.attribute.append(onnx.helper.make_attribute("seed", count if node.op_type == "Dropout" else float(count)))
            node.metadata_props.add(key=_MARK, value=str(count))


def tell_seeds(model: onnx.ModelProto) -> list[str]:
    """Changes nothing; says which nodes have been given seeds."""
    given = [(node, prop.value) for node in model.graph.node for prop in node.metadata_props if prop.key == _MARK]
    return [f"{node.op_type} {node.name or node.output[0]!r} has no seed; its numbers are those of seed {seed}" for node, seed in given]
