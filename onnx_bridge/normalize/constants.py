"""Constants become initializers, and what depends on nothing else is computed now, by onnxruntime."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np
import onnx
from onnx import numpy_helper

from onnx_bridge.errors import InvalidModel
from onnx_bridge.graphs import DRAWING, all_graphs, is_onnx, read_names, replace_inputs, replace_nodes, subgraphs, write_model
from onnx_bridge.references.refusal import Refusal
from onnx_bridge.references.sessions import Sessions

#: Folding must not blow a model up: results above this many bytes are left to run time, unless they are no larger than what they come from.
MOST_BYTES = 1 << 24

#: Operators that make what is no tensor.
_NO_TENSORS = {
    "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceMap", "SplitToSequence", "Optional", "ZipMap",
}  # fmt: skip

#: The attributes of Constant by name: of which kind each has to be, and the type of numbers.
_FORMS: dict[str, tuple[int, type[np.generic] | None]] = {
    "value": (onnx.AttributeProto.TENSOR, None),
    "sparse_value": (onnx.AttributeProto.SPARSE_TENSOR, None),
    "value_float": (onnx.AttributeProto.FLOAT, np.float32),
    "value_floats": (onnx.AttributeProto.FLOATS, np.float32),
    "value_int": (onnx.AttributeProto.INT, np.int64),
    "value_ints": (onnx.AttributeProto.INTS, np.int64),
    "value_string": (onnx.AttributeProto.STRING, None),
    "value_strings": (onnx.AttributeProto.STRINGS, None),
}


def constants_to_initializers(model: onnx.ModelProto) -> list[str]:
    """Constant nodes, and initializers that are also graph inputs, become plain initializers."""
    notes = []
    for graph in all_graphs(model.graph):
        initialized = {t.name for t in graph.initializer}
        inputs = [value for value in graph.input if value.name not in initialized]
        if len(inputs) != len(graph.input) and graph is model.graph:
            notes.append(f"{len(graph.input) - len(inputs)} initializers were graph inputs with default values: they are constants now")
            replace_inputs(graph, inputs)
        kept = []
        for node in graph.node:
            if is_onnx(node, "Constant"):
                tensor = _constant(node)
                if tensor is not None:
                    graph.initializer.append(tensor)
                    continue
            kept.append(node)
        replace_nodes(graph, kept)
        for sparse in graph.sparse_initializer:
            graph.initializer.append(_dense(sparse))
        del graph.sparse_initializer[:]
    return notes


def _constant(node: onnx.NodeProto) -> onnx.TensorProto | None:
    """The tensor of a Constant node in any of its forms; None for nodes that are none of them."""
    for attribute in node.attribute:
        kind, dtype = _FORMS.get(attribute.name, (None, None))
        if attribute.type != kind or not node.output:
            continue
        if dtype is not None:
            return numpy_helper.from_array(np.asarray(onnx.helper.get_attribute_value(attribute), dtype=dtype), node.output[0])
        if attribute.name.startswith("value_string"):
            several = kind == onnx.AttributeProto.STRINGS
            texts = list(attribute.strings) if several else [attribute.s]
            return onnx.TensorProto(
                name=node.output[0], data_type=onnx.TensorProto.STRING, dims=[len(texts)] if several else [], string_data=texts
            )
        if attribute.HasField("sparse_tensor"):
            tensor = _dense(attribute.sparse_tensor)
        elif attribute.HasField("t"):
            tensor = onnx.TensorProto()
            tensor.CopyFrom(attribute.t)
        else:
            continue
        tensor.name = node.output[0]
        return tensor
    return None


def _dense(sparse: onnx.SparseTensorProto) -> onnx.TensorProto:
    values, indices = numpy_helper.to_array(sparse.values), numpy_helper.to_array(sparse.indices)
    taken = math.prod(sparse.dims) * values.dtype.itemsize
    if min(sparse.dims, default=0) < 0 or taken > MOST_BYTES * 64:
        raise InvalidModel(f"sparse tensor {sparse.values.name!r} of the sizes {list(sparse.dims)} would take {taken} bytes")
    dense = np.zeros(tuple(sparse.dims), values.dtype)
    try:
        flat = indices if indices.ndim == 1 else np.ravel_multi_index(tuple(indices.T), dense.shape)
        dense.reshape(-1)[flat] = values
    except (ValueError, IndexError) as error:
        raise InvalidModel(f"sparse tensor {sparse.values.name!r} holds places that it has not: {error}") from None
    return numpy_helper.from_array(dense, sparse.values.name)


def fold_constants(model: onnx.ModelProto) -> list[str]:
    """Nodes of the main graph that depend on constants alone are computed by onnxruntime and become initializers."""
    graph = model.graph
    known = {t.name: t for t in graph.initializer}
    constant: set[str] = set(known)
    chosen: list[onnx.NodeProto] = []
    for node in graph.node:
        foldable = node.op_type not in DRAWING | _NO_TENSORS and not any(subgraphs(node)) and bool(node.output)
        if foldable and all(name in constant for name in node.input if name):
            chosen.append(node)
            constant.update(name for name in node.output if name)
    needed = {name for node in chosen for name in node.input}
    chosen = [node for node in chosen if not (_gives_bytes(node, known) and needed.isdisjoint(node.output))]
    if not chosen:
        return []
    results = _compute(model, chosen, known)
    source_bytes = sum(t.ByteSize() for t in known.values())
    folded = 0
    kept = []
    for node in graph.node:
        names = [name for name in node.output if name]
        arrays = [results.get(name) for name in names]
        if names and all(array is not None and array.nbytes <= max(MOST_BYTES, source_bytes) for array in arrays):
            graph.initializer.extend(
                numpy_helper.from_array(array, name) for array, name in zip(arrays, names, strict=True) if array is not None
            )
            folded += 1
        else:
            kept.append(node)
    replace_nodes(graph, kept)
    return [f"folded {folded} nodes that depend on constants alone"] if folded else []


def _gives_bytes(node: onnx.NodeProto, known: Mapping[str, onnx.TensorProto]) -> bool:
    """Whether a node tells what integers weights or a bias were quantised to: that is worth more than the numbers."""
    kinds = (onnx.TensorProto.INT8, onnx.TensorProto.UINT8, onnx.TensorProto.INT32)
    return node.op_type == "DequantizeLinear" and node.input[0] in known and known[node.input[0]].data_type in kinds


def _compute(model: onnx.ModelProto, nodes: list[onnx.NodeProto], known: dict[str, onnx.TensorProto]) -> dict[str, np.ndarray]:
    """What nodes over constants give; nodes that onnxruntime refuses are left out."""
    sessions = Sessions(deaths=8)
    results: dict[str, np.ndarray] = {}

    def run(batch: list[onnx.NodeProto]) -> None:
        outputs = [name for node in batch for name in node.output if name]
        used = {name for node in batch for name in read_names(node)}
        initializers: Iterable[onnx.TensorProto] = [t for name, t in known.items() if name in used]
        computed = [numpy_helper.from_array(results[name], name) for name in used if name in results]
        small = onnx.helper.make_graph(
            batch, "constants", [], [onnx.helper.make_empty_tensor_value_info(name) for name in outputs], [*initializers, *computed]
        )
        proto = onnx.helper.make_model(small, opset_imports=model.opset_import, ir_version=min(model.ir_version, 12))
        sessions.open("constants", partial(write_model, proto), optimised=True)
        results.update(zip(outputs, sessions.run("constants", {}), strict=True))

    try:
        run(nodes)
    except Refusal:  # one node that the oracle refuses must not keep the others from being folded
        for node in nodes:
            if any(name not in known and name not in results for name in node.input if name):
                continue
            try:
                run([node])
            except Refusal:
                continue
    finally:
        sessions.close()
    return {name: array for name, array in results.items() if array.dtype.kind in "fiubV"}  # V: those that numpy itself lacks
