"""Pointwise operators move in front of transposes and views, towards the kernels that can do them on the way; what does nothing goes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.rmodel import RModel, nested_models, read_tensors, sweep
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor, Type, broadcast
from onnx_bridge.library.known import MOST
from onnx_bridge.library.moving import Reshaping
from onnx_bridge.library.steps import PointwiseOperator
from onnx_bridge.library.view import refinement, runs_of
from onnx_bridge.operators.expand import Expand
from onnx_bridge.operators.reshape import reshape_to
from onnx_bridge.operators.transpose import Transpose
from onnx_bridge.passes.base import Pass


class Movement(Pass):
    """
    1. An operator that gives its input as it is (Identity, Reshape to the same shape, Transpose that changes nothing) goes.
    2. Transpose of a Transpose: one.
    3. An Expand that only pointwise operators read, which broadcast anyway: they read what it reads.
    4. Pointwise operators, and products of rows with constants, whose operands are transposed alike, or constants: they come first, then
       the transpositions, if those do not become more.
    5. A pointwise operator of a view of what a kernel or another pointwise operator makes: it comes first, then the view. Its other
       operands are such views, too, or constants, which get the other shape; or anything else, if it is a kernel: that is viewed.
    """

    name = "movement"
    takes = gives = Dialect.ONNX

    def call(self, model: RModel) -> bool:
        changed = False
        for step in (self.idle, self.chains, self.idle, self.expanded, self.transposed, self.viewed, self.chains, self.idle):
            changed |= step(model)
        return changed

    # ---- 1

    def idle(self, model: RModel) -> bool:
        captured = captured_tensors(model)
        new: dict[Tensor, Tensor] = {}
        kept: list[ROperator] = []
        made: dict[Tensor, ROperator] = {}
        consumers = model.consumers()
        for op in model.operators:
            op.inputs = [new.get(t, t) if t is not None else None for t in op.inputs]
            given = op.inputs[0] if op.inputs else None
            if given is None or len(op.outputs) != 1 or not op.does_nothing() or op.y in captured or op.y.value is not None:
                kept.append(op)
            elif op.y not in model.outputs:
                new[op.y] = given
            elif given in made and consumers.get(given) == [op] and given not in captured and given not in model.outputs:
                made[given].outputs = [op.y if t is given else t for t in made[given].outputs]
            else:
                kept.append(op)
            made.update({t: op for t in op.outputs if t is not None})
        changed = len(kept) != len(model.operators)
        model.operators = kept
        return changed

    # ---- 2

    def chains(self, model: RModel) -> bool:
        changed = False
        producers = model.producers()
        for op in model.operators:
            inner = producers.get(op.x) if isinstance(op, Transpose) else None
            if isinstance(op, Transpose) and isinstance(inner, Transpose):
                first = inner.order(inner.x)
                op.perm = [first[axis] for axis in op.order(op.x)]
                op.inputs = [inner.x]
                changed = True
        return changed and swept(model)

    # ---- 3

    def expanded(self, model: RModel) -> bool:
        producers = model.producers()
        changed = False
        for op in model.operators:
            if not isinstance(op, PointwiseOperator):
                continue
            for index in op.reads():
                maker = producers.get(op.input(index)) if op.inputs[index] is not None else None
                if not isinstance(maker, Expand) or maker.x.layout != "planar":
                    continue
                others = [op.input(other).shape for other in op.reads() if other != index and op.inputs[other] is not None]
                if not others or any(not certain(shape, op.y.shape) for shape in (*others, maker.x.shape)):
                    continue
                if broadcast(maker.x.shape, *others) == op.y.shape:
                    op.inputs[index] = maker.x
                    changed = True
        return changed and swept(model)

    # ---- 4

    def transposed(self, model: RModel) -> bool:
        producers = model.producers()
        consumers = model.consumers()
        captured = captured_tensors(model)
        orders: dict[Tensor, tuple[int, ...]] = {
            op.y: tuple(op.order(op.x)) for op in model.operators if isinstance(op, Transpose) and op.x.layout == "planar"
        }
        members: dict[ROperator, tuple[int, ...]] = {}
        leader: dict[ROperator, ROperator] = {}
        for op in model.operators:
            order = alike(op, orders)
            if order is None:
                continue
            members[op], leader[op] = order, op
            orders[op.y] = order
            for tensor in read_tensors(op):
                for other in (producers.get(tensor), *consumers.get(tensor, [])):
                    if other in members and tensor in orders:
                        union(leader, op, other)
        changed = False
        for group in groups(leader):
            inside = set(group)
            sources = {t for op in group for t in read_tensors(op) if t in orders and producers[t] not in inside}
            leaving = [op.y for op in group if op.y in model.outputs or op.y in captured or not set(consumers.get(op.y, [])) <= inside]
            freed = [t for t in sources if set(consumers[t]) <= inside and t not in model.outputs and t not in captured]
            if leaving and len(leaving) <= len(freed):
                self.exchange(model, group, members[group[0]], producers, set(leaving))
                changed = True
        return changed and swept(model)

    @staticmethod
    def exchange(
        model: RModel, group: list[ROperator], order: tuple[int, ...], producers: dict[Tensor, ROperator], leaving: set[Tensor]
    ) -> None:
        """Makes the operators of a group work on what is not transposed yet."""
        back = list(np.argsort(order))
        plain: dict[Tensor, Tensor] = {}
        for op in group:
            y = op.y
            inner = model.new_tensor(f"{y.name}_before", Type(y.dtype, tuple(y.shape[axis] for axis in back)))
            inputs: list[Tensor | None] = []
            for tensor in op.inputs:
                maker = producers.get(tensor) if tensor is not None else None
                if tensor is None or tensor in plain:
                    inputs.append(plain[tensor] if tensor is not None else None)
                elif isinstance(maker, Transpose) and tuple(maker.order(maker.x)) == order:
                    inputs.append(maker.x)
                elif tensor.is_constant and tensor.rank and isinstance(op, PointwiseOperator):
                    value = tensor.constant().reshape((1,) * (len(order) - tensor.rank) + tensor.constant().shape).transpose(back)
                    inputs.append(model.new_constant(f"{tensor.name}_moved", value, tensor.dtype))
                else:
                    inputs.append(tensor)
            op.inputs, op.outputs = inputs, [inner]
            plain[y] = inner
            if y in leaving:
                transpose = Transpose.make(f"{op.title()} transposed", perm=list(order)).between([inner], [y])
                model.operators.insert(model.operators.index(op) + 1, transpose)

    # ---- 5

    def viewed(self, model: RModel) -> bool:
        changed = False
        producers = model.producers()
        kernels = {op.y for op in model.operators if op.takes_epilogue}
        for op in list(model.operators):
            if not isinstance(op, PointwiseOperator) or len(op.outputs) != 1 or op.y.value is not None:
                continue
            found = [t for index in op.reads() if (t := op.inputs[index]) is not None and not t.is_constant and t.rank]
            views = [view for t in found if isinstance(view := producers.get(t), Reshaping) and view.x.layout == "planar"]
            # Kernels that could do it on the way come first, then loops over single elements.
            views.sort(key=lambda view: view.x not in kernels)
            if not views or not (views[0].x in kernels or isinstance(producers.get(views[0].x), PointwiseOperator)):
                continue
            if any(t.shape != op.y.shape for t in found) or (len(views) < len(found) and views[0].x not in kernels):
                continue
            before = views[0].x
            constants = {t: in_front(t, op.y, before) for t in op.inputs if t is not None and t.is_constant}
            if any(value is None for value in constants.values()):
                continue
            self.put_before(model, op, before, producers, constants)
            changed = True
        return changed and swept(model)

    @staticmethod
    def put_before(
        model: RModel,
        op: PointwiseOperator,
        before: Tensor,
        producers: dict[Tensor, ROperator],
        constants: Mapping[Tensor, np.ndarray | None],
    ) -> None:
        """Makes an operator work in the shape of `before`; its result is seen in the old shape."""
        y, place = op.y, model.operators.index(op)
        inputs: list[Tensor | None] = []
        for tensor in op.inputs:
            value = None if tensor is None else constants.get(tensor)
            maker = None if tensor is None else producers.get(tensor)
            if tensor is None or (value is None and not tensor.rank):
                inputs.append(tensor)
            elif value is not None:
                inputs.append(model.new_constant(f"{tensor.name}_moved", value, tensor.dtype))
            elif isinstance(maker, Reshaping) and maker.x.shape == before.shape:
                inputs.append(maker.x)
            else:
                viewed = model.new_tensor(f"{tensor.name}_view", Type(tensor.dtype, before.shape))
                view = reshape_to(f"{tensor.name} view", tensor, viewed)
                model.operators.insert(place, view)
                producers[view.y], place = view, place + 1
                inputs.append(view.y)
        op.inputs, op.outputs = inputs, [model.new_tensor(f"{y.name}_before", Type(y.dtype, before.shape))]
        view = reshape_to(f"{op.title()} view", op.y, y)
        model.operators.insert(place + 1, view)
        producers[op.y], producers[y] = op, view


def swept(model: RModel) -> bool:
    """What nobody reads any more goes, so that what is left has the readers that it seems to have; True, since something changed."""
    sweep(model)
    return True


def captured_tensors(model: RModel) -> set[Tensor]:
    """Tensors that the bodies of control flow may read."""
    return {t for op in model.operators if any(True for _ in nested_models(op)) for t in read_tensors(op)}


def certain(shape: Iterable[dims.Size], whole: tuple[dims.Size, ...]) -> bool:
    """Whether a shape broadcasts to a whole one without any assumption."""
    return all(size in (1, target) for size, target in zip(reversed(list(shape)), reversed(whole), strict=False))


def alike(op: ROperator, orders: dict[Tensor, tuple[int, ...]]) -> tuple[int, ...] | None:
    """The order in which all operands of a pointwise operator are transposed; None if they are not. So, too, rows times a matrix."""
    if not isinstance(op, PointwiseOperator):
        order = orders.get(op.x) if op.row_wise() is not None else None
        return order if order is not None and order[-1] == op.x.rank - 1 else None
    if len(op.outputs) != 1 or op.y.value is not None:
        return None
    found: set[tuple[int, ...]] = set()
    for tensor in read_tensors(op):
        if tensor in orders and tensor.rank == op.y.rank:
            found.add(orders[tensor])
        elif not (tensor.rank == 0 or (tensor.is_constant and tensor.rank <= op.y.rank and tensor.constant().size <= MOST)):
            return None
    return found.pop() if len(found) == 1 else None


def union(leader: dict[ROperator, ROperator], a: ROperator, b: ROperator) -> None:
    """Joins the groups of two operators."""
    leader[root(leader, a)] = root(leader, b)


def root(leader: dict[ROperator, ROperator], op: ROperator) -> ROperator:
    """Who stands for the group of an operator."""
    while leader[op] is not op:
        op = leader[op]
    return op


def groups(leader: dict[ROperator, ROperator]) -> list[list[ROperator]]:
    """The groups, each in the order of the operators."""
    found: dict[ROperator, list[ROperator]] = {}
    for op in leader:
        found.setdefault(root(leader, op), []).append(op)
    return list(found.values())


def in_front(tensor: Tensor, y: Tensor, before: Tensor) -> np.ndarray | None:
    """A constant operand of `y` as one of the same elements in the shape of `before`; None if it has no such shape."""
    value = tensor.constant()
    if value.size == 1:
        return value.reshape(())
    factors = refinement(y.shape, before.shape)
    ours = None if factors is None else runs_of(factors, y.shape)
    theirs = None if factors is None else runs_of(factors, before.shape)
    if factors is None or ours is None or theirs is None or value.ndim > y.rank or value.size > MOST:
        return None
    # The constant along the finest axes, 1 where it repeats; then whole along each axis of `before` along which it varies at all.
    own: list[dims.Size] = [1] * len(factors)
    for run, size in zip(ours, (1,) * (y.rank - value.ndim) + value.shape, strict=True):
        for place in run if size != 1 else ():
            own[place] = factors[place]
    whole = list(own)
    for run in theirs:
        if any(own[place] != 1 for place in run):
            for place in run:
                whole[place] = factors[place]
    numbers = [size for size in whole if isinstance(size, int)]
    if len(numbers) != len(whole) or math.prod(numbers) > MOST:
        return None
    filled = np.broadcast_to(value.reshape([size for size in own if isinstance(size, int)]), numbers)
    return filled.reshape([math.prod(numbers[place] for place in run) for run in theirs])
