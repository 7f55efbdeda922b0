"""The memory plan: which tensors share memory, and where in one arena each piece lies, as expressions of the dims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property

from onnx_bridge.errors import Finding, UnsupportedModel
from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.rmodel import RModel, nested_models
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import MOST_BYTES, Tensor
from onnx_bridge.passes.placement import Piece, arrange

ALIGNMENT = 64

#: What symbols stand for while the plan is made. The plan is right for all sizes and tightest near these.
TYPICAL = 16

#: What they stand for where the model takes no such sizes.
LARGE = (64, 256, 1024, 4096, 16384, 65536)


@dataclass(eq=False)
class Buffer:
    """A piece of the arena.

    Attributes:
        bytes: its size, rounded up to the alignment, with the plan's guard on both sides.
        needed: the bytes of what lies in it.
        start, end: the first and the last operator of the flat order that need it.
        below: the buffers that lie beneath it: it begins where the highest of them ends.
        index: its number in the plan's order, in which every buffer comes after those below it.
    """

    bytes: Size
    needed: Size
    start: int
    end: int
    below: list[Buffer] = field(default_factory=list)
    index: int = -1


@dataclass
class MemoryPlan:
    """Where everything is.

    Attributes:
        root: for a tensor that is another one's memory (views, in place), that other one.
        pointed: for a tensor that lies somewhere in the memory of another one, as is known only when it runs, that other one.
        buffers: the arena's pieces by root tensor.
        scratch: the piece that an operator uses while it runs.
        order: all pieces, each after those below it.
        times: when each operator runs, as `start` and `end` of buffers count.
        guard: bytes before and behind each piece that belong to nothing, a multiple of the alignment.
    """

    root: dict[Tensor, Tensor] = field(default_factory=dict)
    pointed: dict[Tensor, Tensor] = field(default_factory=dict)
    buffers: dict[Tensor, Buffer] = field(default_factory=dict)
    scratch: dict[ROperator, Buffer] = field(default_factory=dict)
    order: list[Buffer] = field(default_factory=list)
    times: dict[ROperator, int] = field(default_factory=dict)
    guard: int = 0

    def find(self, tensor: Tensor) -> Tensor:
        """The tensor whose memory a tensor is."""
        while tensor in self.root:
            tensor = self.root[tensor]
        return tensor

    def offsets(self, values: Mapping[str, int]) -> tuple[list[int], int]:
        """The offset of each buffer and the arena's size, in bytes, for given dims."""
        at: list[int] = []
        for buffer in self.order:
            at.append(max((at[b.index] + dims.evaluate(b.bytes, values) for b in buffer.below), default=0))
        total = max((o + dims.evaluate(b.bytes, values) for o, b in zip(at, self.order, strict=True)), default=0)
        return at, total

    def live_bytes(self, values: Mapping[str, int]) -> int:
        """The largest sum of buffers that are needed at one time: what no plan can go below."""
        ends = max((b.end for b in self.order), default=0)
        return max((sum(dims.evaluate(b.bytes, values) for b in self.order if b.start <= t <= b.end) for t in range(ends + 1)), default=0)

    @property
    def is_static(self) -> bool:
        """Whether all offsets are numbers."""
        return all(isinstance(b.bytes, int) for b in self.order)

    @cached_property
    def _fixed(self) -> list[int] | None:
        """The offsets of a plan that is made, where all are numbers."""
        return self.offsets({})[0] if self.is_static else None

    def cpp_offset(self, buffer: Buffer) -> str:
        """The offset in C++ of what lies in a buffer: a number, or an element of the run-time plan."""
        if self._fixed is not None:
            return str(self._fixed[buffer.index] + self.guard)
        return f"at[{buffer.index}] + {self.guard}" if self.guard else f"at[{buffer.index}]"


