"""Operators of sequences and optionals, lowered: what they do to the tensors that the sequences are made of."""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from onnx_bridge.ir import dims, dtypes
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import int64
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, of_either_sign, same
from onnx_bridge.library.known import axis_in, of_sizes
from onnx_bridge.lowering.declared import element_type
from onnx_bridge.lowering.ends import packed, rank_of
from onnx_bridge.lowering.node import NodeLowering
from onnx_bridge.lowering.parts import Chunks, One, Part, Ragged, SequenceValue, Stack
from onnx_bridge.operators.concat import Concat
from onnx_bridge.operators.gather import Gather
from onnx_bridge.operators.reshape import Reshape
from onnx_bridge.operators.sequence_parts import ElementOf, JoinedNumbers, JoinedShape, SequencePart
from onnx_bridge.operators.slice import Slice
from onnx_bridge.operators.squeeze import Squeeze, Unsqueeze

#: A tensor that is split into so many pieces at most becomes so many tensors.
MOST_PIECES = 64

_OUTSIDE = "the sequence has {length} elements, element {place} is none of them"


class SequenceLowering(NodeLowering):
    """The operators of sequences."""

    # ---- places

    def place(self, position: Tensor) -> Size:
        """A position that is known, as a size."""
        if position.dtype not in dtypes.INDICES or position.count != 1:
            raise ShapeError(f"a position must be one int32 or int64, got {position.type}")
        (size,) = position.sizes()
        return size

    def found(self, parts: Sequence[Part], place: int, end: int = 0) -> tuple[int, Size]:
        """The part that a place is in, and where in it.

        Args:
            parts: of a sequence.
            place: from the beginning, or from the end where it is negative.
            end: 1 for a place in front of which something is put: the end is one.
        """
        length = sum((part.length for part in parts), start=0)
        at: Size = place if place >= 0 else length + place
        order = list(enumerate(parts))
        skipped: Size = 0
        if place >= 0:
            for index, part in order:
                inside = place - skipped
                if end and inside == 0:
                    return index, 0
                if isinstance(inside, int) and dims.at_least(part.length, inside + 1):
                    return index, inside
                skipped = skipped + part.length
        else:
            for index, part in reversed(order):
                left = -place - skipped
                if isinstance(left, int) and dims.at_least(part.length, left):
                    return index, part.length - left
                skipped = skipped + part.length
        if end and at == length:
            return len(parts), 0
        if isinstance(length, int) or not parts:
            raise ShapeError(_OUTSIDE.format(length=length, place=place))
        if len(parts) > 1:
            raise UnsupportedForm(f"element {place} is in one part or another of a sequence, as sizes decide")
        dims.assume(length - place - 1 + end if place >= 0 else length + place)  # it is there, or the call is refused
        return 0, at

    def element(self, part: Part, at: Size, name: str) -> None:
        """Has a tensor called `name` be an element of a part."""
        if isinstance(part, One):
            self.alias(part.tensor)
        elif isinstance(part, Stack):
            axis = self.vector(0)
            self.build(Squeeze, [self.cut(part.tensor, 0, at, at + 1), axis], name)
        elif isinstance(part, Chunks):
            start, whole = at * part.size, part.tensor.shape[part.axis]
            end = whole if at == part.length - 1 else dims.minimum(start + part.size, whole)
            inputs = [part.tensor, self.vector(start), self.vector(end), self.vector(part.axis)]
            self.build(Slice, inputs, name)
        else:
            self.ragged_element(part, self.vector(at), name)

    def ragged_element(self, part: Part, at: Tensor, name: str) -> None:
        """Has a tensor called `name` be an element of a part of any shapes, at a place that is a tensor of one number."""
        assert isinstance(part, Ragged)
        if part.rank is None:
            raise UnsupportedForm("an element is taken of a sequence whose elements have no rank: declare their shapes")
        self.build(ElementOf, [part.data, part.table, at], name)

    # ---- the operators

    def construct(self) -> None:
        tensors = [self.tensor(index) for index in range(len(self.node.input))]
        if not tensors:
            raise ShapeError("a sequence of nothing is made by SequenceEmpty")
        self.give([One(tensor) for tensor in tensors], tensors[0].dtype)

    def empty(self) -> None:
        self.give([], element_type(self.attribute("dtype", onnx.TensorProto.FLOAT)))

    def length(self) -> None:
        known = of_sizes([self.sequence().length], int64).reshape(())
        self.rmodel.add_tensor(Tensor(self.node.output[0], Type(int64, ()), known))

    def at(self) -> None:
        sequence, position = self.sequence(), self.tensor(1)
        parts = sequence.parts
        name = self.node.output[0]
        if position.value is None:
            part = self.together(parts)
            if isinstance(part, Stack):
                self.build(Gather, [part.tensor, self.build(Reshape, [position, self.vector()])], name)
            else:
                self.ragged_element(part, self.build(Reshape, [position, self.vector(1)]), name)
            return
        place = self.place(position)
        if isinstance(place, int):
            number, at = self.found(parts, place)
            self.element(parts[number], at, name)
            return
        part = self.together(parts)
        self.element(part, self.inside(place, part.length), name)

    @staticmethod
    def inside(place: Size, length: Size) -> Size:
        """A place that sizes decide, from the beginning; calls for which it is outside are refused."""
        place = of_either_sign(place)
        if dims.signed_symbols(place):
            place = place + (1 - dims.holds(place + 1)) * length
        dims.assume(place)
        dims.assume(length - 1 - place)
        return place

    def together(self, parts: Sequence[Part]) -> Part:
        """A sequence as one part, of which any element can be taken: stacked, or of any shapes where those differ."""
        if len(parts) == 1 and not isinstance(parts[0], One):
            return parts[0]
        stacks = []
        for part in parts:
            if isinstance(part, One):
                stacks.append(self.build(Unsqueeze, [part.tensor, self.vector(0)]))
            elif isinstance(part, Stack):
                stacks.append(part.tensor)
        if not stacks or len(stacks) != len(parts) or any(stack.shape[1:] != stacks[0].shape[1:] for stack in stacks):
            return self.packed(parts)
        return Stack(stacks[0] if len(stacks) == 1 else self.build(Concat, stacks, axis=0))

    def packed(self, parts: Sequence[Part]) -> Part:
        """A sequence as one part of elements of any shapes."""
        if not parts:
            raise ShapeError("an element is taken of a sequence that has none")
        value = self.sequence()
        whole = SequenceValue(value.name, value.declared, parts=list(parts), element=value.element)
        data, table = packed(whole, self.rmodel.new_name(f"{self.node.output[0]} of"), self.rmodel, self.add)
        return Ragged(data, table, rank_of(whole.parts))

    def insert(self) -> None:
        sequence, tensor, position = self.sequence(), self.tensor(1), self.input(2)
        element = sequence.element
        assert element is not None
        if position is None:
            self.give([*sequence.parts, One(tensor)], element)
            return
        place = self.place(position)
        if isinstance(place, int):
            index, inside = self.found(sequence.parts, place, end=1)
            before, behind = self.parted(sequence.parts, index, inside)
        else:
            part = self.together(sequence.parts)
            at = self.inside(place, part.length + 1) if not dims.signed_symbols(of_either_sign(place)) else self.before(place, part.length)
            before, behind = self.parted([part], 0, at)
        self.give([*before, One(tensor), *behind], element)

    @staticmethod
    def before(place: Size, length: Size) -> Size:
        """A place of either sign in front of which something is put: a negative one counts from the last element."""
        at = place + (1 - dims.holds(place + 1)) * length
        dims.assume(at)
        dims.assume(length - at)
        return at

    def parted(self, parts: Sequence[Part], index: int, inside: Size) -> tuple[list[Part], list[Part]]:
        """A sequence in two, at a place of one of its parts."""
        before, behind = list(parts[:index]), list(parts[index:])
        if inside == 0 or not behind:
            return before, behind
        part, rest = behind[0], behind[1:]
        if isinstance(part, Stack):
            first, second = (self.cut(part.tensor, 0, a, b) for a, b in ((0, inside), (inside, part.length)))
            return [*before, Stack(first)], [Stack(second), *rest]
        if isinstance(part, Chunks):
            at, whole = inside * part.size, part.tensor.shape[part.axis]
            first, second = (self.cut(part.tensor, part.axis, a, b) for a, b in ((0, at), (at, whole)))
            return [*before, Chunks(first, part.axis, part.size)], [Chunks(second, part.axis, part.size), *rest]
        assert isinstance(part, Ragged)
        one, other = (self.ragged(part, first, count) for first, count in ((0, inside), (inside, part.length - inside)))
        return [*before, one], [other, *rest]

    def ragged(self, part: Ragged, first: Size, count: Size) -> Ragged:
        """Neighbours of a part of any shapes."""
        op = SequencePart(name=self.node.name, first=first, count=count)
        names = [self.rmodel.new_name(f"{self.node.output[0]} part {what}") for what in ("numbers", "shapes")]
        self.add(op, [part.data.name, part.table.name], list(names))
        return Ragged(self.rmodel.tensor(names[0]), self.rmodel.tensor(names[1]), part.rank)

    def erase(self) -> None:
        sequence, position = self.sequence(), self.input(1)
        assert sequence.element is not None
        place: Size = -1 if position is None else self.place(position)
        parts: Sequence[Part] = sequence.parts
        if not isinstance(place, int):
            parts = [self.together(parts)]
            index, at = 0, self.inside(place, parts[0].length)
        else:
            index, at = self.found(parts, place)
        before, behind = self.parted(parts, index, at)
        rest = self.parted(behind, 0, 1)[1] if not isinstance(behind[0], One) else behind[1:]
        self.give([*before, *rest], sequence.element)

    def split(self) -> None:
        x, split = self.tensor(0), self.input(1)
        axis = axis_in(self.attribute("axis", 0), x.rank)
        if split is None:
            if self.attribute("keepdims", 1):
                self.give([Stack(self.build(Unsqueeze, [self.moved(x, axis, 0), self.vector(axis + 1)]))], x.dtype)
            else:
                self.give([Stack(self.moved(x, axis, 0))], x.dtype)
            return
        if split.dtype not in dtypes.INDICES or split.rank > 1:
            raise ShapeError(f"split must be a number or a list of int32 or int64, got {split.type}")
        whole, pieces = x.shape[axis], split.sizes()
        if split.rank == 1:
            same(sum(pieces, start=0), whole)
            self.give([One(piece) for piece in self.pieces(x, axis, pieces)], x.dtype)
            return
        (size,) = pieces
        if isinstance(size, int) and size < 1:
            raise ShapeError(f"pieces of the size {size} are none")
        dims.assume(size - 1)
        if isinstance(size, int) and isinstance(whole, int) and -(-whole // size) <= MOST_PIECES:
            pieces = tuple(min(size, whole - start) for start in range(0, whole, size))
            self.give([One(piece) for piece in self.pieces(x, axis, pieces)], x.dtype)
            return
        self.give([Chunks(x, axis, size)], x.dtype)

    def pieces(self, x: Tensor, axis: int, sizes: Sequence[Size]) -> list[Tensor]:
        """Neighbouring pieces of a tensor along an axis."""
        start: Size = 0
        found = []
        for size in sizes:
            dims.assume(size)
            found.append(self.cut(x, axis, start, start + size))
            start = start + size
        return found

    def concat(self) -> None:
        sequence, new = self.sequence(), bool(self.attribute("new_axis", 0))
        if not sequence.parts:
            raise UnsupportedForm("nothing is joined: the sequence is empty")
        parts: Sequence[Part] = sequence.parts
        if len(parts) > 1 and any(isinstance(part, Ragged) for part in parts):
            parts = [self.packed(parts)]  # one of them may turn out to be empty, the shape of whose elements nobody knows
        tensors = [self.joined(part, self.attribute("axis", 0), new) for part in parts]
        axis = axis_in(self.attribute("axis", 0), tensors[0].rank)
        self.build(Concat, tensors, self.node.output[0], axis=axis)

    def joined(self, part: Part, axis: int, new: bool) -> Tensor:
        """The elements of a part as one tensor."""
        if isinstance(part, One):
            place = axis_in(axis, part.tensor.rank + new)
            return self.build(Unsqueeze, [part.tensor, self.vector(place)]) if new else part.tensor
        if isinstance(part, Stack):
            rank = part.tensor.rank - 1
            place = axis_in(axis, rank + new)
            moved = self.moved(part.tensor, 0, place)
            if new:
                return moved
            shape = [*moved.shape[:place], moved.shape[place] * moved.shape[place + 1], *moved.shape[place + 2 :]]
            return self.build(Reshape, [moved], shape=shape, allowzero=1)
        if isinstance(part, Chunks):
            if not new and axis_in(axis, part.tensor.rank) == part.axis:
                return part.tensor
            raise UnsupportedForm("pieces of which the last may be shorter are joined along another axis than they were cut along")
        assert isinstance(part, Ragged)
        if part.rank is None:
            raise UnsupportedForm("elements are joined whose rank is not known: declare the shapes of the sequence's elements")
        place = axis_in(axis, part.rank + new)
        data = part.data
        if place > 0:
            data = self.made(JoinedNumbers(name=self.node.name, axis=place), data, part.table)
        return self.made(JoinedShape(name=self.node.name, axis=place, stacked=new), data, part.table)

    def made(self, op: ROperator, *inputs: Tensor) -> Tensor:
        """The output of an operator that no file names."""
        name = self.rmodel.new_name(f"{self.node.output[0]} {op.op_type}")
        self.add(op, [tensor.name for tensor in inputs], [name])
        return self.rmodel.tensor(name)
