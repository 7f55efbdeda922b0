"""A model in another type of floats: in float64, to see what it says and not how it rounds; bfloat16 by way of float32."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, GraphProto, NodeProto, TensorProto, TypeProto, helper, numpy_helper

from onnx_bridge.graphs import Fresh, all_graphs, attribute, names_in, rename, rewrite_nodes, set_attributes, subgraphs

#: Attributes that name the element type of an output.
_TYPES = {"to", "dtype", "output_datatype", "output_dtype"}

#: What these make is float32 where no attribute says otherwise.
_FLOAT_BY_DEFAULT: Mapping[str, tuple[str, Any]] = {
    "ConstantOfShape": ("value", numpy_helper.from_array(np.zeros(1))),
    **dict.fromkeys(("HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix"), ("output_datatype", TensorProto.DOUBLE)),
}


def in_double(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a model in which every float32 is a double: inputs, constants, casts and declared types, in inner graphs, too."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    _Change(TensorProto.FLOAT, TensorProto.DOUBLE, _FLOAT_BY_DEFAULT).model(copy)
    return copy


def has_bfloat16(model: onnx.ModelProto) -> bool:
    """Whether a model says that something of it is bfloat16."""
    for graph in all_graphs(model.graph):
        declared = [value.type.tensor_type.elem_type for value in (*graph.input, *graph.output, *graph.value_info)]
        stored = [tensor.data_type for tensor in graph.initializer]
        said = [entry.i for node in graph.node for entry in node.attribute if entry.name in _TYPES]
        if TensorProto.BFLOAT16 in (*declared, *stored, *said):
            return True
    return False


def by_float32(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a model that computes bfloat16 in float32 and rounds behind every operator; its inputs and outputs stay what they are.

    Raises:
        ValueError: the type of a tensor is not known.
    """
    inferred = onnx.shape_inference.infer_shapes(model)
    types: dict[str, int] = {}
    for graph in all_graphs(inferred.graph):
        types |= {value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.value_info, *graph.output)}
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    inputs, outputs = ([v.name for v in side if v.type.tensor_type.elem_type == TensorProto.BFLOAT16] for side in _ends(copy))
    whole = list(all_graphs(copy.graph))
    fresh = Fresh(names_in(whole))
    for graph in whole:
        rewrite_nodes(graph, lambda node: _rounded(node, types, fresh))
    _Change(TensorProto.BFLOAT16, TensorProto.FLOAT, kept=_ROUNDING).model(copy)
    _between_casts(copy, inputs, outputs, fresh)
    return copy


#: How the names of the casts begin that round.
_ROUNDING = "round to bfloat16"


def _ends(model: onnx.ModelProto) -> tuple[list[onnx.ValueInfoProto], list[onnx.ValueInfoProto]]:
    constant = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in constant], list(model.graph.output)


def _rounded(node: NodeProto, types: Mapping[str, int], fresh: Fresh) -> Iterator[NodeProto]:
    """A node, and behind it what rounds those of its outputs that are bfloat16."""
    after = []
    for index, name in enumerate(node.output):
        if name and types.get(name, 0) == TensorProto.UNDEFINED:
            raise ValueError(f"the type of {name!r} is not known")
        if name and types[name] == TensorProto.BFLOAT16:
            exact, half = fresh(name), fresh(name)
            node.output[index] = exact
            after.append(helper.make_node("Cast", [exact], [half], f"{_ROUNDING} {half}", to=TensorProto.BFLOAT16))
            after.append(helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT))
    yield node
    yield from after


def _between_casts(model: onnx.ModelProto, inputs: list[str], outputs: list[str], fresh: Fresh) -> None:
    """Gives inputs and outputs back the type that they had."""
    graph = model.graph
    wide = {name: fresh(name) for name in dict.fromkeys((*inputs, *outputs))}
    rename(list(all_graphs(graph)), wide)
    names = {inner: name for name, inner in wide.items()}
    for value in (*graph.input, *graph.output):
        if value.name in names:
            value.name, value.type.tensor_type.elem_type = names[value.name], TensorProto.BFLOAT16
    before = [helper.make_node("Cast", [name], [wide[name]], to=TensorProto.FLOAT) for name in inputs]
    after = [helper.make_node("Cast", [wide[name]], [name], to=TensorProto.BFLOAT16) for name in outputs if name not in inputs]
    nodes = [*before, *graph.node, *after]
    del graph.node[:]
    graph.node.extend(nodes)


@dataclass
class _Change:
    """Changes one element type into another, in place, but for what nodes say whose names begin with `kept`."""

    source: int
    target: int
    defaults: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    kept: str = ""

    def model(self, model: onnx.ModelProto) -> None:
        self.graph(model.graph)
        for function in model.functions:
            self.types(value.type for value in function.value_info)
            self.nodes(function.node)

    def graph(self, graph: GraphProto) -> None:
        for tensor in graph.initializer:
            self.tensor(tensor)
        for sparse in graph.sparse_initializer:
            self.tensor(sparse.values)
        self.types(value.type for value in (*graph.input, *graph.output, *graph.value_info))
        self.nodes(graph.node)

    def nodes(self, nodes: Iterable[NodeProto]) -> None:
        for node in nodes:
            for entry in node.attribute:
                self.attribute(entry, node)
            if node.op_type in self.defaults:
                name, value = self.defaults[node.op_type]
                if attribute(node, name, None) is None:
                    set_attributes(node, **{name: value})
            for graph in subgraphs(node):
                self.graph(graph)

    def attribute(self, entry: AttributeProto, node: NodeProto) -> None:
        names_type = entry.type == AttributeProto.INT and entry.name in _TYPES
        if names_type and entry.i == self.source and not (self.kept and node.name.startswith(self.kept)):
            entry.i = self.target
        elif entry.type == AttributeProto.TENSOR:
            self.tensor(entry.t)
        elif entry.type == AttributeProto.TENSORS:
            for tensor in entry.tensors:
                self.tensor(tensor)
        elif entry.type == AttributeProto.TYPE_PROTO:
            self.types([entry.tp])
        elif self.source == TensorProto.FLOAT and node.op_type == "Constant" and entry.name in ("value_float", "value_floats"):
            value = np.array(entry.f if entry.name == "value_float" else list(entry.floats), helper.tensor_dtype_to_np_dtype(self.target))
            entry.CopyFrom(helper.make_attribute("value", numpy_helper.from_array(value)))

    def tensor(self, tensor: TensorProto) -> None:
        if tensor.data_type == self.source:
            values = numpy_helper.to_array(tensor).astype(helper.tensor_dtype_to_np_dtype(self.target))
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))

    def types(self, types: Iterable[TypeProto]) -> None:
        for kind in types:
            which = kind.WhichOneof("value")
            if which in ("tensor_type", "sparse_tensor_type"):
                tensor = getattr(kind, which)
                if tensor.elem_type == self.source:
                    tensor.elem_type = self.target
            elif which in ("sequence_type", "optional_type"):
                self.types([getattr(kind, which).elem_type])
