"""Optionals, lowered: whether one is there is a bool, and what it is then a value of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from onnx_bridge.ir import dtypes
from onnx_bridge.ir.dtypes import bool_
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.ir.values import OptionalType, UnrankedType
from onnx_bridge.lowering.ends import dtype_of
from onnx_bridge.lowering.node import NodeLowering
from onnx_bridge.lowering.parts import OptionalValue, Part, Ragged, SequenceValue
from onnx_bridge.operators.sequence_parts import OptionalElement


class OptionalLowering(NodeLowering):
    """The operators of optionals."""

    def optional(self) -> None:
        inside = self.input(0)
        there = self.rmodel.new_constant(f"{self.node.output[0]} is there", np.array(inside is not None))
        declared = UnrankedType(dtypes.float32) if inside is None else inside.declared
        self.rmodel.add_tensor(OptionalValue(self.node.output[0], OptionalType(declared), there=there, inside=inside))

    def has_element(self) -> None:
        value, name = self.input(0), self.node.output[0]
        if isinstance(value, OptionalValue) and value.there is not None and not value.there.is_constant:
            self.alias(value.there)
            return
        there = value is not None and not (isinstance(value, OptionalValue) and not np.all(value.there.constant()))  # type: ignore[union-attr]
        self.rmodel.add_tensor(Tensor(name, Type(bool_, ()), np.array(there)))

    def get_element(self) -> None:
        value = self.input(0)
        if value is None:
            raise ShapeError("an element is taken of nothing")
        if not isinstance(value, OptionalValue):
            self.alias(value)
            return
        if value.inside is None or (value.there is not None and value.there.is_constant and not value.there.constant()):
            raise ShapeError("an element is taken of an optional that has none")
        inside = value.inside
        if value.there is None or value.there.is_constant:
            self.alias(inside)
        elif isinstance(inside, SequenceValue):
            self.give([self.held(part, value.there) for part in inside.parts], dtype_of(inside))
        else:
            self.add(OptionalElement(name=self.node.name), [inside.name, value.there.name], [self.node.output[0]])

    def held(self, part: Part, there: Tensor) -> Part:
        """A part of a sequence that must be there."""
        tensor = part.data if isinstance(part, Ragged) else part.tensor  # type: ignore[attr-defined]
        name = self.rmodel.new_name(f"{tensor.name} held")
        self.add(OptionalElement(name=self.node.name), [tensor.name, there.name], [name])
        held = self.rmodel.tensor(name)
        return replace(part, **{"data" if isinstance(part, Ragged) else "tensor": held})

    def identity(self) -> None:
        value = self.input(0)
        assert value is not None
        self.alias(value)
