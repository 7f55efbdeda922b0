"""Who makes and who reads each tensor, kept while operators come and go."""

from __future__ import annotations

from collections.abc import Iterable

from onnx_bridge.ir.rmodel import RModel, read_tensors
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor


class Links:
    """Producers and consumers of a model's tensors that follow its changes.

    To ask the model again behind each change takes a turn through all of it, which makes a pass quadratic in its operators. A pass
    says instead which operators go and come; one that it changes in place goes, and comes back.

    Attributes:
        producers: as those of RModel.
        consumers: as those of RModel, but that the readers of a tensor stand in no order.
        outputs: the outputs of the model.
    """

    def __init__(self, model: RModel) -> None:
        self.producers, self.consumers, self.outputs = model.producers(), model.consumers(), set(model.outputs)

    def goes(self, *operators: ROperator) -> None:
        """Operators that are no more, or are about to change."""
        for op in operators:
            for tensor in op.outputs:
                if tensor is not None and self.producers.get(tensor) is op:
                    del self.producers[tensor]
            for tensor in dict.fromkeys(read_tensors(op)):
                self.consumers[tensor].remove(op)

    def comes(self, *operators: ROperator) -> None:
        """Operators that are new, or have changed."""
        for op in operators:
            self.producers.update((tensor, op) for tensor in op.outputs if tensor is not None)
            for tensor in dict.fromkeys(read_tensors(op)):
                self.consumers.setdefault(tensor, []).append(op)

    def readers(self, tensor: Tensor) -> list[ROperator]:
        """The operators that read a tensor."""
        return self.consumers.get(tensor, [])

    def sweep(self, tensors: Iterable[Tensor]) -> set[ROperator]:
        """What makes these tensors, and what makes those that it reads, as far as nobody needs it any more: it goes, and is returned."""
        dead: set[ROperator] = set()
        todo = list(tensors)
        while todo:
            op = self.producers.get(todo.pop())
            if op is None or op.found or any(t in self.outputs or self.readers(t) for t in op.outputs if t is not None):
                continue
            dead.add(op)
            self.goes(op)
            todo += read_tensors(op)
        return dead
