"""What operators say of inputs that are places of others' elements."""

from __future__ import annotations

from collections.abc import Callable

from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.verify.traces import Trace, Walk


def _unpooled(walk: Walk, op: ROperator, known: list[set[Trace]]) -> set[Trace]:
    """MaxUnpool: places in all of the output."""
    walk.counted(known[0])
    walk.index(known[1], op.y.count)
    return set()


def _tensor_scatter(walk: Walk, op: ROperator, known: list[set[Trace]]) -> set[Trace]:
    """TensorScatter: where the update begins, so that all of it lies in the cache."""
    axis = getattr(op, "axis", -2)
    for traces in known[2:]:
        walk.index(traces, op.x.shape[axis] - op.input(1).shape[axis] + 1)
    return known[0] | known[1]


def _regions(walk: Walk, op: ROperator, known: list[set[Trace]]) -> set[Trace]:
    """RoiAlign: the image of each region."""
    for traces in known[:2]:
        walk.counted(traces)
    walk.index(known[2], op.x.shape[0])
    return set()


PLACES: dict[str, Callable[[Walk, ROperator, list[set[Trace]]], set[Trace]]] = {
    "MaxUnpool": _unpooled, "TensorScatter": _tensor_scatter, "RoiAlign": _regions,
}  # fmt: skip
