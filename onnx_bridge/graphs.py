"""ONNX graphs: walking over them, and changing them in place. The one place that knows how protobuf wants a graph to be changed.

It is protobuf, not `onnx_ir`: exporters hand protobuf over and onnxruntime takes it, so that each repair would copy all weights twice, and
a file that nobody vouches for must be looked at as it is, with what is wrong in it. Importing onnx_ir takes twice the time of importing
onnx (0.26 s beside 0.12 s), and it needs a newer ml_dtypes than TensorFlow 2.15 takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np
import onnx

#: How the domain of ONNX's own operators is spelt.
ONNX = ("", "ai.onnx")

#: Operators that draw random numbers (Dropout in training): their results are not functions of their inputs.
DRAWING = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial", "Dropout"}
)  # fmt: skip


# ---- walking


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The graphs in a node's attributes."""
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g
        elif attribute.type == onnx.AttributeProto.GRAPHS:
            yield from attribute.graphs


def all_graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """A graph and every graph inside it, outer ones first."""
    yield graph
    for node in graph.node:
        for inner in subgraphs(node):
            yield from all_graphs(inner)


def all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Every node of a graph and of the graphs inside it."""
    return (node for inner in all_graphs(graph) for node in inner.node)


def read_names(node: onnx.NodeProto) -> Iterator[str]:
    """The names that a node reads, those that its graphs capture included."""
    yield from (name for name in node.input if name)
    for graph in subgraphs(node):
        own = {value.name for value in graph.input} | {t.name for t in graph.initializer}
        own |= {name for inner in graph.node for name in inner.output}
        for inner in graph.node:
            yield from (name for name in read_names(inner) if name not in own)
        yield from (value.name for value in graph.output if value.name not in own)


def names_in(graphs: Iterable[onnx.GraphProto]) -> set[str]:
    """The names of all tensors that some graphs make, hold, read or give."""
    found: set[str] = set()
    for graph in graphs:
        found.update(name for node in graph.node for name in (*node.input, *node.output))
        found.update(value.name for value in (*graph.input, *graph.output, *graph.initializer))
    return found - {""}


class Fresh:
    """Hands out names that nothing has: the one that is asked for, or one with a number behind it.

    Args:
        taken: the names that there are; `names_in` some graphs.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = set(taken)

    def __call__(self, wanted: str) -> str:
        name, count = wanted, 1
        while name in self.taken:
            count += 1
            name = f"{wanted}_{count}"
        self.taken.add(name)
        return name


# ---- what stands in nodes and models


def is_onnx(node: onnx.NodeProto, *op_types: str) -> bool:
    """Whether a node is of ONNX's own domain, and of one of these operators if any are named."""
    return node.domain in ONNX and (not op_types or node.op_type in op_types)


def draws(node: onnx.NodeProto, model: onnx.ModelProto) -> bool:
    """Whether a node draws random numbers: a Dropout where it trains, as far as constants tell."""
    if not is_onnx(node, "Dropout"):
        return is_onnx(node, *DRAWING)
    if opset(model) < 12 or len(node.input) < 3 or not node.input[2]:
        return False
    named = {tensor.name: tensor for tensor in model.graph.initializer}
    constants = (other for other in model.graph.node if is_onnx(other, "Constant") and other.output)
    named |= {other.output[0]: entry.t for other in constants for entry in other.attribute}
    mode = named.get(node.input[2])
    return mode is None or bool(onnx.numpy_helper.to_array(mode).any())


def attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    """An attribute of a node by its name, in Python's types (text as bytes); `default` where it is not written."""
    return next((onnx.helper.get_attribute_value(entry) for entry in node.attribute if entry.name == name), default)


def set_attributes(node: onnx.NodeProto, **values: Any) -> None:
    """Writes attributes, in the place of those of these names; None takes one away."""
    kept = [entry for entry in node.attribute if entry.name not in values]
    made = [onnx.helper.make_attribute(name, value) for name, value in values.items() if value is not None]
    del node.attribute[:]
    node.attribute.extend([*kept, *made])