def plan_memory(model: RModel, guard: int = 0) -> MemoryPlan:
    """Plans the memory of a model whose operators, layouts and outputs are final.

    Args:
        model: the model.
        guard: see `MemoryPlan`.

    Raises:
        UnsupportedModel: it needs more than any processor addresses, whatever the run-time sizes are.
    """
    timeline = _Timeline(model)
    plan = MemoryPlan(times=timeline.times, guard=guard)
    owned, limits = {*model.inputs, *model.outputs}, model.limits()
    for op in timeline.operators:
        if op.is_view and op.outputs[0] is not None:
            _join_view(plan, op.x, op.y, owned)
    _point(plan, timeline, owned)
    ends: dict[Tensor, int] = {}
    for tensor, (_, end) in timeline.spans.items():
        root = plan.find(tensor)
        ends[root] = max(end, ends.get(root, end))
    for op in timeline.operators:
        _join_in_place(plan, op, timeline.times[op], ends, owned)
    spans: dict[Tensor, tuple[int, int]] = {}
    for tensor, (start, end) in timeline.spans.items():
        root = plan.find(tensor)
        first, last = spans.get(root, (start, end))
        spans[root] = (min(first, start), max(last, end))
    for root, (start, end) in spans.items():
        if root not in owned and not root.is_constant and root not in plan.pointed:
            plan.buffers[root] = _buffer(limit_of(root.bytes, limits), start, end, guard)
    for op, time in timeline.times.items():
        scratch = limit_of(op.scratch_bytes(), limits)
        if scratch != 0:
            plan.scratch[op] = _buffer(scratch, time, time, guard)
    total = sum(dims.largest_factor(buffer.bytes) for buffer in (*plan.buffers.values(), *plan.scratch.values()))
    if total > MOST_BYTES:
        raise UnsupportedModel([Finding("", "memory", f"the model needs {total:.2g} bytes of scratch memory, more than any memory has")])
    _place(plan, model)
    return plan


def limit_of(size: Size, limits: Mapping[str, Size]) -> Size:
    """What a number of bytes is never above, whatever data decides; `limits` is a model's."""
    try:
        return dims.at_most(size, limits)
    except ValueError as error:
        raise UnsupportedModel([Finding("", "memory", str(error))]) from None


def _buffer(needed: Size, start: int, end: int, guard: int) -> Buffer:
    return Buffer(dims.ceil_div(needed, ALIGNMENT) * ALIGNMENT + 2 * guard, needed, start, end)


class _Timeline:
    """The operators in the order in which they run, nested ones inside, and when each tensor is needed."""

    def __init__(self, model: RModel) -> None:
        self.operators: list[ROperator] = []
        self.times: dict[ROperator, int] = {}
        self.spans: dict[Tensor, tuple[int, int]] = {}
        self._clock = 0
        self._lasting: list[Tensor] = []
        self._walk(model)
        for tensor in (*model.outputs, *self._lasting):
            self._touch(tensor, self._clock)

    def _touch(self, tensor: Tensor, time: int) -> None:
        start, end = self.spans.get(tensor, (time, time))
        self.spans[tensor] = (min(start, time), max(end, time))

    def _walk(self, model: RModel) -> None:
        for op in model.operators:
            self._clock += 1
            start = self._clock
            self.operators.append(op)
            self.times[op] = start
            for index in op.reads():
                tensor = op.inputs[index]
                if tensor is not None:
                    self._touch(tensor, start)
            for tensor in op.outputs:
                if tensor is not None:
                    self._touch(tensor, start)
                    if op.lasts:
                        self._lasting.append(tensor)
            bodies = list(nested_models(op))
            for body in bodies:
                before = set(self.spans)
                for tensor in body.inputs:
                    self._touch(tensor, start)
                self._walk(body)
                self._clock += 1
                for tensor in body.outputs:
                    self._touch(tensor, self._clock)
                # What comes from outside, and what is carried from turn to turn, is needed until the last turn ends.
                for tensor in before | set(body.inputs):
                    if self.spans[tensor][1] > start or tensor in body.inputs:
                        self._touch(tensor, self._clock)
            if bodies:
                for tensor in (*op.inputs, *op.outputs):
                    if tensor is not None and (tensor in op.outputs or tensor in self.spans):
                        self._touch(tensor, self._clock)


