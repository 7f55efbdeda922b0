"""Fusion of pointwise operators: into the kernel that makes their operand, else with one another into one loop."""

from __future__ import annotations

import heapq

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.links import Links
from onnx_bridge.ir.rmodel import RModel, read_tensors
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.kernel_operators.group import Group, group_of
from onnx_bridge.library.epilogue import Fusable
from onnx_bridge.library.steps import is_vector
from onnx_bridge.passes.base import Pass


class Groups(Pass):
    """
    1. A pointwise operator and the pointwise operators that make its operands, of the same shape and read by nobody
       outside, become one loop. What runs on vectors stays apart from what runs on single elements (integers, doubles).
    2. A lone pointwise operator becomes a loop of one step.
    """

    name = "groups"
    takes = gives = Dialect.KERNEL

    def call(self, model: RModel) -> bool:
        consumers = model.consumers()
        producers = model.producers()
        place = {op: i for i, op in enumerate(model.operators)}
        taken: set[ROperator] = set()
        joined: dict[ROperator, Group] = {}
        for op in reversed(model.operators):
            if not isinstance(op, Group) or op in taken:
                continue
            members = self.members(op, model, consumers, producers, taken, place)
            if len(members) > 1:
                taken.update(members)
                joined[op] = group_of(op, [step for member in sorted(members, key=place.__getitem__) for step in member.steps])
        model.operators = [joined.get(op, op) for op in model.operators if op not in taken or op in joined]
        return bool(joined)

    @staticmethod
    def members(
        sink: Group,
        model: RModel,
        consumers: dict[Tensor, list[ROperator]],
        producers: dict[Tensor, ROperator],
        taken: set[ROperator],
        place: dict[ROperator, int],
    ) -> set[Group]:
        """The groups that can run in the loop of `sink`: their outputs have its shape and are read in the loop only."""
        members: set[Group] = {sink}
        vector = is_vector(sink.steps)
        asked: set[ROperator] = set()
        waiting: list[int] = []  # places, the last one first: whoever reads it in the loop is a member by then

        def ask(member: Group) -> None:
            for tensor in read_tensors(member):
                op = producers.get(tensor)
                if isinstance(op, Group) and op not in asked and op not in taken:
                    asked.add(op)
                    heapq.heappush(waiting, -place[op])

        ask(sink)
        while waiting:
            op = model.operators[-heapq.heappop(waiting)]
            assert isinstance(op, Group)
            if op.y in model.outputs or op.y.shape != sink.y.shape or is_vector(op.steps) != vector:
                continue
            if all(reader in members for reader in consumers[op.y]):
                members.add(op)
                ask(op)
        return members


class Epilogues(Pass):
    """
    1. A group of pointwise operators with an operand of its own shape that is made by a kernel with an epilogue, and read
       by nobody else, becomes that kernel's last act, if its other operands are ready by then and the kernel can find
       their elements. Where two such kernels meet (a residual), the later one takes it.
    """

    name = "epilogues"
    takes = gives = Dialect.KERNEL

    def call(self, model: RModel) -> bool:
        self.model, self.links = model, Links(model)
        self.place = {op: i for i, op in enumerate(model.operators)}  # those that are left stand in this order
        gone: set[ROperator] = set()
        while found := [op for op in list(model.operators) if isinstance(op, Group) and op not in gone and self.taken(op)]:
            gone.update(found)
        model.operators = [op for op in model.operators if op not in gone]
        return bool(gone)

    def taken(self, group: Group) -> bool:
        """Whether a kernel takes a group in."""
        producers = self.links.producers
        read = list(read_tensors(group))
        makers = {producers[t] for t in read if t in producers}
        for maker in sorted(makers, key=self.place.__getitem__, reverse=True):
            if not isinstance(maker, Fusable) or self.links.readers(maker.y) != [group] or maker.y in self.model.outputs:
                continue
            if not maker.can_fuse(group.steps):
                self.decline(group.title(), f"{maker.title()} cannot find the elements of its operands")
                continue
            late = [t for t in read if t is not maker.y and t in producers and self.place[producers[t]] > self.place[maker]]
            if late and not self.delay(maker, late):
                self.decline(group.title(), f"{late[0].name} is not ready when {maker.title()} ends")
                continue
            self.links.goes(group, maker)
            maker.fuse(group.steps)
            self.links.comes(maker)
            return True
        return False

    def delay(self, maker: ROperator, late: list[Tensor]) -> bool:
        """Moves `maker` behind what its new operands need, if nothing in between depends on it."""
        first, last = self.place[maker], max(self.place[self.links.producers[t]] for t in late)
        if any(first < self.place[reader] <= last for t in maker.outputs if t is not None for reader in self.links.readers(t)):
            return False
        operators = self.model.operators
        operators[first : last + 1] = [*operators[first + 1 : last + 1], maker]
        self.place.update({op: i for i, op in enumerate(operators[first : last + 1], first)})
        return True
