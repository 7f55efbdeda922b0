"""Parting a graph at an If whose branches differ in rank, where sizes choose the branch: it is lowered once for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import onnx

from onnx_bridge.errors import Finding
from onnx_bridge.ir import dtypes
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.known import of_sizes
from onnx_bridge.lowering.body import Body, Walk
from onnx_bridge.operators.if_ import If

#: How many such Ifs a graph is parted at: each may double it.
MOST_PARTS = 4


def part(walk: Walk, graph: onnx.GraphProto, rmodel: RModel) -> None:
    """Lowers a graph into an If of two: with one branch of the If that the walk is at, and with the other.

    Where the graph contradicts itself with one of them, it is only meant for sizes that choose the other.
    """
    node, decided = walk.node, walk.decided
    if len(walk.settled) == MOST_PARTS:
        walk.findings.append(Finding(node, "If", f"more than {MOST_PARTS} branches differ in rank, and sizes choose them"))
        raise ShapeError("its body cannot be converted")
    found, unknown = len(walk.findings), set(walk.unknown)
    branches: dict[bool, RModel] = {}
    for holds in (True, False):
        walk.settled[decided] = holds
        before = len(walk.findings)
        # The tensors of the other branch have the same names: each has a dictionary of its own.
        own = replace(rmodel, tensors=dict(rmodel.tensors))
        try:
            branches[holds] = Body(walk, graph, own).branch()
        except ShapeError as error:
            if len(walk.findings) == before:
                walk.findings.append(Finding(node, "If", str(error)))
        walk.unknown.intersection_update(unknown)
    del walk.settled[decided]
    wrong = walk.findings[found:]
    if not branches or not all(finding in walk.contradictions for finding in wrong):
        raise ShapeError("its body cannot be converted")
    del walk.findings[found:]
    _join(node, decided, branches, max(walk.opsets.values()), graph, rmodel)
    for finding in wrong[:1]:
        (holds,) = branches
        rmodel.constraints.append((int(holds), decided))
        walk.needed[int(holds), decided] = (finding.node, finding.op)


def _join(node: str, decided: Size, branches: Mapping[bool, RModel], opset: int, graph: onnx.GraphProto, rmodel: RModel) -> None:
    """Makes an If of one or two bodies all of a graph."""
    whole = If(name=node, opset=opset)
    whole.whole = True
    value = of_sizes([decided if len(branches) == 2 else 1], dtypes.bool_).reshape(())
    whole.inputs = [rmodel.new_tensor(f"{node} decided", Type(dtypes.bool_, ()), value=value)]
    whole.then_branch, whole.else_branch = branches.get(True, branches.get(False)), branches[False] if len(branches) == 2 else None
    names = [value.name for value in graph.output]
    types = whole.common() if len(branches) == 2 else [tensor.type for tensor in whole.then_branch.outputs]
    whole.outputs = [
        None if name in rmodel.tensors else rmodel.add_tensor(Tensor(name, type_)) for name, type_ in zip(names, types, strict=True)
    ]
    rmodel.operators.append(whole)
    rmodel.add_output_tensor_name_list(names)
