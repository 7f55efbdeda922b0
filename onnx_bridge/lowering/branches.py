"""What branches give that is no tensor: sequences and optionals, as tensors that all of them give alike."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from onnx_bridge.ir.dtypes import DType
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import ShapeError, Tensor
from onnx_bridge.ir.values import OptionalType, SequenceType, UnrankedType
from onnx_bridge.lowering.ends import dtype_of, packed, rank_of
from onnx_bridge.lowering.parts import One, OptionalValue, Part, Ragged, SequenceValue
from onnx_bridge.operators.if_ import If

#: Adds an operator to a model, between tensors by their names.
Add = Callable[[ROperator, "list[str | None]", "list[str | None]", RModel], None]


@dataclass(frozen=True)
class End:
    """An output of branches.

    Attributes:
        count: of how many tensors it is made.
        sequence: the element type and the rank of a sequence of any shapes, or its element type and -1 where its elements are tensors.
        optional: whether it may not be there.
    """

    count: int = 1
    sequence: tuple[DType, int | None] | None = None
    optional: bool = False

    @property
    def is_tensor(self) -> bool:
        """Whether it is a tensor, and nothing else."""
        return self.sequence is None and not self.optional

    @property
    def is_ragged(self) -> bool:
        """Whether the sizes of its tensors are those of the branch that is taken."""
        return self.optional or (self.sequence is not None and self.sequence[1] != -1)

    def value(self, name: str, tensors: Sequence[Tensor]) -> Tensor:
        """The output, called `name`, from its tensors."""
        rest = list(tensors[1:] if self.optional else tensors)
        inside: Tensor | None = rest[0] if rest else None
        if self.sequence is not None:
            element, rank = self.sequence
            parts: list[Part] = [One(tensor) for tensor in rest] if rank == -1 else [Ragged(rest[0], rest[1], rank)]
            inside = SequenceValue(name, SequenceType(UnrankedType(element)), parts=parts, element=element)
        if not self.optional:
            assert inside is not None
            return inside
        declared = inside.declared if inside is not None else UnrankedType(tensors[0].dtype)
        return OptionalValue(name, OptionalType(declared), there=tensors[0], inside=inside)


def agree(bodies: Sequence[RModel], add: Add) -> list[End] | None:
    """Has all branches give tensors alike; None where they do so already.

    Raises:
        ShapeError: one gives a sequence or an optional where another gives something else.
    """
    if all(type(value) is Tensor for body in bodies for value in body.outputs):
        return None
    counts = {len(body.outputs) for body in bodies}
    if len(counts) != 1:
        raise ShapeError(f"the branches give {' and '.join(map(str, sorted(counts)))} outputs")
    ends, made = [], [list[Tensor]() for _ in bodies]
    for values in zip(*(body.outputs for body in bodies), strict=True):
        end, tensors = _agreed(values, bodies, add)
        ends.append(end)
        for all_tensors, own in zip(made, tensors, strict=True):
            all_tensors += own
    for body, outputs in zip(bodies, made, strict=True):
        body.outputs = outputs
    return ends


def _agreed(values: Sequence[Tensor], bodies: Sequence[RModel], add: Add) -> tuple[End, list[list[Tensor]]]:
    if all(type(value) is Tensor for value in values):
        return End(), [[value] for value in values]
    if not any(isinstance(value, OptionalValue) for value in values):
        return _sequences(values, bodies, add)
    flags, insides = [], []
    for value in values:
        if not isinstance(value, OptionalValue):
            raise ShapeError(f"a branch gives {value.declared}, another one an optional")
        assert value.there is not None
        flags.append(value.there)
        insides.append(value.inside)
    known = next((inside for inside in insides if inside is not None), None)
    if known is None:
        return End(1, None, True), [[flag] for flag in flags]
    filled = [_nothing(known, body) if inside is None else inside for inside, body in zip(insides, bodies, strict=True)]
    end, tensors = _agreed(filled, bodies, add)
    return End(1 + end.count, end.sequence, True), [[flag, *own] for flag, own in zip(flags, tensors, strict=True)]


def _nothing(like: Tensor, body: RModel) -> Tensor:
    """What stands for an element that is not there: a sequence or a tensor without numbers."""
    if isinstance(like, SequenceValue):
        return SequenceValue(body.new_name("nothing"), like.declared, parts=[], element=like.element)
    return body.new_constant("nothing", np.zeros([0] * like.rank, like.dtype.numpy), like.dtype)


def _sequences(values: Sequence[Tensor], bodies: Sequence[RModel], add: Add) -> tuple[End, list[list[Tensor]]]:
    sequences = [value for value in values if isinstance(value, SequenceValue)]
    if len(sequences) != len(values) or len({dtype_of(value).name for value in sequences}) != 1:
        raise ShapeError(f"the branches give {' and '.join(str(value.declared) for value in values)}")
    element = dtype_of(sequences[0])
    ones = [[part.tensor for part in value.parts if isinstance(part, One)] for value in sequences]
    alike = all(len(own) == len(value.parts) == len(ones[0]) for own, value in zip(ones, sequences, strict=True))
    if alike and all(a.type == b.type for own in ones for a, b in zip(own, ones[0], strict=True)):
        return End(len(ones[0]), (element, -1)), ones
    ranks = {rank_of(value.parts) for value in sequences if value.parts}
    rank = ranks.pop() if len(ranks) == 1 else None
    tensors = []
    for value, body in zip(sequences, bodies, strict=True):
        tensors.append(list(packed(value, value.name, body, lambda op, i, o, own=body: add(op, i, o, own), rank)))  # type: ignore[misc]
    return End(2, (element, rank)), tensors


def put_together(op: ROperator, names: Sequence[str | None], rmodel: RModel) -> None:
    """Adds the outputs of an If that are no tensors to a model, from the tensors that it gives for them."""
    if not isinstance(op, If) or op.ends is None:
        return
    outputs = iter(op.outputs)
    for name, end in zip(names, op.ends, strict=False):
        tensors = [tensor for tensor in itertools.islice(outputs, end.count) if tensor is not None]
        if name is not None and not end.is_tensor:
            rmodel.add_tensor(end.value(name, tensors))
