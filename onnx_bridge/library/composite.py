"""Composite: an operator that is made of others. The pass `expand` puts those in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator, find
from onnx_bridge.ir.tensor import Tensor, fits

#: The opset that the parts of a composite are written in.
OPSET = 22


class Composite(ROperator):
    """An operator that says by which operators it is computed."""

    def parts(self, build: Parts) -> Tensor | Sequence[Tensor | None]:
        """Adds the operators to `build`; returns what they make of the outputs: the first one, or a list."""
        raise NotImplementedError(type(self).__name__)

    def settled(self) -> None:
        """Tries the operators that it is made of: what they refuse is said of this one, and they make what it declares."""
        made = self.parts(Parts(RModel("tried"), self))
        for ours, declared in zip([made] if isinstance(made, Tensor) else made, self.outputs, strict=False):
            if ours is not None and declared is not None:
                fits(ours, declared.shape, "what its parts make")

    def expanded(self, model: RModel) -> list[ROperator]:
        """The operators that make this one's outputs."""
        build = Parts(model, self)
        made = self.parts(build)
        found = dict(zip([made] if isinstance(made, Tensor) else made, self.outputs, strict=False))
        for op in build.operators:
            op.inputs = [found.get(tensor) or tensor for tensor in op.inputs]
            op.outputs = [found.get(tensor) or tensor for tensor in op.outputs]
        return [op for op in build.operators if not all(t is None or (t.is_constant and t not in self.outputs) for t in op.outputs)]


@dataclass
class Parts:
    """The operators of a composite as they come."""

    model: RModel
    owner: ROperator
    operators: list[ROperator] = field(default_factory=list)

    def add(self, cls: type[ROperator], *inputs: Tensor | None, **attributes: Any) -> Tensor:
        """Adds an operator of one output, with ONNX attributes; returns that output."""
        return self.many(1, cls, *inputs, **attributes)[0]

    def many(self, count: int, cls: type[ROperator], *inputs: Tensor | None, **attributes: Any) -> list[Tensor]:
        """Adds an operator with ONNX attributes; returns its first outputs."""
        op = cls.make(f"{self.owner.title()} {cls.op_type}", OPSET, **attributes)
        op.inputs = list(inputs)
        types, values = op.infer()
        hint = f"{self.owner.y.name}_{cls.op_type.lower()}"
        made = [
            self.model.new_tensor(hint, type_, value=value)
            for type_, value in zip(types[:count], values, strict=False)
            if type_ is not None
        ]
        op.outputs = list(made)
        op.settled()
        self.operators.append(op)
        return made

    def reshape(self, x: Tensor, shape: Sequence[Size]) -> Tensor:
        """The same elements in another shape; `x` itself if it has that shape."""
        if tuple(shape) == x.shape:
            return x
        return self.add(onnx("Reshape"), x, shape=list(shape), allowzero=1)

    def transpose(self, x: Tensor, order: Sequence[int]) -> Tensor:
        """The axes of `x` in another order; `x` itself if that is the order they have."""
        return x if list(order) == list(range(x.rank)) else self.add(onnx("Transpose"), x, perm=list(order))

    def constant(self, hint: str, value: Any, like: Tensor) -> Tensor:
        """A constant of the type of `like`."""
        return self.model.new_constant(f"{self.owner.y.name}_{hint}", value, like.dtype)


def onnx(op_type: str) -> type[ROperator]:
    """ONNX's operator of a name, as the parts of a composite are written."""
    cls = find(op_type, "", OPSET)
    assert cls is not None, op_type
    return cls
