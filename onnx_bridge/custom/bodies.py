"""The bodies of custom operators in a model: put beside its nodes so that any runtime can run it, or in their place."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
import onnx.inliner

from onnx_bridge.custom.declare import CustomOp, known
from onnx_bridge.graphs import all_nodes, imports_domain, opset


def complete(model: onnx.ModelProto) -> None:
    """Adds to a model, in place, the bodies and opset imports of the declared operators that it uses."""
    present = {(function.domain, function.name) for function in model.functions}
    for op in sorted(used(model), key=lambda op: (op.domain, op.name)):
        if (op.domain, op.name) not in present:
            function = model.functions.add()
            function.CopyFrom(op.body)
            _align(function, model)
        imports_domain(model, op.domain, op.version)
    if model.functions:
        model.ir_version = max(model.ir_version, 8)  # the first that has functions


def expand(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the bodies of operators that have no functor in their place; the same model if there are none."""
    without = [(op.domain, op.name) for op in used(model) if op.functor is None]
    if not without:
        return model
    completed = onnx.ModelProto()
    completed.CopyFrom(model)
    complete(completed)
    return inline(completed, without)


def inline(model: onnx.ModelProto, functions: Sequence[tuple[str, str]]) -> onnx.ModelProto:
    """The model with calls of some of its functions, by domain and name, replaced by their bodies.

    onnx's inliner forgets the defaults of attributes: they are written into the calls first.
    """
    defaults = {(f.domain, f.name): f.attribute_proto for f in model.functions}
    for node in (*all_nodes(model.graph), *(node for f in model.functions for node in f.node)):
        present = {attribute.name for attribute in node.attribute}
        missing = [a for a in defaults.get((node.domain, node.op_type), ()) if a.name not in present]
        node.attribute.extend(missing)
    return onnx.inliner.inline_selected_functions(model, list(functions))


def used(model: onnx.ModelProto) -> set[CustomOp]:
    """The declared operators that a model uses."""
    declared = known()
    domains = {domain for domain, _ in declared}
    nodes = (node for node in all_nodes(model.graph) if node.domain in domains)
    return {declared[node.domain, node.op_type] for node in nodes if (node.domain, node.op_type) in declared}


def _align(function: onnx.FunctionProto, model: onnx.ModelProto) -> None:
    """Gives a body the model's own opsets: a model has one version of each domain. Bodies use what has not changed since their opset.

    CastLike came with opset 15. In older models numbers stay floats, which is what they meet there: whoever has a body in double
    has a newer exporter.
    """
    versions = {entry.domain: entry.version for entry in model.opset_import}
    for entry in function.opset_import:
        entry.version = versions.get(entry.domain, entry.version)
        imports_domain(model, entry.domain, entry.version)
    if opset(model) < 15:
        for node in function.node:
            if node.op_type == "CastLike":
                node.op_type = "Identity"
                del node.input[1:]
