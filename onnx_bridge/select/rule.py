"""What a rule of the selection is: a pattern, a check that says why it declines, and what is put in the place of what it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar, cast

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.passes.base import Pass

#: The operators of ONNX that a rule is about.
Op = TypeVar("Op", bound=ROperator)


class Rule(Pass, Generic[Op]):
    """Operators of ONNX become those of kernels, one after the other in the order of the model.

    The docstring of a rule is what it does as a formula: `Conv(x, w, b): Convolution(x)`.
    """

    takes = Dialect.ONNX
    gives = Dialect.KERNEL
    optional = False

    #: The operators that the rule is about.
    of: ClassVar[tuple[type[ROperator], ...]] = ()

    def call(self, model: RModel) -> bool:
        if not any(isinstance(op, self.of) for op in model.operators):
            return False
        self.model, self.consumers, self.producers = model, model.consumers(), model.producers()
        operators: list[ROperator] = []
        for op in model.operators:
            found = cast(Op, op)
            if not isinstance(op, self.of) or not self.pattern(found):
                operators.append(op)
            elif why := self.check(found):
                self.decline(op.title(), why)
                operators.append(op)
            else:
                operators += self.rewrite(found)
        changed = operators != model.operators
        model.operators = operators
        return changed

    def pattern(self, op: Op) -> bool:
        """Whether the rule is about an operator, as things stand around it."""
        return True

    def check(self, op: Op) -> str:
        """Why the rule declines an operator of its pattern; nothing if it takes it."""
        return ""

    def rewrite(self, op: Op) -> Sequence[ROperator]:
        """What stands in the place of an operator that is taken."""
        raise NotImplementedError(type(self).__name__)

    def alone(self, tensor: Tensor, reader: ROperator) -> bool:
        """Whether nobody but `reader` reads a tensor."""
        return self.consumers.get(tensor) == [reader] and tensor not in self.model.outputs
