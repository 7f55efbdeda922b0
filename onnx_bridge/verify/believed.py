"""Who is believed where the answers of header, reference (onnxruntime) and framework differ by more than the rule allows.

    header = reference = framework           right
    header = framework, not the reference    right: the framework is what was trained; the reference is named as the one that differs
    header = reference, not the framework    refused: the exported model does not compute what the framework does
    header = neither                         the model in float64 says whether the header is as near to the truth as they are; if it is
                                             not, or differences are no roundings, refused

"=" is the rule of `judge.gap_of`. Where header and framework outvote the reference, only the framework's own movement excuses a
difference between them: a reference that is wrong may move as it likes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from onnx_bridge.verify.arbiter import Arbiter, Errors
from onnx_bridge.verify.calls import Call, Framework
from onnx_bridge.verify.report import Row
from onnx_bridge.verify.rows import Compared

#: An output beside a reference; with True, excused by that reference's own movement alone.
Compare = Callable[[str, bool], Compared]


def judged(references: Sequence[str], framework: Framework | None, compare: Compare, arbiter: Arbiter | None, index: int) -> list[Compared]:
    """The rows of one output, one for each reference, as they are after all are heard; those with failed calls are refused.

    Args:
        references: the names of the references that have answered, without the framework's.
        framework: the framework, where the model is of one.
        compare: compares the output with a reference.
        arbiter: the model in float64; None where there is no model to ask.
        index: which output it is.
    """
    heard = {name: compare(name, False) for name in references}
    theirs = None if framework is None else compare(framework.name, False)
    for name, found in heard.items():
        if found.failed and framework is not None and not compare(framework.name, True).failed:
            heard[name] = _passed(found, f"{framework.name} and the header agree; {name} is the one that differs")
        elif found.failed and arbiter is not None:
            heard[name], trusted = _arbitrated(found, arbiter, index, name)
            if trusted and framework is not None and theirs is not None and theirs.failed:
                theirs = _as_near(theirs, arbiter, index, framework.name, name)
    return [*heard.values(), *([] if theirs is None else [theirs])]


def _arbitrated(found: Compared, arbiter: Arbiter, index: int, name: str) -> tuple[Compared, bool]:
    """What float64 says of a difference from a reference, and whether the header is near enough to the truth."""
    errors = [arbiter.errors(call, index, name) for call in found.failed]
    nearest = next((error for error in errors if not error.accepted), max(errors, key=_ratio))
    if nearest.accepted:
        return _passed(found, str(nearest)), True
    return replace(found, row=replace(found.row, decided=str(nearest))), False


def _as_near(found: Compared, arbiter: Arbiter, index: int, framework: str, reference: str) -> Compared:
    """The same of the framework, if it is itself as near as the reference: else the exported model is another function."""

    def near(call: Call) -> bool:
        mine, others = arbiter.errors(call, index, framework), arbiter.errors(call, index, reference)
        return mine.accepted and not others.untold and mine.theirs <= others.allowed

    errors = [arbiter.errors(call, index, framework) for call in found.failed]
    return _passed(found, str(max(errors, key=_ratio))) if all(near(call) for call in found.failed) else found


def _ratio(error: Errors) -> float:
    return error.ours / error.allowed if error.allowed else error.ours


def _passed(found: Compared, why: str) -> Compared:
    row: Row = replace(found.row, passed=True, decided=why)
    return Compared(row, [])
