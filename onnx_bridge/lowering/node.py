"""What lowers a node that has to do with sequences or optionals: what it reads and makes, and operators of tensors in its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import onnx

from onnx_bridge.graphs import attribute
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import DType, int64
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import NEWEST_OPSET, ROperator
from onnx_bridge.ir.tensor import ShapeError, Tensor
from onnx_bridge.ir.values import SequenceType, UnrankedType
from onnx_bridge.library.known import of_sizes
from onnx_bridge.lowering.parts import OptionalValue, Part, Ragged, SequenceValue
from onnx_bridge.operators.identity import Identity
from onnx_bridge.operators.slice import Slice
from onnx_bridge.operators.transpose import Transpose


@dataclass
class NodeLowering:
    """What lowers the nodes of one graph that have to do with sequences or optionals.

    Args:
        rmodel: the model that the graph becomes.
        node: the node.
        add: adds an operator that reads and makes what is named.
        opset: the version of ONNX's own operators.
    """

    rmodel: RModel
    node: onnx.NodeProto
    add: Callable[[ROperator, list[str | None], list[str | None]], None]
    opset: int

    # ---- what a node reads

    def input(self, index: int) -> Tensor | None:
        name = self.node.input[index] if index < len(self.node.input) else ""
        return self.rmodel.tensor(name) if name else None

    def tensor(self, index: int) -> Tensor:
        """An input that is a tensor."""
        found = self.input(index)
        if found is None:
            raise ShapeError(f"input {index} is missing")
        found.type  # noqa: B018  (raises for what is none)
        return found

    def sequence(self, index: int = 0) -> SequenceValue:
        """An input that is a sequence."""
        found = self.input(index)
        if not isinstance(found, SequenceValue):
            what = "missing" if found is None else f"{found.declared}"
            raise ShapeError(f"input {index} must be a sequence, and is {what}")
        return found

    def attribute(self, name: str, default: Any) -> Any:
        return attribute(self.node, name, default)

    # ---- what is made

    def give(self, parts: Sequence[Part], element: DType, index: int = 0) -> None:
        """Has an output be a sequence of these parts."""
        for part in parts:
            kind = part.data.dtype if isinstance(part, Ragged) else part.tensor.dtype  # type: ignore[attr-defined]
            if kind is not element:
                raise ShapeError(f"a sequence of {element} holds a tensor of {kind}")
        declared = SequenceType(UnrankedType(element))
        self.rmodel.add_tensor(SequenceValue(self.node.output[index], declared, parts=list(parts), element=element))

    def alias(self, value: Tensor, index: int = 0) -> None:
        """Has an output be a value that is there already."""
        name = self.node.output[index]
        if isinstance(value, SequenceValue):
            self.rmodel.add_tensor(SequenceValue(name, value.declared, parts=list(value.parts), element=value.element))
        elif isinstance(value, OptionalValue):
            self.rmodel.add_tensor(OptionalValue(name, value.declared, there=value.there, inside=value.inside))
        else:
            self.add(Identity.make(name), [value.name], [name])

    def build(self, cls: type[ROperator], inputs: Sequence[Tensor], name: str = "", **attributes: Any) -> Tensor:
        """Adds an operator of ONNX's of one output, which is called `name` if that is given."""
        name = name or self.rmodel.new_name(f"{self.node.output[0]} {cls.op_type}")
        op = cls.make(self.node.name or name, NEWEST_OPSET, **attributes)
        self.add(op, [tensor.name for tensor in inputs], [name])
        return self.rmodel.tensor(name)

    def vector(self, *sizes: Size) -> Tensor:
        """Sizes as a tensor."""
        return self.rmodel.new_constant(f"{self.node.output[0]} sizes", of_sizes(sizes, int64), int64)

    def cut(self, x: Tensor, axis: int, start: Size, end: Size) -> Tensor:
        """A piece of a tensor along an axis."""
        if start == 0 and end == x.shape[axis]:
            return x
        return self.build(Slice, [x, self.vector(start), self.vector(end), self.vector(axis)])

    def moved(self, x: Tensor, source: int, target: int) -> Tensor:
        """A tensor with an axis in another place."""
        order = [axis for axis in range(x.rank) if axis != source]
        order.insert(target, source)
        return x if order == list(range(x.rank)) else self.build(Transpose, [x], perm=order)
