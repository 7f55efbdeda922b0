"""The comparison of a compiled model with its references."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from onnx_bridge.errors import ExportError, InferenceError
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.runtime import CompiledModel
from onnx_bridge.verify.inputs import ENOUGH, KINDS, feeds, sizes_to_try
from onnx_bridge.verify.oracle import Oracle, difference
from onnx_bridge.verify.report import Report, Row

#: Largest difference allowed, relative to the largest magnitude of the output...
RELATIVE = 1e-5
#: ...or as a multiple of how far the reference's own answer moves: the model's conditioning.
CONDITIONING = 4.0

Feeds = Mapping[str, np.ndarray]


@dataclass
class _Call:
    """What one set of inputs gave."""

    feeds: dict[str, np.ndarray]
    sizes: dict[str, int]
    ours: list[np.ndarray]
    wanted: list[np.ndarray]


@dataclass
class Comparison:
    """All calls of a verification, and the inputs of the first one that failed."""

    calls: list[_Call] = field(default_factory=list)
    failed: dict[str, np.ndarray] | None = None


def verify(
    model: RModel,
    net: CompiledModel,
    oracle: Oracle,
    report: Report,
    extra: Iterable[Feeds] = (),
    note: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Compares a compiled model with onnxruntime and fills the report's rows.

    Args:
        model: the RModel, for the inputs' types and sizes.
        net: its compiled code.
        oracle: onnxruntime on the model as it was given.
        report: gets rows, reference and inputs.
        extra: inputs of the caller's, compared beside the seeded ones.
        note: told what is compared at the moment.

    Raises:
        InferenceError: no sizes could be found that the reference accepts.
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
                found.calls.append(_call(net, oracle, feeds(model, sizes, kind, seed), sizes))
        except ExportError as error:  # sizes that the model cannot take
            refusal = str(error)
            continue
        tried.append(spelt)
    found.calls += [_call(net, oracle, given, net.sizes_of(given)) for given in extra]
    if not found.calls:
        raise InferenceError(f"nothing could be compared: give inputs that the model takes ({refusal})")
    report.reference = f"onnxruntime {oracle.version}"
    report.inputs = f"{len(found.calls)} sets of inputs" + (f" at {'; '.join(tried)}" if any(tried) else "")
    report.rows = [_row(found, oracle, index, name) for index, name in enumerate(net.output_names)]
    return found


def _call(net: CompiledModel, oracle: Oracle, given: Feeds, sizes: Mapping[str, int]) -> _Call:
    wanted = oracle(given)
    return _Call(dict(given), dict(sizes), list(net.run(given)), wanted)


def _row(found: Comparison, oracle: Oracle, index: int, name: str) -> Row:
    """One output over all calls.

    The largest value that a difference is measured by is that of the output over all calls: a call whose outputs are all
    tiny (a sigmoid that is 1e-8 everywhere) would otherwise be held to less than the reference's own error.
    """
    largest = max(_scale(call.wanted[index]) for call in found.calls)
    values = equal = 0
    scale = worst = shown = 0.0
    nearest, passed, conditioning, where = -1.0, True, False, ""
    for call in found.calls:
        a, b = call.ours[index], call.wanted[index]
        values += b.size
        gap, allowed, adjusted = _gap(a, b, largest, lambda call=call: oracle.conditioning(call.feeds, call.wanted)[index])  # type: ignore[misc]
        if a.shape == b.shape and a.dtype == b.dtype:
            equal += equal_bits(a, b) if b.dtype.kind == "f" else int((a == b).sum())
        if gap > allowed:
            passed = False
            found.failed = found.failed or call.feeds
        scale, worst, conditioning = max(scale, _scale(b)), max(worst, gap), conditioning or adjusted
        ratio = gap / allowed if allowed else (np.inf if gap else 0.0)
        if ratio > nearest:
            nearest, shown = ratio, allowed
            where = ", ".join(f"{k} = {v}" for k, v in call.sizes.items())
    return Row(name, len(found.calls), values, worst, scale, shown, equal / values if values else 1.0, passed, conditioning, where)


def _gap(a: np.ndarray, b: np.ndarray, largest: float, moved: Callable[[], float]) -> tuple[float, float, bool]:
    """The difference of two outputs, what is allowed, and whether the model's conditioning decided that."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return float("inf"), 0.0, False
    if b.dtype.kind != "f":
        return difference(a, b), 0.0, False
    gap, allowed = difference(a, b), RELATIVE * largest
    if gap <= allowed:
        return gap, allowed, False
    conditioned = CONDITIONING * moved()
    return gap, max(allowed, conditioned), conditioned > allowed


def equal_bits(a: np.ndarray, b: np.ndarray) -> int:
    """How many numbers are the same bit for bit; any NaN equals any other."""
    integers = {2: np.uint16, 4: np.uint32, 8: np.uint64}[a.dtype.itemsize]
    x, y = np.ascontiguousarray(a), np.ascontiguousarray(b)
    return int(((x.view(integers) == y.view(integers)) | (np.isnan(x) & np.isnan(y))).sum())


def _scale(b: np.ndarray) -> float:
    finite = b[np.isfinite(b)] if b.dtype.kind == "f" else b
    return float(np.abs(finite.astype(np.float64)).max()) if finite.size else 0.0


def first_difference(names: Sequence[str], ours: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray]) -> tuple[str, float] | None:
    """The first tensor, in the order of `names`, that is off by more than rounding explains, and by how much of its largest value."""
    for name in names:
        a, b = ours.get(name), reference.get(name)
        if a is None or b is None or b.size == 0:
            continue
        if a.shape != b.shape:
            return name, float("inf")
        scale = _scale(b)
        gap = difference(a, b)
        limit = 0.0 if b.dtype.kind != "f" else max(1e-4 * scale, 1e-30)
        if gap > limit:
            return name, gap / scale if scale else float("inf")
    return None