def _join_view(plan: MemoryPlan, source: Tensor, view: Tensor, owned: set[Tensor]) -> None:
    """The memory of a view is that of its source; if the view is an output, the source is made there."""
    a, b = plan.find(source), plan.find(view)
    if a is b:
        return
    if b in owned and a not in owned and not a.is_constant:
        plan.root[a] = b
    else:
        plan.root[b] = a


def _point(plan: MemoryPlan, timeline: _Timeline, owned: set[Tensor]) -> None:
    """What lies in the memory of another tensor has none of its own, and that one stays as long as it and its views do."""
    pointed = {op.y: op.x for op in timeline.operators if op.points and op.outputs[0] is not None}
    plan.pointed.update((y, x) for y, x in pointed.items() if y not in plan.root and y not in owned)
    for tensor, (_, end) in list(timeline.spans.items()):
        root = plan.find(tensor)
        while root in plan.pointed:
            root = plan.pointed[root]
            start, last = timeline.spans.get(root, (end, end))
            timeline.spans[root] = (start, max(last, end))
            root = plan.find(root)


def _join_in_place(plan: MemoryPlan, op: ROperator, now: int, ends: dict[Tensor, int], owned: set[Tensor]) -> None:
    """The first output takes over the memory of an input that nobody needs afterwards; `ends` says when each memory was needed last."""
    if op.is_view or not op.outputs or op.outputs[0] is None or not op.in_place:
        return
    target = plan.find(op.y)
    if target in owned:
        return
    for index in op.in_place:
        tensor = op.inputs[index]
        if tensor is None:
            continue
        source = plan.find(tensor)
        kept = source in owned or source in plan.pointed or source.is_constant or source is target
        if kept or ends[source] != now or source.bytes != target.bytes:
            continue
        plan.root[target] = source
        ends[source] = max(now, ends.pop(target))
        return


def _place(plan: MemoryPlan, model: RModel) -> None:
    """Says of each buffer on which others it lies."""
    buffers = [*plan.buffers.values(), *plan.scratch.values()]
    symbols = _all_symbols(plan, model.symbols)
    conditions = [size for size in model.conditions if dims.symbols(size) <= symbols]
    settings = _settings(symbols, [*conditions, *(buffer.bytes for buffer in buffers)])
    pieces = [Piece(b.start, b.end, tuple(_bytes_at(b.bytes, values) for values in settings)) for b in buffers]
    placement = arrange(pieces)
    plan.order = [buffers[piece] for piece in placement.order]
    for index, piece in enumerate(placement.order):
        buffers[piece].index = index
        buffers[piece].below = [buffers[other] for other in placement.below[piece]]


def _bytes_at(size: Size, values: Mapping[str, int]) -> int:
    """The bytes of a buffer at a setting, as a number that can be counted with; 0 where the model cannot have the setting."""
    try:
        return min(dims.evaluate(size, values), MOST_BYTES)
    except dims.DividedByZero:
        return 0


def _settings(symbols: Set[str], sizes: Sequence[Size]) -> list[dict[str, int]]:
    """Values of the symbols by which buffers are placed, typical ones first: all alike, then one of them smaller or larger.

    Left out are those at which one of `sizes` is negative: the model takes no such.
    """
    if not symbols:
        return [{}]
    names = sorted(symbols)
    typical = next((size for size in (TYPICAL, *LARGE) if _sound(dict.fromkeys(names, size), sizes)), TYPICAL)
    alike = [dict.fromkeys(names, size) for size in (1, 4 * typical, 16 * typical)]
    one = [{**dict.fromkeys(names, typical), name: size} for name in names[:4] for size in (1, 16 * typical)] if len(names) > 1 else []
    return [dict.fromkeys(names, typical), *(values for values in (*alike, *one) if _sound(values, sizes))]


def _sound(values: Mapping[str, int], sizes: Sequence[Size]) -> bool:
    """Whether no size is negative, or none at all, for values of the symbols."""
    try:
        return all(dims.evaluate(size, values) >= 0 for size in sizes)
    except dims.DividedByZero:
        return False


def _all_symbols(plan: MemoryPlan, symbols: Sequence[str]) -> set[str]:
    found = set(symbols)
    for buffer in [*plan.buffers.values(), *plan.scratch.values()]:
        found |= dims.symbols(buffer.bytes)
    return found
