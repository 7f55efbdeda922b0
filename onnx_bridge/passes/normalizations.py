"""LayerNormalization, RMSNormalization and GroupNormalization, as exporters take them apart, are put together again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.links import Links
from onnx_bridge.ir.rmodel import RModel, sweep
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.library.moving import Reshaping
from onnx_bridge.operators.group_normalization import GroupNormalization, InstanceNormalization
from onnx_bridge.operators.layer_normalization import LayerNormalization, RMSNormalization
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.pow import Pow
from onnx_bridge.operators.reshape import Reshape
from onnx_bridge.operators.transpose import Transpose
from onnx_bridge.passes.base import Pass
from onnx_bridge.passes.moments import Moments, expressions, moments_of, normal_form

Add, Mul, Sqrt = (TABLE[name] for name in ("Add", "Mul", "Sqrt"))


class Normalizations(Pass):
    """
    The variance is the mean of (x - mean)^2, or the mean of x^2 less mean^2 (then perhaps not below 0). What follows may be written in any
    way that amounts to (x - mean) / sqrt(variance + epsilon) * scale + bias, scale and bias constants: it is multiplied out, and compared.

    1. LayerNormalization; along other axes than the last ones between two Transposes, which others may take in. Scale and bias that vary
       along other axes are Mul and Add behind it.
    2. The same of x and the mean of x^2: RMSNormalization, then Add of the bias, if there is one.
    3. Of [N, ..., G, C] or [N, G, C, ...] along all axes but N and G: GroupNormalization.
    4. InstanceNormalization of [N, C, ...] as [N, G, -1], back in its shape: GroupNormalization.

    On E[x^2] - E[x]^2: it loses what mean^2 / variance has of digits; LayerNormalization does not. The two differ by the error that the
    model has as it is written, which shows in how far its answer moves by a nudge of its inputs, so they are the same by the rule for
    when an answer is right; and ours is the one that is nearer to the formula in exact numbers.
    """

    name = "normalizations"
    takes = gives = Dialect.ONNX

    def call(self, model: RModel) -> bool:
        self.links = Links(model)
        self.place: dict[ROperator, float] = {op: i for i, op in enumerate(model.operators)}
        self.gone: set[ROperator] = set()
        for root in list(model.operators):
            if isinstance(root, (Sqrt, Pow)) and root not in self.gone:
                self.around(model, root)
        model.operators = [op for op in model.operators if op not in self.gone]
        changed = bool(self.gone)
        for op in list(model.operators):
            if isinstance(op, InstanceNormalization):
                changed |= self.grouped(model, op)
        return changed

    def around(self, model: RModel, root: ROperator) -> None:
        """Recognises the normalization that a root belongs to."""
        moments = moments_of(root, self.links.producers)
        if moments is None or moments.x.dtype is not float32:
            return
        found: tuple[ROperator, np.ndarray, np.ndarray] | None = None
        for op, expression in expressions(root, moments, self.links, self.place):
            form = normal_form(expression, moments)
            if form is not None and op.y.shape == moments.x.shape:
                found = (op, *form)
        if found is None:
            self.decline(root.title(), "what is made of the root of a variance is not a normalization")
            return
        last, scale, bias = found
        rank = moments.x.rank
        made = None
        along = moments.axes == tuple(range(rank - len(moments.axes), rank))
        if along and all(along_row(value, range(rank), len(moments.axes)) is not None for value in (scale, bias)):
            made = self.rows(model, moments, scale, bias, last)
        elif moments.centered and rank >= 3 and moments.axes == (*range(1, rank - 2), rank - 1):
            made = self.groups(model, moments, scale, bias, last, channels_last=True)
        elif moments.centered and rank >= 4 and moments.axes == tuple(range(2, rank)) and moments.x.shape[2] != 1:
            made = self.groups(model, moments, scale, bias, last, channels_last=False)
        made = made or self.rows(model, moments, scale, bias, last)
        if made is None:
            self.decline(last.title(), "the sizes of what is normalized are not known")
            return
        place = model.operators.index(last)
        model.operators[place : place + 1] = made
        self.place.update({op: self.place[last] + i / len(made) for i, op in enumerate(made)})
        self.links.goes(last)
        self.links.comes(*made)
        self.gone |= {last, *self.links.sweep(t for t in last.inputs if t is not None)}

    @staticmethod
    def rows(model: RModel, moments: Moments, scale: np.ndarray, bias: np.ndarray, last: ROperator) -> list[ROperator] | None:
        """LayerNormalization or RMSNormalization of the axes, made the last ones; what cannot be its scale and bias comes behind it."""
        x, count = moments.x, len(moments.axes)
        order = [*(axis for axis in range(x.rank) if axis not in moments.axes), *moments.axes]
        row = [int(size) for axis in moments.axes if isinstance(size := x.shape[axis], int)]
        if len(row) != count:
            return None
        ready = [along_row(value, order, count) for value in (scale, bias)]
        one, zero = np.ones(()), np.zeros(())
        inner = [value if value is not None else default for value, default in zip(ready, (one, zero), strict=True)]
        if ready[0] is None or (ready[1] is None and not moments.centered):
            inner[1] = zero  # the bias comes after the scale
        left = [scale if ready[0] is None else None, bias if inner[1] is zero and bias.any() else None]
        build = Chain(model, last, x)
        if order != sorted(order):
            build.transpose(order)
        cls = LayerNormalization if moments.centered else RMSNormalization
        if not moments.centered and inner[1].any():
            inner[1], left[1] = zero, bias
        numbers = [np.broadcast_to(value, row).astype(np.float32) for value in inner]
        parameters = [build.constant(value) for value in (numbers if numbers[1].any() else numbers[:1])]
        build.add(cls, 23, build.tensor.type, *parameters, axis=-count, epsilon=moments.epsilon)
        if order != sorted(order):
            build.transpose([int(place) for place in np.argsort(order)])
        for following, value in zip((Mul, Add), left, strict=True):
            if value is not None:
                build.add(following, 22, build.tensor.type, build.constant(value.astype(np.float32)))
        return build.operators

    @staticmethod
    def groups(
        model: RModel, moments: Moments, scale: np.ndarray, bias: np.ndarray, last: ROperator, channels_last: bool
    ) -> list[ROperator] | None:
        """GroupNormalization of [N, ..., G, C], or of [N, G, C, ...]."""
        x = moments.x
        rank, at = x.rank, x.rank - 2 if channels_last else 1
        groups, width = x.shape[at : at + 2]
        order = [*(axis for axis in range(rank) if axis not in (at, at + 1)), at, at + 1]
        parameters = [along_row(value, order, 2) for value in (scale, bias)]
        if not isinstance(groups, int) or not isinstance(width, int) or any(p is None for p in parameters):
            return None
        build = Chain(model, last, x)
        build.reshape([*x.shape[:at], groups * width, *x.shape[at + 2 :]])
        axes = rank - 1
        if channels_last:
            build.transpose([0, axes - 1, *range(1, axes - 1)])
        numbers = [np.broadcast_to(p, (groups, width)).reshape(-1).astype(np.float32) for p in parameters if p is not None]
        constants = [build.constant(value) for value in numbers]
        build.add(GroupNormalization, 21, build.tensor.type, *constants, num_groups=groups, epsilon=moments.epsilon)
        if channels_last:
            build.transpose([0, *range(2, axes), 1])
        build.reshape(x.shape)
        return build.operators

    def grouped(self, model: RModel, op: InstanceNormalization) -> bool:
        producers, consumers = model.producers(), model.consumers()
        before, readers = producers.get(op.x), consumers.get(op.y, [])
        after = readers[0] if len(readers) == 1 else None
        if not isinstance(before, Reshaping) or not isinstance(after, Reshaping) or op.y in model.outputs or after.y.type != before.x.type:
            return False
        x, groups = before.x, op.x.shape[1]
        channels = x.shape[1] if x.rank > 2 else None
        if not isinstance(groups, int) or not isinstance(channels, int) or op.x.shape[0] != x.shape[0] or channels % groups:
            return False
        if op.x.rank != 3 or not all(t.is_constant for t in (op.input(1), op.input(2))):
            return False
        scale, bias = (
            model.new_constant(f"{op.y.name}_{hint}", np.repeat(t.constant(), channels // groups))
            for hint, t in (("scale", op.input(1)), ("bias", op.input(2)))
        )
        made = GroupNormalization.make(op.name, 21, num_groups=groups, epsilon=op.epsilon).between([x, scale, bias], [after.y])
        model.operators[model.operators.index(after)] = made
        sweep(model)
        return True


def along_row(value: np.ndarray, order: Sequence[int], count: int) -> np.ndarray | None:
    """A constant with its axes in an order, and without those in front of the last `count`, along which it must not vary."""
    value = value.reshape((1,) * (len(order) - value.ndim) + value.shape).transpose(order)
    return value.reshape(value.shape[-count:]) if all(size == 1 for size in value.shape[:-count]) else None


class Chain:
    """Operators one behind the other, the last of which makes what another one made."""

    def __init__(self, model: RModel, last: ROperator, x: Tensor) -> None:
        self.model, self.last, self.operators = model, last, list[ROperator]()
        self.tensor = x

    def add(self, cls: type[ROperator], opset: int, type_: Type, *inputs: Tensor, **attributes: object) -> None:
        """The next operator, of what there is so far and other inputs."""
        op = cls.make(f"{self.last.title()} {cls.op_type}", opset, **attributes)
        op.inputs = [self.tensor, *inputs]
        if self.operators:
            inner = self.model.new_tensor(f"{self.last.y.name}_{self.operators[-1].op_type.lower()}", self.tensor.type)
            self.operators[-1].outputs = [inner]
            op.inputs[0] = inner
        op.outputs = [self.last.y]
        self.operators.append(op)
        self.tensor = Tensor(self.last.y.name, type_)

    def transpose(self, order: Sequence[int]) -> None:
        """The axes in another order."""
        shape = tuple(self.tensor.shape[axis] for axis in order)
        self.add(Transpose, 22, Type(self.tensor.dtype, shape), perm=list(order))

    def reshape(self, shape: Sequence[Size]) -> None:
        """Another shape."""
        self.add(Reshape, 22, Type(self.tensor.dtype, tuple(shape)), shape=list(shape), allowzero=1)

    def constant(self, value: np.ndarray) -> Tensor:
        """A constant."""
        return self.model.new_constant(f"{self.last.y.name}_parameter", value)
