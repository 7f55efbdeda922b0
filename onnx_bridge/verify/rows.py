"""One output beside one reference, over all calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onnx_bridge.judge import equal_bits, gap_of, is_float, is_text, scale_of
from onnx_bridge.references.ties import Ties
from onnx_bridge.verify.calls import Call
from onnx_bridge.verify.report import Row


@dataclass(frozen=True)
class Compared:
    """A row of the report, and the calls that it failed for."""

    row: Row
    failed: list[Call]


def compared(calls: Sequence[Call], against: str, index: int, name: str, ties: Ties | None, alone: bool = False) -> Compared:
    """One output over all calls that a reference has answered.

    The largest value that a difference is measured by is that of the output over all calls: a call whose outputs are all
    tiny (a sigmoid that is 1e-8 everywhere) would otherwise be held to less than the reference's own error.

    Args:
        calls: all calls.
        against: the name of the reference.
        index: which output...
        name: ...and its name.
        ties: knows which outputs are positions.
        alone: only the reference's own movement excuses a difference, no other's; see `Call.moved`.
    """
    answered = [call for call in calls if against in call.wanted]
    largest = max(scale_of(call.wanted[against][index]) for call in answered)
    values = equal = 0
    scale = worst = shown = 0.0
    nearest, conditioning, tied, where = -1.0, False, False, ""
    failed = []
    for call in answered:
        a, b = call.ours[index], call.wanted[against][index]
        if ties is not None:
            a, b = ties.in_order(index, a), ties.in_order(index, b)
        values += b.size
        gap, allowed, adjusted = gap_of(a, b, largest, lambda call=call: call.moved(against, alone)[index])  # type: ignore[misc]
        if gap > allowed and ties is not None and ties.explain(index, call.feeds, a, b):
            gap, tied = 0.0, True
        if a.shape == b.shape and (a.dtype == b.dtype or is_text(b)):
            equal += equal_bits(a, b) if is_float(b) else int((a == b).sum())
        if gap > allowed:
            failed.append(call)
        scale, worst, conditioning = max(scale, scale_of(b)), max(worst, gap), conditioning or adjusted
        ratio = gap / allowed if allowed else (np.inf if gap else 0.0)
        if ratio > nearest:
            nearest, shown, where = ratio, allowed, call.where
    share = equal / values if values else 1.0
    row = Row(name, len(answered), values, worst, scale, shown, share, not failed, conditioning, where, against, tied)
    return Compared(row, failed)
