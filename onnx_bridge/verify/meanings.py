"""What inputs mean: where their elements go tells indices from lengths, masks and numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.meaning import Meaning
from onnx_bridge.ir.rmodel import RModel, nested_models
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.verify.places import PLACES
from onnx_bridge.verify.traces import Trace

#: Operators whose output holds elements of the first input, unchanged for what matters here.
_PASSING = {
    "Reshape", "Unsqueeze", "Squeeze", "Identity", "Flatten", "Transpose", "Expand", "Tile", "Split", "Pad", "Clip", "Dropout",
    "Floor", "Round", "Ceil", "Trilu", "Compress", "Abs", "ReduceMax", "ReduceMin", "CastLike",
}  # fmt: skip

#: Operators that read shapes alone.
_OF_SHAPES = {"Shape", "Size", "EyeLike"}

#: A mask is told by what it is multiplied with, or what stands where it does not keep: such a number, or a larger one.
_LARGE = 1e3


def meanings(model: RModel) -> dict[str, Meaning]:
    """What the elements of each input mean, as far as the operators tell that read it.

    Args:
        model: as it is lowered, before its passes: those make several operators one.
    """
    walk = _Walk({tensor.name: Meaning() for tensor in model.inputs}, model.inputs)
    for tensor in model.inputs:
        walk.traces[tensor] = {Trace(tensor.name, truth=int(tensor.dtype.name == "bool"))}
    walk.through(model)
    for tensor in model.inputs:
        meaning = walk.found[tensor.name]
        if tensor.dtype.is_float and meaning.counts:  # features that are also compared with zero
            meaning.keeps = 0
        elif tensor.rank == 1 and walk.beside_ramps.get(tensor.name) == {True, False}:
            meaning.ascends = True
        elif tensor.dtype.is_integer and tensor.rank > 1 and tensor.name in walk.truths and not (meaning.counts or meaning.codes - {0, 1}):
            meaning.keeps = meaning.keeps or 1
            if tensor.name in walk.summed - walk.looked_up:  # positions are counts of what is kept, and no bound is the mask's
                meaning.bounds.clear()
    return walk.found


class _Walk:
    def __init__(self, found: dict[str, Meaning], inputs: Sequence[Tensor]) -> None:
        self.found, self.inputs = found, inputs
        self.traces: dict[Tensor, set[Trace]] = {}
        #: Inputs of which it matters whether they are zero.
        self.truths: set[str] = set()
        #: Whole inputs that are summed up; and those whose own elements are indices, whatever they are multiplied with.
        self.summed: set[str] = set()
        self.looked_up: set[str] = set()
        #: Tensors that count 0, 1, 2, ..., and up to where; inputs that are compared with them, as they are or the later ones of them.
        self.ramps: dict[Tensor, Size] = {}
        self.beside_ramps: dict[str, set[bool]] = {}

    def through(self, model: RModel) -> None:
        for op in model.operators:
            bodies = list(nested_models(op))
            for body in bodies:
                self.enter(op, body)
                self.through(body)
            known = [self.traces.get(tensor, set()) if tensor is not None else set() for tensor in op.inputs]
            self.ramp(op)
            made = [t for t in (op.outputs[:1] if op.op_type == "TopK" else op.outputs) if t is not None]  # not the positions
            if bodies:
                inner = [[self.traces.get(t, set()) for t in body.outputs] for body in bodies]
                for place, tensor in enumerate(op.outputs):
                    if tensor is not None and op.op_type == "If":
                        self.traces[tensor] = set().union(*(traces[place] for traces in inner))
            elif any(known):
                result = _STEPS.get(op.op_type, _other)(self, op, known)
                self.traces.update(dict.fromkeys(made, result))

    def enter(self, op: ROperator, body: RModel) -> None:
        """What a body's inputs hold at first: those of a Loop are carried, those of a Scan as well, or slices."""
        carried: Sequence[tuple[int, Tensor]] = getattr(op, "carried", ())
        slices: Sequence[Tensor] = getattr(op, "slices", ())
        skipped = 2 if op.op_type == "Loop" else 0
        pairs = [(op.inputs[skipped + place], inner) for place, inner in carried]
        pairs += [(op.inputs[len(op.inputs) - len(slices) + place], inner) for place, inner in enumerate(slices)]
        for outer, inner in pairs:
            if outer is not None and outer in self.traces:
                self.traces[inner] = self.traces[outer]

    def ramp(self, op: ROperator) -> None:
        """Keeps `ramps`: the outputs of Range, constants that are the like, and what is made of them without arithmetic."""
        for tensor in op.inputs:
            if tensor is not None and tensor.is_constant and tensor.dtype.is_integer and tensor.count != 1:
                flat = tensor.constant().reshape(-1)
                if flat.size and np.array_equal(flat, np.arange(flat.size)):
                    self.ramps[tensor] = int(flat.size)
        first = op.inputs[0] if op.inputs else None
        if op.op_type == "Range" and _size(first) == 0 and _size(op.inputs[2]) == 1:
            self.ramps[op.y] = op.y.shape[0]
        elif first in self.ramps and op.op_type in ("Unsqueeze", "Squeeze", "Reshape", "Cast", "Identity", "Expand", "Transpose"):
            self.ramps[op.y] = self.ramps[first]

    # ---- what uses say

    def index(self, traces: set[Trace], size: Size) -> None:
        for trace in traces:
            if not trace.picked:
                self.looked_up.add(trace.source)
            self.found[trace.source].bounds.append(trace.within(0, size - 1))

    def length(self, traces: set[Trace], size: Size) -> None:
        for trace in traces:
            self.found[trace.source].bounds.append(trace.within(1, size))

    def counted(self, traces: set[Trace]) -> None:
        for trace in traces:
            if not trace.truth:
                self.found[trace.source].counts = True

    def mask(self, traces: set[Trace], kept_for_zero: bool) -> None:
        """The elements decide what is kept: what stands where they are zero, or what stands where they are not."""
        for trace in traces:
            zero = trace.is_zero_for()
            if zero is not None:
                self.found[trace.source].keeps = 1 if (zero == 1) == kept_for_zero else -1


