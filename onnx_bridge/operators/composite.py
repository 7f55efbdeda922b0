"""Composite: an operator that is made of others. The pass `expand` puts those in its place; it is never emitted itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from onnx_bridge.ir import dtypes
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor, Type

#: The opset that the parts of a composite are written in.
OPSET = 22


class Composite(ROperator):
    """An operator of one output that says by which operators it is computed."""

    def parts(self, build: Parts) -> Tensor:
        """Adds the operators to `build`; returns what the last one makes."""
        raise NotImplementedError(type(self).__name__)

    def expanded(self, model: RModel) -> list[ROperator]:
        """The operators that make this one's output."""
        build = Parts(model, self)
        made = self.parts(build)
        for op in build.operators:
            op.outputs = [self.y if tensor is made else tensor for tensor in op.outputs]
        return build.operators


@dataclass
class Parts:
    """The operators of a composite as they come."""

    model: RModel
    owner: ROperator
    operators: list[ROperator] = field(default_factory=list)

    def add(self, cls: type[ROperator], *inputs: Tensor, **attributes: Any) -> Tensor:
        """Adds an operator with ONNX attributes; returns its first output."""
        op = cls(name=f"{self.owner.title()} {cls.op_type}", opset=OPSET)
        op.set_attributes(attributes)
        op.inputs = list(inputs)
        types, values = op.infer()
        assert types[0] is not None
        y = self.model.new_tensor(f"{self.owner.y.name}_{cls.op_type.lower()}", types[0], value=values[0])
        op.outputs = [y]
        self.operators.append(op)
        return y

    def constant(self, hint: str, value: Any, like: Tensor) -> Tensor:
        """A constant of the type of `like`."""
        array = np.asarray(value, like.dtype.numpy)
        return self.model.new_tensor(f"{self.owner.y.name}_{hint}", Type(dtypes.of(array), array.shape), value=array)
