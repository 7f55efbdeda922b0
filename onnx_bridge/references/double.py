"""A model in float64: every float32 of it made a double, so that what it computes is what it says, not how it rounds."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import AttributeProto, GraphProto, NodeProto, TensorProto, TypeProto, helper, numpy_helper

from onnx_bridge.graphs import attribute, set_attributes, subgraphs

#: Attributes that name the element type of an output.
_TYPES = {"to", "dtype", "output_datatype", "output_dtype"}

#: What these make is float32 where no attribute says otherwise.
_FLOAT_BY_DEFAULT = {
    "ConstantOfShape": ("value", numpy_helper.from_array(np.zeros(1))),
    **dict.fromkeys(("HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix"), ("output_datatype", TensorProto.DOUBLE)),
}


def in_double(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a model in which every float32 is a double: inputs, constants, casts and declared types, in inner graphs, too."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    _graph(copy.graph)
    for function in copy.functions:
        _types(value.type for value in function.value_info)
        _nodes(function.node)
    return copy


def _graph(graph: GraphProto) -> None:
    for tensor in graph.initializer:
        _tensor(tensor)
    for sparse in graph.sparse_initializer:
        _tensor(sparse.values)
    _types(value.type for value in (*graph.input, *graph.output, *graph.value_info))
    _nodes(graph.node)


def _nodes(nodes: Iterable[NodeProto]) -> None:
    for node in nodes:
        for entry in node.attribute:
            _attribute(entry, node)
        if node.op_type in _FLOAT_BY_DEFAULT:
            name, value = _FLOAT_BY_DEFAULT[node.op_type]
            if attribute(node, name, None) is None:
                set_attributes(node, **{name: value})
        for graph in subgraphs(node):
            _graph(graph)


def _attribute(entry: AttributeProto, node: NodeProto) -> None:
    if entry.type == AttributeProto.INT and entry.name in _TYPES and entry.i == TensorProto.FLOAT:
        entry.i = TensorProto.DOUBLE
    elif entry.type == AttributeProto.TENSOR:
        _tensor(entry.t)
    elif entry.type == AttributeProto.TENSORS:
        for tensor in entry.tensors:
            _tensor(tensor)
    elif entry.type == AttributeProto.TYPE_PROTO:
        _types([entry.tp])
    elif node.op_type == "Constant" and entry.name in ("value_float", "value_floats"):
        value = np.array(entry.f if entry.name == "value_float" else list(entry.floats), np.float64)
        entry.CopyFrom(helper.make_attribute("value", numpy_helper.from_array(value)))


def _tensor(tensor: TensorProto) -> None:
    if tensor.data_type == TensorProto.FLOAT:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name))


def _types(types: Iterable[TypeProto]) -> None:
    for kind in types:
        which = kind.WhichOneof("value")
        if which in ("tensor_type", "sparse_tensor_type"):
            tensor = getattr(kind, which)
            if tensor.elem_type == TensorProto.FLOAT:
                tensor.elem_type = TensorProto.DOUBLE
        elif which in ("sequence_type", "optional_type"):
            _types([getattr(kind, which).elem_type])
