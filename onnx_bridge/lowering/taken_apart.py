"""Which nodes have to do with sequences and optionals, and what lowers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import onnx

from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.lowering.loops import LoopLowering, carries
from onnx_bridge.lowering.optionals import OptionalLowering
from onnx_bridge.lowering.parts import OptionalValue, SequenceValue
from onnx_bridge.lowering.sequences import SequenceLowering


class TakenApart(LoopLowering, SequenceLowering, OptionalLowering):
    """The operators of both, and loops that carry them."""


#: By operator of ONNX.
LOWERINGS: Mapping[str, Callable[[TakenApart], None]] = {
    "SequenceConstruct": TakenApart.construct,
    "SequenceEmpty": TakenApart.empty,
    "SequenceLength": TakenApart.length,
    "SequenceAt": TakenApart.at,
    "SequenceInsert": TakenApart.insert,
    "SequenceErase": TakenApart.erase,
    "SplitToSequence": TakenApart.split,
    "ConcatFromSequence": TakenApart.concat,
    "Optional": TakenApart.optional,
    "OptionalHasElement": TakenApart.has_element,
    "OptionalGetElement": TakenApart.get_element,
}


def lowering_of(node: onnx.NodeProto, rmodel: RModel) -> Callable[[TakenApart], None] | None:
    """What lowers a node that has to do with sequences or optionals; None for all others."""
    if node.domain not in ("", "ai.onnx"):
        return None
    if node.op_type == "Identity" and isinstance(rmodel.tensors.get(node.input[0]), (SequenceValue, OptionalValue)):
        return TakenApart.identity
    if carries(node, rmodel):
        return TakenApart.loop
    return LOWERINGS.get(node.op_type)
