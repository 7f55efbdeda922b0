"""What is put right in the ONNX model that jax2onnx gives: names, declared shapes, opset imports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import onnx

from onnx_bridge.errors import ORIGIN
from onnx_bridge.frontends.halves import with_one_type
from onnx_bridge.graphs import (
    Fresh,
    add_constant,
    all_graphs,
    all_nodes,
    attribute,
    drop_unread,
    imports_domain,
    is_onnx,
    names_in,
    note,
    rename,
    replace_inputs,
    replace_outputs,
    rewrite_nodes,
)


def finish(
    model: onnx.ModelProto, inputs: Sequence[str], outputs: Sequence[str], wanted: Sequence[Any], made: Sequence[Any],
    versions: Mapping[str, int], note: Callable[[str], None],
) -> None:  # fmt: skip
    """Names inputs and outputs, declares their shapes, imports every domain, and divides by norms as JAX does.

    Args:
        model: as jax2onnx gave it, with inputs in_0, in_1...
        inputs: names by position.
        outputs: names by position.
        wanted: inputs with their shapes and types, sizes as numbers or names.
        made: outputs as JAX gives them, abstract; sizes as numbers, or whatever JAX has for dynamic ones.
        versions: of custom domains.
        note: told what was put right that changes numbers.

    Raises:
        ValueError: the model has not as many outputs as the function.
    """
    graph = model.graph
    if len(graph.output) != len(outputs):
        raise ValueError(f"the exported model has {len(graph.output)} outputs, the function {len(outputs)}")
    if count := with_one_type(model):
        note(f"{count} weights of layers in halves came out as float32, and are rounded")
    drop_unread(graph)  # jax2onnx keeps what is not read where it says where nodes come from
    _write_origins(graph)
    _separate_outputs(graph)
    given = [f"in_{index}" for index in range(len(inputs))]
    _named(graph, {**dict(zip(given, inputs, strict=True)), **{o.name: n for o, n in zip(graph.output, outputs, strict=True)}})
    symbols = {size for value in wanted for size in value.shape if isinstance(size, str)}
    declared = [_declared(name, value.dtype, value.shape, symbols) for name, value in zip(inputs, wanted, strict=True)]
    declared_outputs = [_declared(name, value.dtype, value.shape, symbols) for name, value in zip(outputs, made, strict=True)]
    replace_inputs(graph, declared)  # those that nothing uses too: jax2onnx leaves them out
    replace_outputs(graph, declared_outputs)
    for inner in all_graphs(graph):
        del inner.value_info[:]  # with sizes that jax2onnx made up for itself
        if inner is not graph:
            _forget_sizes(inner)
        divide_by_norms(inner, note)
    _import_domains(model, versions)


#: jax2onnx writes where nodes come from, if this variable of the process says so.
SAYS_ORIGINS = {"JAX2ONNX_ENABLE_STACKTRACE_METADATA": "1"}
_CALLSITE = "pkg.jax2onnx.callsite"


def _write_origins(graph: onnx.GraphProto) -> None:
    """Says of each node where it comes from, as messages have it: `Net.__call__:10` is a line of a function."""
    for node in all_nodes(graph):
        site = next((entry.value for entry in node.metadata_props if entry.key == _CALLSITE), "")
        del node.metadata_props[:]
        function, _, line = site.rpartition(":")
        if function and line.isdecimal():
            note(node, ORIGIN, f"line {line}, in {function}")


def _separate_outputs(graph: onnx.GraphProto) -> None:
    """Gives each output a node of its own: one value may be two outputs, or an input or a weight as well."""
    taken = {value.name for value in graph.input} | {value.name for value in graph.initializer}
    fresh = Fresh(names_in(all_graphs(graph)))
    for index, output in enumerate(graph.output):
        if output.name in taken:
            name = fresh(f"{output.name}_as_output_{index}")
            graph.node.append(onnx.helper.make_node("Identity", [output.name], [name]))
            output.name = name
        taken.add(output.name)


def _named(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Renames values; what has one of the new names already makes room."""
    whole = list(all_graphs(graph))
    used = names_in(whole)
    fresh = Fresh({*used, *names.values()})
    rename(whole, {**{name: fresh(name) for name in names.values() if name in used and name not in names}, **names})


def _declared(name: str, dtype: Any, shape: Sequence[Any], symbols: set[str]) -> onnx.ValueInfoProto:
    """A declaration; sizes that are neither numbers nor the model's own symbols are left open."""
    sizes = [size if isinstance(size, int) else str(size) if str(size) in symbols else None for size in shape]
    return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(dtype), sizes)


def _forget_sizes(graph: onnx.GraphProto) -> None:
    """Leaves open the sizes of a body's values that have names: they are jax2onnx's, not the model's."""
    for value in (*graph.input, *graph.output):
        for dim in value.type.tensor_type.shape.dim:
            if dim.HasField("dim_param"):
                dim.ClearField("dim_param")


def divide_by_norms(graph: onnx.GraphProto, note: Callable[[str], None]) -> None:
    """Writes x / norm(x) as it stands: jax2onnx makes a LpNormalization of it, which is 0 for a norm of 0, where JAX has NaN."""
    if not any(is_onnx(node, "LpNormalization") for node in graph.node):
        return
    fresh = Fresh(names_in([graph]))

    def divided(node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        if not is_onnx(node, "LpNormalization"):
            yield node
            return
        (x,), (y,) = node.input, node.output
        size, axes, total, norm = (fresh(f"{y}_{part}") for part in ("size", "axes", "sum", "norm"))
        add_constant(graph, [attribute(node, "axis", -1)], axes)
        squared = attribute(node, "p", 2) == 2
        yield onnx.helper.make_node("Mul" if squared else "Abs", [x, x] if squared else [x], [size])
        yield onnx.helper.make_node("ReduceSum", [size, axes], [total], keepdims=1)
        if squared:
            yield onnx.helper.make_node("Sqrt", [total], [norm])
        yield onnx.helper.make_node("Div", [x, norm if squared else total], [y])
        note("x / norm(x), of which jax2onnx makes LpNormalization (0 for a norm of 0), was written as JAX computes it")

    rewrite_nodes(graph, divided)


def _import_domains(model: onnx.ModelProto, versions: Mapping[str, int]) -> None:
    """Imports the domains of all nodes: jax2onnx forgets those that are not ONNX's, or takes their version for 1."""
    for entry in model.opset_import:
        entry.version = versions.get(entry.domain, entry.version)
    for domain in sorted({node.domain for node in all_nodes(model.graph)} - {"ai.onnx"}):
        imports_domain(model, domain, versions.get(domain, 1))
