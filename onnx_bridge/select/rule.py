"""What a rule of the selection is: a pattern, a check that says why it declines, and what is put in the place of what it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.passes.base import Pass


class Rule(Pass):
    """Operators of ONNX become those of kernels, one after the other in the order of the model.

    The docstring of a rule is what it does as a formula: `Conv(x, w, b): Convolution(x)`.
    """

    takes = Dialect.ONNX
    gives = Dialect.KERNEL
    optional = False

    #: The operators that the rule is about.
    of: ClassVar[tuple[type[ROperator], ...]] = ()

    def call(self, model: RModel) -> bool:
        self.model, self.consumers, self.producers = model, model.consumers(), model.producers()
        operators: list[ROperator] = []
        for op in model.operators:
            if not self.pattern(op):
                operators.append(op)
            elif why := self.check(op):
                self.decline(op.title(), why)
                operators.append(op)
            else:
                operators += self.rewrite(op)
        changed = operators != model.operators
        model.operators = operators
        return changed

    def pattern(self, op: ROperator) -> bool:
        """Whether the rule is about an operator, and what stands around it."""
        return isinstance(op, self.of)

    def check(self, op: ROperator) -> str:
        """Why the rule declines an operator of its pattern; nothing if it takes it."""
        return ""

    def rewrite(self, op: ROperator) -> Sequence[ROperator]:
        """What stands in the place of an operator that is taken."""
        raise NotImplementedError(type(self).__name__)

    def alone(self, tensor: Tensor, reader: ROperator) -> bool:
        """Whether nobody but `reader` reads a tensor."""
        return self.consumers.get(tensor) == [reader] and tensor not in self.model.outputs
