"""Loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import bool_, int64
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.operators.if_ import copy_tensor


@operator("Loop", since=1)
class Loop(ROperator):
    """Runs a graph up to M times, for as long as its condition holds, carrying tensors from turn to turn and stacking scan outputs.

    Carried tensors keep their shapes. What a turn hands on unchanged is not carried: the graph reads it where it is. Scan
    outputs have M turns; a loop that has some and ends early makes the call return false, since its sizes would depend on data.
    """

    tested_by = "test_control_flow.py"

    body: Any = attribute()
    #: Tensors of the turn's number and of the condition, and those carried: (position among the carried, body's input).
    turn: Tensor | None = field(default=None)
    condition: Tensor | None = field(default=None)
    carried: list[tuple[int, Tensor]] = field(default_factory=list)

    def types(self, trips: Tensor | None, condition: Tensor | None, *initial: Tensor) -> Sequence[Type]:
        body = self.body
        names = body.input_names
        if len(names) != 2 + len(initial):
            raise ShapeError(f"the body has {len(names)} inputs, expected {2 + len(initial)}")
        outputs = [value.name for value in body.graph.output]
        self.turn = Tensor(names[0], Type(int64, body.declared_shape(0, ())))
        self.condition = Tensor(names[1], Type(bool_, body.declared_shape(1, ())))
        bound: dict[str, Tensor] = {names[0]: self.turn, names[1]: self.condition}
        self.carried = []
        for i, tensor in enumerate(initial):
            if outputs[1 + i] == names[2 + i]:
                bound[names[2 + i]] = tensor
            else:
                bound[names[2 + i]] = Tensor(names[2 + i], tensor.type)
                self.carried.append((i, bound[names[2 + i]]))
        own = [self.turn, self.condition, *(t for _, t in self.carried)]
        lowered = self.body = body.lower(own, bound)
        made = lowered.outputs[1 : 1 + len(initial)]
        for i, tensor in self.carried:
            if made[i].dtype is not tensor.dtype or made[i].rank != tensor.rank:
                raise UnsupportedForm(f"carried tensor {tensor.name!r} changes from {tensor.type} to {made[i].type}")
            for a, b in zip(made[i].shape, tensor.shape, strict=True):
                same(a, b)
        scans = lowered.outputs[1 + len(initial) :]
        if scans and trips is None:
            raise UnsupportedForm("scan outputs of a loop without a trip count have a size that depends on data")
        stacked = [Type(t.dtype, (trips.sizes()[0], *t.shape)) for t in scans] if trips is not None else []
        return [*(t.type for t in initial), *stacked]

    @property
    def trips(self) -> Size | None:
        """The trip count where it is known as a size."""
        count = self.inputs[0]
        return None if count is None or count.value is None else count.sizes()[0]

    @property
    def runs_at_first(self) -> bool:
        """Whether the condition is absent, or known to hold at first."""
        condition = self.inputs[1]
        return condition is None or (condition.is_constant and bool(condition.constant().reshape(-1)[0]))

    def reads(self) -> Sequence[int]:
        first = [0] if self.inputs[0] is not None and self.trips is None else []
        return [*first, *([] if self.runs_at_first else [1]), *range(2, len(self.inputs))]

    def emit(self, cpp: Writer) -> None:
        assert isinstance(self.body, RModel) and self.turn is not None and self.condition is not None
        turn, goes_on = cpp.local("turn"), cpp.local("goes_on")
        for i, tensor in self.carried:
            copy_tensor(cpp, tensor, self.input(2 + i))
        cpp.line(f"bool {goes_on} = {'true' if self.runs_at_first else '*' + cpp.pointer(self.input(1))};")
        count = self.inputs[0]
        limit = cpp.size(self.trips) if self.trips is not None else ("" if count is None else f"*{cpp.pointer(count)}")
        cpp.line(f"Size {turn} = 0;")
        with cpp.block(f"for (; {goes_on}{f' && {turn} < {limit}' if limit else ''}; {turn}++)"):
            cpp.line(f"*{cpp.pointer(self.turn)} = static_cast<std::int64_t>({turn});")
            cpp.line(f"*{cpp.pointer(self.condition)} = {goes_on};")
            cpp.operators(self.body.operators)
            kept = len(self.inputs) - 2
            for scan, target in zip(self.body.outputs[1 + kept :], self.outputs[kept:], strict=True):
                if target is not None:
                    copy_tensor(cpp, target, scan, f" + {turn} * {cpp.size(scan.count)}")
            for i, tensor in self.carried:
                copy_tensor(cpp, tensor, self.body.outputs[1 + i])
            cpp.line(f"{goes_on} = *{cpp.pointer(self.body.outputs[0])};")
        if any(t is not None for t in self.outputs[kept:]):
            cpp.line(f"if ({turn} != {limit}) return false;")
        carried = dict(self.carried)
        for i, target in enumerate(self.outputs[:kept]):
            if target is not None:
                copy_tensor(cpp, target, carried.get(i, self.input(2 + i)))
