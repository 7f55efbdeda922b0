"""The comparison of a compiled model with its references."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import VerificationError
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.processes import Died
from onnx_bridge.references import sessions
from onnx_bridge.references.chain import References
from onnx_bridge.references.refusal import Refusal
from onnx_bridge.references.ties import Ties
from onnx_bridge.runtime import isolated
from onnx_bridge.runtime.isolated import IsolatedModel
from onnx_bridge.verify.arbiter import Arbiter
from onnx_bridge.verify.believed import judged
from onnx_bridge.verify.calls import FAULT, Call, Caller, Calls, Feeds, Framework, refusals
from onnx_bridge.verify.report import Report
from onnx_bridge.verify.rows import Compared, compared
from onnx_bridge.verify.unwritten import first_unwritten

#: At how many sizes a call is made with memory filled.
_FILLED = 2


@dataclass
class Comparison:
    """All calls of a verification; the inputs of the first one that failed against each reference, or where unwritten memory shows."""

    calls: list[Call] = field(default_factory=list)
    failures: dict[str, Feeds] = field(default_factory=dict)
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
        raise VerificationError(f"{emitted.name}: the compiled code ended its process with {how} as it was opened. {FAULT}") from None


def verify(
    model: RModel,
    net: IsolatedModel,
    references: References,
    report: Report,
    extra: Iterable[Feeds] = (),
    note: Callable[[str], None] = lambda _: None,
    framework: Framework | None = None,
    ties: Ties | None = None,
    arbiter: Arbiter | None = None,
) -> Comparison:
    """Compares a compiled model with onnxruntime, and with the framework that it comes from, and fills the report's rows.

    Args:
        model: the RModel, for the inputs' types and sizes.
        net: its compiled code.
        references: onnxruntime on the model as it was given, and who is asked where it cannot.
        report: gets rows, reference, inputs, and what was refused.
        extra: inputs of the caller's, compared beside the seeded ones.
        note: told what is compared at the moment.
        framework: its own answer, for models that were exported.
        ties: knows which outputs are positions.
        arbiter: the model in float64, which decides what the rule refuses.

    Raises:
        InferenceError: no sizes could be found that the references accept.
        VerificationError: the framework takes inputs that the exported model does not; the compiled code dies; no reference takes the
            model; of an open size only one value could be compared.
    """
    while True:
        calls = Caller(model, net, references, framework, note).calls(extra)
        try:
            found = _judged(calls, net.output_names, framework, ties, arbiter, report)
            if found.failures and (doubt := references.doubts()):
                raise doubt
            break
        except Refusal as contradiction:
            references.next(contradiction)
    _describe(report, calls, framework, references)
    filled = {tuple(call.sizes.values()): call for call in reversed(found.calls)}  # the first call at each of the first sizes
    found.unwritten = first_unwritten(net, [(call.feeds, call.ours) for call in [*filled.values()][: -_FILLED - 1 : -1]])
    return found


def _judged(
    calls: Calls, names: Sequence[str], framework: Framework | None, ties: Ties | None, arbiter: Arbiter | None, report: Report
) -> Comparison:
    """The rows of the report, and what failed; raises Refusal where a reference contradicts itself."""
    found, rows = Comparison(calls.made), []
    for index, name in enumerate(names):

        def compare(against: str, alone: bool, index: int = index, name: str = name) -> Compared:
            return compared(calls.made, against, index, name, ties, alone)

        for one in judged(_references(calls), framework, compare, arbiter, index):
            rows.append(one.row)
            if one.failed:
                found.failures.setdefault(one.row.against, one.failed[0].feeds)
    report.rows = rows
    return found


def _references(calls: Calls) -> list[str]:
    return list(dict.fromkeys(call.reference.name for call in calls.made if call.reference is not None))


def _describe(report: Report, calls: Calls, framework: Framework | None, references: References) -> None:
    """What was compared with what, and what was not."""
    report.reference = " and ".join([*_references(calls), *([] if framework is None else [framework.name])])
    report.inputs = f"{len(calls.made)} sets of inputs" + (f" at {'; '.join(calls.tried)}" if any(calls.tried) else "")
    report.notes += list(dict.fromkeys(note for call in calls.made if call.reference is not None for note in call.reference.notes))
    for refusal in references.refusals:
        said = "cannot be asked" if refusal.what == "model" else "has not answered all inputs"
        report.notes.append(f"{refusal.who} {said}: {refusal.why}")
    report.refused = refusals(calls.refused)
