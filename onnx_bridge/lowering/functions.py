"""Operators that ONNX defines by a function of others, taken apart where no file here has them, or has their form."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import onnx
import onnx.inliner
import onnx.shape_inference

import onnx_bridge.operators  # noqa: F401  (fills the registry)
from onnx_bridge.errors import Finding
from onnx_bridge.graphs import all_graphs, all_nodes
from onnx_bridge.ir.roperator import REGISTRY
from onnx_bridge.lowering.schemas import MOST_SHOWN, schema_of

#: An operator by its domain and name.
Name = tuple[str, str]

#: How deep functions stand in functions: SoftmaxCrossEntropyLoss calls NegativeLogLikelihoodLoss, and no other goes deeper than that.
_DEPTH = 8

#: The domain of the functions while they are inlined.
_DOMAIN = "onnx_bridge.taken_apart"


def take_apart(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the functions of all operators that no file here has in their place; the same model if there are none."""
    for _ in range(_DEPTH):
        apart = in_place(model, {name for name in _functions(model) if name not in REGISTRY})
        if apart is None:
            break
        model = apart
    return model


def refused(model: onnx.ModelProto, findings: Iterable[Finding]) -> set[Name]:
    """The operators of which a sound form is refused and that ONNX defines by a function."""
    titles = {finding.op for finding in findings if finding.form}
    return {(domain, op_type) for domain, op_type in _functions(model) if (f"{domain}.{op_type}" if domain else op_type) in titles}


def in_place(model: onnx.ModelProto, names: Collection[Name]) -> onnx.ModelProto | None:
    """A model with the functions of some operators in their place; None where nothing can be taken apart.

    Which function it is may hang on the types of a node's inputs and on its attributes, so each node has one of its own.
    """
    if not names:
        return None
    apart = onnx.ModelProto()
    apart.CopyFrom(model)
    types, versions = _types(model), {entry.domain: entry.version for entry in model.opset_import}
    for index, node in enumerate([node for node in all_nodes(apart.graph) if (node.domain, node.op_type) in names]):
        function = _function_of(node, versions[node.domain], types)
        if function is None:
            continue
        function.domain, function.name = _DOMAIN, f"f{index}"
        for entry in function.opset_import:
            entry.version = versions.setdefault(entry.domain, entry.version)
        node.domain, node.op_type = function.domain, function.name
        apart.functions.append(function)
    functions = [(function.domain, function.name) for function in apart.functions if function.domain == _DOMAIN]
    if not functions:
        return None
    del apart.opset_import[:]
    apart.opset_import.extend(onnx.helper.make_opsetid(domain, version) for domain, version in {**versions, _DOMAIN: 1}.items())
    try:
        return onnx.inliner.inline_selected_functions(apart, functions)
    except RuntimeError:  # a node that contradicts ONNX, of too many inputs: the walk says which, and why
        return None


def _functions(model: onnx.ModelProto) -> set[Name]:
    """The operators of a model that ONNX defines by a function."""
    versions = {entry.domain: entry.version for entry in model.opset_import}
    used = {(node.domain, node.op_type) for node in all_nodes(model.graph)}
    return {name for name in used if _has_function(name, versions.get(name[0], 0))}


def _has_function(name: Name, opset: int) -> bool:
    domain, op_type = name
    schema: Any = schema_of(op_type, domain, opset) if opset else None
    return schema is not None and bool(schema.has_function or schema.has_context_dependent_function)


def _function_of(node: onnx.NodeProto, opset: int, types: Mapping[str, onnx.TypeProto]) -> onnx.FunctionProto | None:
    """The function of a node, of the newest opset that its own may use; None where ONNX has none for these types and attributes.

    Defaults of attributes are written into the node: functions read them, and the inliner knows none.
    """
    schema: Any = schema_of(node.op_type, node.domain, opset)  # onnx's own types leave out what gives functions
    present = {attribute.name for attribute in node.attribute}
    defaults = [a.default_value for name, a in schema.attributes.items() if a.default_value.name and name not in present]
    plain = [version for version in schema.function_opset_versions if version <= opset]
    if plain:
        made = schema.get_function_with_opset_version(max(plain))
    else:
        context = [version for version in schema.context_dependent_function_opset_versions if version <= opset]
        given = [types.get(name, onnx.TypeProto()).SerializeToString() for name in node.input]
        try:
            made = schema.get_context_dependent_function_with_opset_version(max(context, default=opset), node.SerializeToString(), given)
        except (RuntimeError, ValueError):  # attributes that contradict ONNX: the walk says which
            return None
    function: onnx.FunctionProto = onnx.FunctionProto.FromString(made)
    node.attribute.extend(default for default in defaults if default.name in function.attribute)
    return function


def _types(model: onnx.ModelProto) -> dict[str, onnx.TypeProto]:
    """The types of all values of a model in normal form, as far as ONNX can tell them, who sees large weights without their values."""
    bare = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import, functions=model.functions)
    bare.graph.name = model.graph.name
    for field in ("node", "input", "output", "value_info"):
        getattr(bare.graph, field).extend(getattr(model.graph, field))
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) <= MOST_SHOWN:
            bare.graph.initializer.append(tensor)
        else:
            bare.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    types = {t.name: onnx.helper.make_tensor_type_proto(t.data_type, t.dims) for t in model.graph.initializer}
    try:
        inferred = onnx.shape_inference.infer_shapes(bare)
    except (onnx.shape_inference.InferenceError, ValueError):  # a node contradicts ONNX: the walk says which, and why
        return types
    for graph in all_graphs(inferred.graph):
        types |= {value.name: value.type for value in (*graph.input, *graph.value_info, *graph.output) if value.type.WhichOneof("value")}
    return types