_Known = list[set[Trace]]


def _other(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    """An operator that calculates, or is not known here."""
    if op.op_type in _PASSING or (op.op_type == "TopK" and op.x.dtype.is_integer):  # lengths are sorted before they are used
        return known[0]
    if op.domain in ("", "com.microsoft") and op.op_type not in _OF_SHAPES:
        for tensor, traces in zip(op.inputs, known, strict=True):
            if tensor is not None and op.inputs[0] is not None and tensor.dtype is op.inputs[0].dtype:  # others may be indices
                walk.counted(traces)
    return set()


def _union(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    return set().union(*known)


def _cast(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    if op.y.dtype.name != "bool":
        return known[0]
    walk.truths |= {trace.source for trace in known[0]}
    return {Trace(trace.source, truth=-1 if trace.is_zero_for() == 1 else 1) for trace in known[0]}


def _slice(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    return {replace(trace, later=True) for trace in known[0]}


def _gather(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    axis = getattr(op, "axis", 0) or 0
    walk.index(known[1], op.x.shape[axis] if op.x.rank else 1)
    return known[0]


def _gather_nd(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    begin, depth = getattr(op, "batch_dims", 0), op.input(1).shape[-1]
    if isinstance(depth, int) and known[1]:
        for size in op.x.shape[begin : begin + depth]:
            walk.index(known[1], size)
    return known[0] | (known[2] if len(known) > 2 else set())


def _scatter(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    walk.index(known[1], op.x.shape[op.axis])  # type: ignore[attr-defined]
    return known[0] | known[2]


def _one_hot(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    axis = getattr(op, "axis", -1)
    walk.index(known[0], op.y.shape[axis])
    return set()


def _sequences(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    """LSTM, GRU and RNN: the fifth input is lengths."""
    time = 1 if getattr(op, "layout", 0) else 0
    for place, traces in enumerate(known):
        if place == 4:
            walk.length(traces, op.x.shape[time])
        else:
            walk.counted(traces)
    return set()


def _reverse_sequence(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    walk.length(known[1], op.x.shape[getattr(op, "time_axis", 0)])
    return known[0]


def _attention(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    mask = op.arguments(4)[3]
    for place, traces in enumerate(known):
        if place == 3 and mask is not None and mask.dtype.name == "bool":
            walk.mask(traces, kept_for_zero=False)
        elif place == 6:
            walk.length(traces, op.shapes()[3])  # type: ignore[attr-defined]
        else:
            walk.counted(traces)
    return set()


def _constant(tensor: Tensor | None) -> float | None:
    """The one number that a constant holds."""
    if (
        tensor is None
        or not tensor.is_constant
        or tensor.value is None
        or not tensor.value.size
        or tensor.dtype.name in ("bfloat16", "string")
    ):
        return None
    first = tensor.value.reshape(-1)[0]
    return float(first) if np.all(tensor.value == first) else None


def _size(tensor: Tensor | None) -> Size | None:
    """The one whole number or size that is known of a tensor."""
    number = _constant(tensor)
    if number is not None:
        return int(number) if number.is_integer() else None
    symbolic = tensor is not None and tensor.value is not None and tensor.value.dtype == object and tensor.value.size == 1
    return tensor.sizes()[0] if symbolic and tensor is not None else None


def _sum(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    """Add and Sub: of a known number, a shift; of two inputs, each gets its part of what is allowed."""
    sign = -1 if op.op_type == "Sub" else 1
    for place in (0, 1):
        size = _size(op.inputs[place])
        if size is not None and not known[place]:
            if place == 1:
                return {replace(trace, shift=trace.shift + sign * size) for trace in _numbers(known[0])}
            return {replace(trace, factor=sign * trace.factor, shift=size + sign * trace.shift) for trace in _numbers(known[1])}
    if known[0] and known[1] and all(trace.picked for trace in known[0] | known[1]):
        return _one_of(walk, known[0] | known[1])
    if op.op_type == "Add" and known[0] and known[1]:
        share = max(trace.share for trace in known[0]) + max(trace.share for trace in known[1])
        return {replace(trace, share=share) for trace in _numbers(known[0] | known[1])}
    for traces in known:
        walk.counted(traces)
    return set()


def _numbers(traces: set[Trace]) -> set[Trace]:
    """Traces to calculate with: a truth is 0 or 1, as the mask that it comes from, or the other way round."""
    return {
        trace if not trace.truth else Trace(trace.source, Fraction(trace.truth), 0 if trace.truth > 0 else 1) for trace in traces
    }  # fmt: skip


def _product(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    """Mul and Div by a number that is known; by a large one, of a mask; by what is no constant, of a mask or a factor."""
    for place in (0, 1):
        number = _constant(op.inputs[place])
        if number is None or known[place] or (place == 0 and op.op_type == "Div"):
            continue
        traces = _numbers(known[1 - place])
        if abs(number) >= _LARGE and op.op_type == "Mul" and (op.y.dtype.is_float or number < 0):
            walk.mask(traces, kept_for_zero=True)
            return set()
        if number and number.is_integer():
            factor = Fraction(int(number)) if op.op_type == "Mul" else 1 / Fraction(int(number))
            whole = {trace for trace in traces if isinstance(trace.shift, int) and (trace.shift * factor).denominator == 1}
            walk.counted(traces - whole)
            return {replace(trace, factor=trace.factor * factor, shift=int(trace.shift * factor)) for trace in whole}  # type: ignore[operator]
    if not op.y.dtype.is_float:
        if op.op_type == "Div":
            walk.length(known[1], 9)  # whole numbers are not divided by 0
        return {replace(trace, picked=True) for trace in known[0] | known[1]}
    # A factor for all of a row is as good as a mask: what it is multiplied with goes on.
    return set().union(*(traces for tensor, traces in zip(op.inputs, known, strict=True) if tensor and tensor.shape == op.y.shape))


def _where(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    """Of a mask what it keeps is known where a constant stands for the rest."""
    numbers = [_constant(tensor) for tensor in op.inputs[1:3]]
    if numbers[0] is not None or numbers[1] is not None:
        gone = int(numbers[0] is None or (numbers[1] is not None and numbers[1] < numbers[0]))  # what is not kept
        value = numbers[gone]
        if op.y.dtype.is_float and value is not None and (value <= -_LARGE or value == 0):
            walk.mask(known[0], kept_for_zero=gone == 0)
    return _one_of(walk, known[1] | known[2])


def _one_of(walk: _Walk, traces: set[Trace]) -> set[Trace]:
    """One of these: where they are of one input, but for the shift, the model wraps negative indices itself."""
    chosen: dict[str, Trace] = {}
    for trace in traces:
        other = chosen.get(trace.source)
        if other is not None and other.factor == trace.factor and other.shift != trace.shift:
            walk.found[trace.source].wraps = True
        if other is None or trace.shift == 0:
            chosen[trace.source] = trace
    return set(chosen.values())


def _not(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    return {replace(trace, truth=-trace.truth) for trace in known[0]}


def _compared(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    """Comparisons with a known number: with 0, 1 or what is between them also the truth of a mask."""
    made: set[Trace] = set()
    for place in (0, 1):
        other = op.inputs[1 - place]
        number = _constant(other)
        ramp = walk.ramps.get(other) if other is not None else None
        for trace in known[place]:
            if number is None:
                if ramp is not None and not trace.truth and op.op_type == "Equal":  # one-hot, written out
                    walk.index({trace}, ramp)
                elif ramp is not None and not trace.truth:
                    walk.length({trace}, ramp)
                    walk.beside_ramps.setdefault(trace.source, set()).add(trace.later)
                else:
                    walk.counted({trace})
                continue
            if not trace.truth and trace.factor == 1 and trace.share == 1 and isinstance(trace.shift, int) and number.is_integer():
                code = int(number) - trace.shift
                walk.found[trace.source].codes |= {code} if op.op_type == "Equal" else {code - 1, code, code + 1}
            answers = [_COMPARE[op.op_type](*((x, number) if place == 0 else (number, x))) for x in _at_zero_and_one(trace)]
            if answers[0] != answers[1]:
                walk.truths.add(trace.source)
                made.add(Trace(trace.source, truth=1 if answers[1] else -1))
    return made


def _at_zero_and_one(trace: Trace) -> Iterator[Fraction | float]:
    """The element for x = 0 and for x = 1, as it is: as a float it may be beyond what floats hold."""
    for x in (0, 1):
        if trace.truth:
            yield Fraction(x if trace.truth > 0 else 1 - x)
        else:
            yield trace.factor * x + trace.shift if isinstance(trace.shift, int) else float("nan")


def _hashed(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    if op.op_type == "Mod" and not op.y.dtype.is_float:
        walk.length(known[1], 9)
    for trace in known[0]:
        walk.found[trace.source].free = True
    return set()


def _summed(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    """ReduceSum and CumSum, of masks as of numbers: neither tells which it is."""
    if op.y.dtype.is_float:
        walk.counted({trace for trace in known[0] if trace.is_zero_for() is None})
    else:
        walk.summed |= {trace.source for trace in known[0]}
    return set()


def _trees(walk: _Walk, op: ROperator, known: _Known) -> set[Trace]:
    """What trees compare with: what comes close to it decides."""
    feature, threshold = op.ensemble().compares()  # type: ignore[attr-defined]
    sizes = {tensor.name: tensor.shape for tensor in walk.inputs}
    for source in {trace.source for trace in known[0]}:
        meaning, as_it_is = walk.found[source], sizes[source] == op.x.shape
        for column in np.unique(feature).tolist() if as_it_is else [None]:
            found = threshold if column is None else threshold[feature == column]
            meaning.compared[column] = np.unique(np.concatenate([meaning.compared.get(column, found), found]))
    return set()


_COMPARE: dict[str, Callable[[Fraction | float, Fraction | float], bool]] = {
    "Equal": lambda a, b: a == b, "Less": lambda a, b: a < b, "LessOrEqual": lambda a, b: a <= b, "Greater": lambda a, b: a > b,
    "GreaterOrEqual": lambda a, b: a >= b,
}  # fmt: skip

_STEPS: dict[str, Callable[[_Walk, ROperator, _Known], set[Trace]]] = {
    **dict.fromkeys(_COMPARE, _compared), **dict.fromkeys(("And", "Or", "Concat", "Max", "Min"), _union),
    **dict.fromkeys(("Add", "Sub"), _sum), **dict.fromkeys(("Mul", "Div"), _product), **dict.fromkeys(("LSTM", "GRU", "RNN"), _sequences),
    **dict.fromkeys(("Mod", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot"), _hashed),
    **dict.fromkeys(("Gather", "GatherElements"), _gather), **dict.fromkeys(("GatherND", "ScatterND"), _gather_nd),
    **dict.fromkeys(("ScatterElements", "Scatter"), _scatter), **dict.fromkeys(("ReduceSum", "CumSum"), _summed), "Cast": _cast,
    "OneHot": _one_hot, "ReverseSequence": _reverse_sequence, "Attention": _attention, "Where": _where, "Not": _not, "Slice": _slice,
    **dict.fromkeys(("TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor"), _trees), **PLACES,
}  # fmt: skip
