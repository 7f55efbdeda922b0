"""The comparison of a compiled model with its references."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import ExportError, InferenceError, VerificationError
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.judge import equal_bits, gap_of, movement, nudge, scale_of
from onnx_bridge.processes import Died
from onnx_bridge.references import sessions
from onnx_bridge.references.sessions import Refusal
from onnx_bridge.runtime import isolated
from onnx_bridge.runtime.isolated import IsolatedModel
from onnx_bridge.verify.inputs import KINDS, feeds
from onnx_bridge.verify.oracle import Oracle
from onnx_bridge.verify.report import Report, Row
from onnx_bridge.verify.sizes import ENOUGH, may_refuse, sizes_to_try, why_none
from onnx_bridge.verify.ties import Ties
from onnx_bridge.verify.unwritten import first_unwritten

Feeds = Mapping[str, np.ndarray]

#: At how many sizes a call is made with memory filled.
_FILLED = 2

_FAULT = "This is a fault of onnx_bridge, please report it"


@dataclass(frozen=True)
class Framework:
    """The framework that a model was exported from.

    Attributes:
        name: with its version.
        answer: inputs by name to outputs in order; raises what it likes for inputs that it does not take.
    """

    name: str
    answer: Callable[[Feeds], Sequence[np.ndarray]]

    def __call__(self, feeds: Feeds) -> list[np.ndarray]:
        """The outputs, in order.

        Raises:
            ExportError: the framework refuses these inputs.
        """
        try:
            return [np.asarray(value) for value in self.answer(feeds)]
        except Exception as error:
            raise ExportError(f"{self.name} refuses inputs of these sizes: {' '.join(str(error).split())[:400]}") from None

    def moved(self, feeds: Feeds, wanted: Sequence[np.ndarray]) -> list[float]:
        """How far each output moves when float inputs are nudged by one unit in the last place."""
        nudged = self({name: nudge(value) if value.dtype.kind == "f" else value for name, value in feeds.items()})
        return [movement(a, b) if a.shape == b.shape and a.dtype.kind == "f" else 0.0 for a, b in zip(nudged, wanted, strict=True)]


@dataclass
class _Call:
    """What one set of inputs gave; `wanted` by reference."""

    feeds: dict[str, np.ndarray]
    sizes: dict[str, int]
    ours: list[np.ndarray]
    wanted: dict[str, list[np.ndarray]]


@dataclass
class Comparison:
    """All calls of a verification; the inputs of the first one that failed against each reference, or where unwritten memory shows."""

    calls: list[_Call] = field(default_factory=list)
    failures: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    unwritten: Feeds | None = None


def warm_up() -> None:
    """Starts the processes of a verification that will come: they import what they need while others work."""
    isolated.warm_up()
    sessions.warm_up()


def opened(emitted: Emitted, library: str) -> IsolatedModel:
    """The header that is verified, built, in a process of its own.

    Raises:
        VerificationError: that process ended.
    """
    try:
        return IsolatedModel(emitted, library)
    except Died as how:
        raise VerificationError(f"{emitted.name}: the compiled code ended its process with {how} as it was opened. {_FAULT}") from None


def verify(
    model: RModel,
    net: IsolatedModel,
    oracle: Oracle,
    report: Report,
    extra: Iterable[Feeds] = (),
    note: Callable[[str], None] = lambda _: None,
    framework: Framework | None = None,
    ties: Ties | None = None,
) -> Comparison:
    """Compares a compiled model with onnxruntime, and with the framework that it comes from, and fills the report's rows.

    Args:
        model: the RModel, for the inputs' types and sizes.
        net: its compiled code.
        oracle: onnxruntime on the model as it was given.
        report: gets rows, reference and inputs.
        extra: inputs of the caller's, compared beside the seeded ones.
        note: told what is compared at the moment.
        framework: its own answer, for models that were exported.
        ties: knows which outputs are positions.

    Raises:
        InferenceError: no sizes could be found that the references accept.
        VerificationError: the framework takes inputs that the exported model does not.
    """
    found = Comparison()
    refusal = ""
    tried: list[str] = []
    for sizes in sizes_to_try(model):
        if len(tried) == ENOUGH:
            break
        spelt = ", ".join(f"{k} = {v}" for k, v in sizes.items())
        note(spelt or "fixed sizes")
        try:
            for seed, kind in enumerate(KINDS if len(tried) < 2 else KINDS[:1]):
                found.calls.append(_call(net, oracle, framework, feeds(model, sizes, kind, seed), sizes))
        except (ExportError, Refusal) as error:  # sizes that the model cannot take
            refusal = str(error)
            continue
        except InferenceError as error:
            if not may_refuse(model, sizes):
                raise
            refusal = str(error)
            continue
        tried.append(spelt)
    found.calls += [_call(net, oracle, framework, given, net.sizes_of(given)) for given in extra]
    if not found.calls:
        raise InferenceError(f"nothing could be compared, give inputs= that the model takes: {why_none(model) or refusal}")
    filled = {tuple(call.sizes.values()): call for call in reversed(found.calls)}  # the first call at each of the first sizes
    found.unwritten = first_unwritten(net, [(call.feeds, call.ours) for call in [*filled.values()][: -_FILLED - 1 : -1]])
    references = [(oracle.name, oracle.conditioning), *([] if framework is None else [(framework.name, _either(oracle, framework))])]
    report.reference = " and ".join(name for name, _ in references)
    report.inputs = f"{len(found.calls)} sets of inputs" + (f" at {'; '.join(tried)}" if any(tried) else "")
    report.rows = [
        _row(found, reference, moved, index, name, ties) for index, name in enumerate(net.output_names) for reference, moved in references
    ]
    return found


_Moved = Callable[[Feeds, list[np.ndarray]], list[float]]


def _either(oracle: Oracle, framework: Framework) -> _Moved:
    """How far an answer moves in either reference: both compute the same function."""

    def moved(given: Feeds, wanted: list[np.ndarray]) -> list[float]:
        of_oracle = oracle.conditioning(given, oracle(given))
        return [max(pair) for pair in zip(of_oracle, framework.moved(given, wanted), strict=True)]

    return moved


def _call(net: IsolatedModel, oracle: Oracle, framework: Framework | None, given: Feeds, sizes: Mapping[str, int]) -> _Call:
    answers = {}
    if framework is not None:
        answers[framework.name] = framework(given)
    try:
        answers[oracle.name] = oracle(given)
    except Refusal as error:
        if framework is None:
            raise
        shapes = ", ".join(f"{name} {list(value.shape)}" for name, value in given.items())
        raise VerificationError(f"{framework.name} takes inputs that the model exported from it does not ({shapes}): {error}") from None
    wanted = answers[oracle.name]
    for name, outputs in answers.items():
        if len(outputs) != len(wanted):
            raise VerificationError(f"{name} gives {len(outputs)} outputs, the exported model {len(wanted)}")
    return _Call(dict(given), dict(sizes), _ours(net, given, sizes), answers)


def _ours(net: IsolatedModel, given: Feeds, sizes: Mapping[str, int]) -> list[np.ndarray]:
    try:
        return list(net.run(given))
    except Died as how:
        shapes = ", ".join(f"{name} {value.dtype} {list(value.shape)}" for name, value in given.items())
        spelt = ", ".join(f"{k} = {v}" for k, v in sizes.items())
        raise VerificationError(
            f"the compiled code ended its process with {how}. It did so on inputs {shapes}{f' ({spelt})' if spelt else ''}; the reference "
            f"answers them. {_FAULT}"
        ) from None


def _row(found: Comparison, reference: str, moved: _Moved, index: int, name: str, ties: Ties | None) -> Row:
    """One output over all calls.

    The largest value that a difference is measured by is that of the output over all calls: a call whose outputs are all
    tiny (a sigmoid that is 1e-8 everywhere) would otherwise be held to less than the reference's own error.
    """
    largest = max(scale_of(call.wanted[reference][index]) for call in found.calls)
    values = equal = 0
    scale = worst = shown = 0.0
    nearest, passed, conditioning, tied, where = -1.0, True, False, False, ""
    for call in found.calls:
        wanted = call.wanted[reference]
        a, b = call.ours[index], wanted[index]
        if ties is not None:
            a, b = ties.in_order(index, a), ties.in_order(index, b)
        values += b.size
        gap, allowed, adjusted = gap_of(a, b, largest, lambda call=call, wanted=wanted: moved(call.feeds, wanted)[index])  # type: ignore[misc]
        if gap > allowed and ties is not None and ties.explain(index, call.feeds, a, b):
            gap, tied = 0.0, True
        if a.shape == b.shape and a.dtype == b.dtype:
            equal += equal_bits(a, b) if b.dtype.kind == "f" else int((a == b).sum())
        if gap > allowed:
            passed = False
            found.failures.setdefault(reference, call.feeds)
        scale, worst, conditioning = max(scale, scale_of(b)), max(worst, gap), conditioning or adjusted
        ratio = gap / allowed if allowed else (np.inf if gap else 0.0)
        if ratio > nearest:
            nearest, shown = ratio, allowed
            where = ", ".join(f"{k} = {v}" for k, v in call.sizes.items())
    share = equal / values if values else 1.0
    return Row(name, len(found.calls), values, worst, scale, shown, share, passed, conditioning, where, reference, tied)
