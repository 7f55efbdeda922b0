"""Parting a graph at an If whose branches differ in rank: what follows is lowered once for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import onnx

from onnx_bridge.errors import Finding
from onnx_bridge.graphs import all_graphs, subgraphs
from onnx_bridge.ir import dtypes
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.tensor import RanksDiffer, ShapeError, Tensor, Type
from onnx_bridge.library.known import of_sizes
from onnx_bridge.lowering.body import Body, Walk
from onnx_bridge.operators.if_ import If

#: How many such Ifs a graph is parted at: each may double it.
MOST_PARTS = 4


def part(walk: Walk, graph: onnx.GraphProto, rmodel: RModel, differ: RanksDiffer, before: RModel) -> None:
    """Lowers a graph into an If of two: with one branch of the If that the walk is at, and with the other.

    Where sizes decide, all of the graph stands in both, and where it contradicts itself with one of them, it is only meant for sizes that
    choose the other. Where data decides, what comes before the If stays in front.

    Args:
        walk: at the If.
        graph: it stands in that one, or what does has outputs of several ranks.
        rmodel: holds what has been lowered.
        differ: why.
        before: `rmodel` as it was before anything of the graph was lowered.
    """
    node, decided = walk.node, differ.decided
    if len(walk.settled) == MOST_PARTS:
        walk.findings.append(Finding(node, "If", f"more than {MOST_PARTS} branches differ in rank"))
        raise ShapeError("its body cannot be converted")
    if decided is None:
        graph, condition = _rest(walk, graph, rmodel)
    else:
        rmodel.tensors.clear()
        rmodel.tensors.update(before.tensors)
        rmodel.operators[:] = before.operators
        walk.found.forget(rmodel.found.keys() - before.found)
        rmodel.found = before.found
        condition = None
    found, unknown = len(walk.findings), set(walk.unknown)
    branches: dict[bool, RModel] = {}
    key: Size | Tensor = decided if condition is None else condition  # type: ignore[assignment]
    for holds in (True, False):
        walk.settled[key] = holds
        before_it = len(walk.findings)
        # The tensors of the other branch have the same names: each has a dictionary of its own.
        own = replace(rmodel, tensors=dict(rmodel.tensors))
        try:
            branches[holds] = Body(walk, graph, own).branch()
        except ShapeError as error:
            if len(walk.findings) == before_it:
                walk.findings.append(Finding(node, "If", str(error)))
        walk.unknown.intersection_update(unknown)
    del walk.settled[key]
    wrong = walk.findings[found:]
    if not branches or not all(finding in walk.contradictions for finding in wrong) or (wrong and decided is None):
        raise ShapeError("its body cannot be converted")
    del walk.findings[found:]
    if condition is None:
        value = of_sizes([key if len(branches) == 2 else 1], dtypes.bool_).reshape(())  # type: ignore[list-item]
        condition = rmodel.new_tensor(f"{node} decided", Type(dtypes.bool_, ()), value=value)
    _join(walk, condition, branches, graph, rmodel)
    for finding in wrong[:1]:
        (holds,) = branches
        assert decided is not None
        rmodel.constraints.append((int(holds), decided))
        walk.needed[int(holds), decided] = (finding.node, finding.op)


def _rest(walk: Walk, graph: onnx.GraphProto, rmodel: RModel) -> tuple[onnx.GraphProto, Tensor]:
    """What of a graph is left from the If on that the walk is at, and its condition."""
    at = next(i for i, node in enumerate(graph.node) if node.op_type == "If" and walk.node in (node.name, *node.output))
    for inner in (each for branch in subgraphs(graph.node[at]) for each in all_graphs(branch)):  # lowered before, and will be again
        names = [*(value.name for value in (*inner.input, *inner.initializer)), *(name for node in inner.node for name in node.output)]
        for name in names:
            rmodel.tensors.pop(name, None)
    rest = onnx.GraphProto(name=graph.name)
    rest.node.extend(graph.node[at:])
    rest.output.extend(graph.output)
    return rest, rmodel.tensor(graph.node[at].input[0])


def _join(walk: Walk, condition: Tensor, branches: Mapping[bool, RModel], graph: onnx.GraphProto, rmodel: RModel) -> None:
    """Makes an If of one or two bodies what is left of a graph."""
    whole = If(name=walk.node, opset=max(walk.opsets.values()))
    whole.whole = True
    whole.finder = lambda what, most: walk.found.find(what, most, rmodel)
    whole.inputs = [condition]
    whole.then_branch, whole.else_branch = branches.get(True, branches.get(False)), branches[False] if len(branches) == 2 else None
    names = [value.name for value in graph.output]
    types = whole.common() if len(branches) == 2 else [tensor.type for tensor in whole.then_branch.outputs]
    whole.outputs = [
        None if name in rmodel.tensors else rmodel.add_tensor(Tensor(name, type_)) for name, type_ in zip(names, types, strict=True)
    ]
    whole.finder = None
    rmodel.operators.append(whole)
    rmodel.add_output_tensor_name_list(names)
