"""Fusion of pointwise operators: into the kernel that makes their operand, else with one another into one loop."""

from __future__ import annotations

import heapq

from onnx_bridge.ir.dialect import Dialect
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
        changed = False
        while self.once(model):
            changed = True
        return changed

    def once(self, model: RModel) -> bool:
        consumers = model.consumers()
        place = {op: i for i, op in enumerate(model.operators)}
        producers = model.producers()
        for group in model.operators:
            if not isinstance(group, Group):
                continue
            read = list(read_tensors(group))
            makers = {producers[t] for t in read if t in producers}
            for maker in sorted(makers, key=place.__getitem__, reverse=True):
                if not isinstance(maker, Fusable) or consumers[maker.y] != [group] or maker.y in model.outputs:
                    continue
                if not maker.can_fuse(group.steps):
                    self.decline(group.title(), f"{maker.title()} cannot find the elements of its operands")
                    continue
                late = [t for t in read if t is not maker.y and t in producers and place[producers[t]] > place[maker]]
                if late and not self.delay(model, maker, late, place, producers):
                    self.decline(group.title(), f"{late[0].name} is not ready when {maker.title()} ends")
                    continue
                maker.fuse(group.steps)
                model.operators.remove(group)
                return True
        return False

    @staticmethod
    def delay(model: RModel, maker: ROperator, late: list[Tensor], place: dict[ROperator, int], producers: dict[Tensor, ROperator]) -> bool:
        """Moves `maker` behind what its new operands need, if nothing in between depends on it."""
        last = max(place[producers[t]] for t in late)
        between = model.operators[place[maker] + 1 : last + 1]
        made = {t for t in maker.outputs if t is not None}
        for op in between:
            if made & set(read_tensors(op)):
                return False
        model.operators.remove(maker)
        model.operators.insert(last, maker)
        place.update({op: i for i, op in enumerate(model.operators)})
        return True
