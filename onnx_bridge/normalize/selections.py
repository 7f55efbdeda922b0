"""What a mask chooses, told of the tensors of a model: where it is true, how often, and the rows that are taken there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeGuard

import onnx
from onnx import helper

from onnx_bridge.graphs import all_graphs, attribute, read_names


@dataclass(frozen=True)
class Selected:
    """A tensor with one row for each true element of a mask.

    Attributes:
        mask: the mask's name.
        dense: the name of the tensor with a row for every element of the mask: the mask's shape, then the row's.
        rank: of the rows; None for rows that were made one line of numbers.
    """

    mask: str
    dense: str
    rank: int | None


@dataclass(frozen=True)
class Places:
    """Where a mask is true: "columns" [rank, n], "rows" [n, rank], or "flat" [n]."""

    mask: str
    form: str


@dataclass(frozen=True)
class Sizes:
    """How many true elements a mask has, and the sizes behind it, by the names of the tensors that hold them; None: of a known row."""

    mask: str
    tail: tuple[str, ...] | None = ()


Value: TypeAlias = Selected | Places | Sizes

#: Weights of up to this many elements are shown to ONNX's inference: axes, sizes, scales.
_MOST = 1024

#: An element type, as ONNX numbers them, and a shape: numbers, names, or None for what is not known.
Type: TypeAlias = tuple[int, tuple[int | str | None, ...]]


def known_types(model: onnx.ModelProto) -> dict[str, Type]:
    """Element types and shapes, as far as ONNX infers them; of the names of sizes those that the inputs have."""
    names = {d.dim_param for value in model.graph.input for d in value.type.tensor_type.shape.dim if d.dim_param}
    known: dict[str, Type] = {}
    weights: dict[str, onnx.TensorProto] = {}
    for graph in all_graphs(model.graph):
        weights.update({t.name: t for t in graph.initializer})
        known.update({t.name: (t.data_type, tuple(t.dims)) for t in graph.initializer})
        for value in _inferred(model, graph, known, weights):
            tensor = value.type.tensor_type
            if tensor.HasField("shape"):
                known[value.name] = tensor.elem_type, tuple(_size(dim, names) for dim in tensor.shape.dim)
    return known


def _size(dim: onnx.TensorShapeProto.Dimension, names: set[str]) -> int | str | None:
    if dim.HasField("dim_value"):
        return int(dim.dim_value)
    return str(dim.dim_param) if dim.dim_param in names else None


def _inferred(
    model: onnx.ModelProto, graph: onnx.GraphProto, known: Mapping[str, Type], weights: Mapping[str, onnx.TensorProto]
) -> Sequence[onnx.ValueInfoProto]:
    """Declarations of a graph's tensors, as if it stood alone: ONNX keeps none of an inner graph's.

    Of large weights only the type is shown: the model is serialised for it, which takes time, and fails beyond 2 GiB.
    """
    own = {value.name for value in graph.input} | {name for node in graph.node for name in node.output}
    read = dict.fromkeys(name for node in graph.node for name in read_names(node) if name not in own and name in known)
    small = {name: weights[name] for name in read if name in weights and math.prod(weights[name].dims) <= _MOST}
    others = [helper.make_tensor_value_info(name, *known[name]) for name in read if name not in small]
    alone = helper.make_graph(graph.node, "alone", [*graph.input, *others], graph.output, list(small.values()), value_info=graph.value_info)
    alone_model = helper.make_model(alone, opset_imports=model.opset_import, ir_version=max(4, model.ir_version))
    try:
        inferred = onnx.shape_inference.infer_shapes(alone_model, data_prop=True).graph
    except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError, ValueError):
        return []  # a domain or an operator that onnx does not know: the lowering says so
    return [*inferred.value_info, *inferred.input, *inferred.output]


def is_places(value: Value | None, *forms: str) -> TypeGuard[Places]:
    """Whether a value is places in one of these forms."""
    return isinstance(value, Places) and value.form in forms


def gives_count(node: onnx.NodeProto, value: Places | Selected) -> bool:
    """Whether a Shape with bounds gives the leading size alone."""
    return (attribute(node, "start", 0), attribute(node, "end", None)) == (0, 1) and not is_places(value, "columns")
