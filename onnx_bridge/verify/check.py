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
class _Tally:
    """One output over the calls."""

    samples: int = 0
    values: int = 0
    equal: int = 0
    scale: float = 0.0
    worst: float = 0.0
    allowed: float = 0.0
    ratio: float = -1.0
    conditioning: bool = False
    passed: bool = True
    sizes: str = ""


@dataclass
class Comparison:
    """The rows of a report, and the first call that failed."""

    tallies: dict[str, _Tally] = field(default_factory=dict)
    failed: dict[str, np.ndarray] | None = None
    calls: int = 0
    sizes: list[dict[str, int]] = field(default_factory=list)


def verify(
    model: RModel, net: CompiledModel, oracle: Oracle, report: Report, extra: Iterable[Feeds] = (), note: Callable[[str], None] = lambda _: None
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
    for sizes in sizes_to_try(model):
        if len(found.sizes) == ENOUGH:
            break
        note(", ".join(f"{k} = {v}" for k, v in sizes.items()) or "fixed sizes")
        try:
            for seed, kind in enumerate(KINDS if len(found.sizes) < 2 else KINDS[:1]):
                _compare(found, net, oracle, feeds(model, sizes, kind, seed), sizes)
        except ExportError as error:  # sizes that the model cannot take
            refusal = str(error)
            continue
        found.sizes.append(sizes)
    for given in extra:
        _compare(found, net, oracle, given, {})
    if not found.calls:
        raise InferenceError(f"nothing could be compared: give inputs that the model takes ({refusal})")
    report.reference = f"onnxruntime {oracle.version}"
    tried = "; ".join(", ".join(f"{k} = {v}" for k, v in s.items()) for s in found.sizes if s)
    report.inputs = f"{found.calls} sets of inputs" + (f" at {tried}" if tried else "")
    report.rows = [
        Row(name, t.samples, t.values, t.worst, t.scale, t.allowed, t.equal / t.values if t.values else 1.0, t.passed, t.conditioning, t.sizes)
        for name, t in found.tallies.items()
    ]
    return found


def _compare(found: Comparison, net: CompiledModel, oracle: Oracle, given: Feeds, sizes: Mapping[str, int]) -> None:
    wanted = oracle(given)
    got = net.run(given)
    found.calls += 1
    moved: list[float] | None = None
    for index, (name, a, b) in enumerate(zip(net.output_names, got, wanted, strict=True)):
        tally = found.tallies.setdefault(name, _Tally())
        tally.samples += 1
        tally.values += b.size
        if a.shape != b.shape or a.dtype != b.dtype:
            gap, allowed, scale = float("inf"), 0.0, 0.0
        elif b.dtype.kind != "f":
            gap, allowed, scale = (0.0 if np.array_equal(a, b) else difference(a, b)), 0.0, _scale(b)
            tally.equal += int((a == b).sum())
        else:
            tally.equal += equal_bits(a, b)
            gap, scale = difference(a, b), _scale(b)
            allowed = RELATIVE * scale
            if gap > allowed:
                if moved is None:
                    moved = oracle.conditioning(given, wanted)
                if CONDITIONING * moved[index] > allowed:
                    allowed = CONDITIONING * moved[index]
                    tally.conditioning = True
        if gap > allowed:
            tally.passed = False
            found.failed = found.failed or dict(given)
        ratio = gap / allowed if allowed else (np.inf if gap else 0.0)
        tally.scale = max(tally.scale, scale)
        tally.worst = max(tally.worst, gap)
        if ratio > tally.ratio:
            tally.ratio, tally.allowed = ratio, allowed
            tally.sizes = ", ".join(f"{k} = {v}" for k, v in sizes.items())


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
