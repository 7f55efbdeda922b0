"""Pointwise operators: loops of one step each, which passes join with one another and with the kernels in front."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.kernel_operators.group import group_of
from onnx_bridge.library.steps import PointwiseOperator, step_of
from onnx_bridge.select.rule import Rule


class Loops(Rule[PointwiseOperator]):
    """f(x, ...), f any pointwise operator: Group(x, ...) of the step f."""

    name = "loops"
    of = (PointwiseOperator,)

    def rewrite(self, op: PointwiseOperator) -> Sequence[ROperator]:
        return [group_of(op, [step_of(op)])]
