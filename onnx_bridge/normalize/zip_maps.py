"""ZipMap at the end of a model, which makes a list of maps of a matrix: the matrix comes out, a column a label."""

from __future__ import annotations

import onnx
from onnx import helper

from onnx_bridge.graphs import all_nodes

#: So many labels are named in a note.
_NAMED = 12


def labels_of(node: onnx.NodeProto) -> list[int] | list[str]:
    """The labels of a ZipMap, in the order of the columns."""
    given = {attribute.name: attribute for attribute in node.attribute}
    if "classlabels_strings" in given and given["classlabels_strings"].strings:
        return [text.decode("utf-8", "replace") for text in given["classlabels_strings"].strings]
    return list(given["classlabels_int64s"].ints) if "classlabels_int64s" in given else []


def zip_maps(model: onnx.ModelProto) -> list[str]:
    """Puts an Identity in the place of each ZipMap that makes an output which nothing else reads."""
    notes = []
    read = {name for node in all_nodes(model.graph) for name in node.input}
    outputs = {value.name: value for value in model.graph.output}
    for node in model.graph.node:
        if node.op_type != "ZipMap" or node.domain != "ai.onnx.ml" or len(node.input) != 1 or len(node.output) != 1:
            continue
        labels, value = labels_of(node), outputs.get(node.output[0])
        if value is None or value.name in read or not labels:
            continue
        if not any(imported.domain in ("", "ai.onnx") for imported in model.opset_import):
            model.opset_import.append(helper.make_opsetid("", 13))
        value.CopyFrom(helper.make_tensor_value_info(value.name, onnx.TensorProto.FLOAT, None))
        kept = onnx.NodeProto(name=node.name, op_type="Identity", input=node.input, output=node.output, metadata_props=node.metadata_props)
        node.CopyFrom(kept)
        named = ", ".join(map(repr, labels[:_NAMED])) + (f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else "")
        notes.append(f"output {value.name} is a matrix instead of a list of maps: a column for each of the labels {named}")
    return notes