def opset(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators; 1 where a model, an old one, does not say it."""
    return max((entry.version for entry in model.opset_import if entry.domain in ONNX), default=1)


def imports_domain(model: onnx.ModelProto, domain: str, version: int) -> None:
    """Adds an import of a domain that a model does not import yet."""
    spelt = ONNX if domain in ONNX else (domain,)
    if not any(entry.domain in spelt for entry in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid(domain, version))


def unknown_operators(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Nodes of ONNX's own domain whose operators ONNX has not, or has not yet at the model's opset."""
    version = opset(model)
    for node in all_nodes(model.graph):
        if is_onnx(node) and not onnx.defs.has(node.op_type, max_inclusive_version=version, domain=""):
            yield node


def note(node: onnx.NodeProto, key: str, text: str) -> None:
    """Writes an entry into the metadata of a node, unless there is one of that key."""
    if all(entry.key != key for entry in node.metadata_props):
        node.metadata_props.add(key=key, value=text)


# ---- large models


def without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of all that a model is but the initializers of its graph, which are never copied on the way."""
    bare = onnx.ModelProto()
    bare.graph.SetInParent()
    _copy_fields(model, bare, "graph")
    _copy_fields(model.graph, bare.graph, "initializer")
    return bare


def write_model(model: onnx.ModelProto, file: IO[Any], change: Callable[[onnx.TensorProto], onnx.TensorProto] = lambda t: t) -> None:
    """Writes a model, its initializers one after the other: what is in memory twice is never more than one of them.

    A message's field that is written in pieces is read as the pieces put together: protobuf has it so.

    Args:
        model: the model.
        file: where it is written to.
        change: what is written in the place of an initializer.
    """
    file.write(without_weights(model).SerializeToString())
    for tensor in model.graph.initializer:
        data = change(tensor).SerializeToString()
        head = _field(onnx.GraphProto.INITIALIZER_FIELD_NUMBER, len(data))
        file.write(_field(onnx.ModelProto.GRAPH_FIELD_NUMBER, len(head) + len(data)) + head)
        file.write(data)


def _field(number: int, length: int) -> bytes:
    """What protobuf writes in front of a message of so many bytes."""
    out = bytearray([number << 3 | 2])
    while length >= 128:
        out.append(length & 127 | 128)
        length >>= 7
    return bytes([*out, length])


def _copy_fields(source: Any, target: Any, but: str) -> None:
    for field, value in source.ListFields():
        if field.name == but:
            continue
        if hasattr(value, "MergeFrom"):  # a message, or several
            getattr(target, field.name).MergeFrom(value)
        else:
            setattr(target, field.name, value)


# ---- changing


def replace_nodes(graph: onnx.GraphProto, nodes: Iterable[onnx.NodeProto]) -> None:
    """Gives a graph these nodes, of which some may be its own."""
    _replace(graph.node, nodes)


def replace_initializers(graph: onnx.GraphProto, tensors: Iterable[onnx.TensorProto]) -> None:
    """Gives a graph these initializers, of which some may be its own."""
    _replace(graph.initializer, tensors)


def replace_inputs(graph: onnx.GraphProto, values: Iterable[onnx.ValueInfoProto]) -> None:
    """Gives a graph these inputs, of which some may be its own."""
    _replace(graph.input, values)


def replace_outputs(graph: onnx.GraphProto, values: Iterable[onnx.ValueInfoProto]) -> None:
    """Gives a graph these outputs, of which some may be its own."""
    _replace(graph.output, values)


def _replace(field: Any, messages: Iterable[Any]) -> None:
    kept = list(messages)  # they live on without the field, which copies what it is given
    del field[:]
    field.extend(kept)


def rewrite_nodes(graph: onnx.GraphProto, rule: Callable[[onnx.NodeProto], Iterable[onnx.NodeProto]]) -> None:
    """Gives a graph what a rule makes of each node, in their order; a rule that leaves a node alone gives it back."""
    replace_nodes(graph, [made for node in list(graph.node) for made in rule(node)])


def rename(graphs: Sequence[onnx.GraphProto], names: Mapping[str, str] | Callable[[str], str]) -> None:
    """Gives tensors other names wherever they stand in some graphs.

    Args:
        graphs: all of a model's, or some.
        names: new names by old ones, those left out stay; or a function of the old name.
    """
    new = names if callable(names) else lambda name: names.get(name, name)
    for graph in graphs:
        for node in graph.node:
            node.input[:], node.output[:] = map(new, node.input), map(new, node.output)
        for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
            value.name = new(value.name)


def add_constant(graph: onnx.GraphProto, values: Any, name: str, dtype: Any = np.int64) -> str:
    """Adds an initializer; returns its name."""
    graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(values, dtype), name))
    return name


def drop_unread(graph: onnx.GraphProto) -> int:
    """Takes away nodes and initializers that no output of their graph depends on, inside graphs of nodes too; how many nodes."""
    dropped = 0
    needed = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if any(name in needed for name in node.output):
            dropped += sum(map(drop_unread, subgraphs(node)))
            kept.append(node)
            needed.update(read_names(node))
    if len(kept) < len(graph.node):
        dropped += len(graph.node) - len(kept)
        replace_nodes(graph, reversed(kept))
    weights = [tensor for tensor in graph.initializer if tensor.name in needed]
    if len(weights) < len(graph.initializer):
        replace_initializers(graph, weights)
    return dropped
