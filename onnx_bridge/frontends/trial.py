"""Whether an exported model computes what its framework does: at the example, at other sizes of its dynamic dims, with other numbers.

Exporters have errors that nothing announces: a branch that the example took is frozen, an argument is dropped, a length is built in. A
route whose model fails here is passed over for the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import onnx

from onnx_bridge.errors import VerificationError
from onnx_bridge.graphs import write_model
from onnx_bridge.judge import decided, difference, gap_of, is_float, movement, nudge, scale_of
from onnx_bridge.references.chain import References
from onnx_bridge.references.refusal import Refusal
from onnx_bridge.references.sessions import Sessions
from onnx_bridge.references.ties import Ties

#: By so much more than verification allows a route may be off: what is looked for is wrong, not inexact, and the header is still compared.
SLACK = 4.0

#: In so many ways inputs are nudged to see whether an answer of integers is decided by them.
NUDGES = 8

#: The name of the session that is asked.
_MODEL = "exported"

Arrays = Mapping[str, np.ndarray]


@dataclass
class Seen:
    """What a trial saw.

    Attributes:
        remarks: what could not be compared, and what was drawn otherwise than at random.
        shapes: of the outputs, for each set of inputs.
    """

    remarks: list[str]
    shapes: list[list[tuple[int, ...]]]


class Rejected(Exception):
    """An exported model that is not the framework's."""


@dataclass
class _Inputs:
    """One set of inputs.

    Attributes:
        where: the sizes, as messages say them.
        kind: of numbers.
        feeds: by name.
        kept: the same with integers kept within the sizes that they are within in the example; None where they are.
    """

    where: str
    kind: str
    feeds: dict[str, np.ndarray]
    kept: dict[str, np.ndarray] | None


@dataclass
class _Call:
    """What a set of inputs gave; `refused` and `fault` are empty where nothing is the matter."""

    inputs: _Inputs
    feeds: dict[str, np.ndarray]
    wanted: list[np.ndarray] = field(default_factory=list)
    got: list[np.ndarray] = field(default_factory=list)
    refused: str = ""
    fault: str = ""


@dataclass(frozen=True)
class _Asked:
    """What runs the exported model."""

    name: str
    answer: Callable[[Arrays], list[np.ndarray]]


@dataclass(frozen=True)
class Trial:
    """An exported model, in onnxruntime or in the next reference that takes it, beside its framework.

    Attributes:
        model: the model.
        framework: what messages call it.
        reference: its answer.
        example: inputs by name.
        axes: for inputs, the names of their dynamic axes.
    """

    model: onnx.ModelProto
    framework: str
    reference: Callable[[Arrays], Sequence[np.ndarray]]
    example: Arrays
    axes: Mapping[str, Mapping[int, str]]

    @cached_property
    def _ties(self) -> Ties:
        return Ties(self.model)

    def run(self) -> Seen:
        """Compares.

        Raises:
            Rejected: no reference takes the model; one refuses what the framework takes, or answers differently.
        """
        sessions = Sessions()
        try:
            sessions.open(_MODEL, partial(write_model, self.model), optimised=True)
        except Refusal as error:
            return self._by_the_next(error.why)
        with closing(sessions):
            return self._seen(_Asked("onnxruntime", lambda feeds: sessions.run(_MODEL, feeds)))

    def _by_the_next(self, why: str) -> Seen:
        """With onnx.reference, for operators and types that onnxruntime has no kernels for; their headers are as right as others."""
        with closing(References(self.model)) as references:

            def answer(feeds: Arrays) -> list[np.ndarray]:
                try:
                    return references.answer(feeds)[1]
                except VerificationError as error:  # none takes the model, or the next one not these inputs, which may be its own fault
                    others = "; ".join(refusal.why for refusal in references.refusals if refusal.who != "onnxruntime")
                    others = others or (error.why if isinstance(error, Refusal) else "")
                    raise Rejected(f"onnxruntime does not load what was exported: {why}" + (f" ({others})" if others else "")) from None

            seen = self._seen(_Asked("the reference", answer))
        seen.remarks.append(f"onnxruntime does not load what was exported, so it was tried in another reference: {why}")
        return seen

    def _seen(self, session: _Asked) -> Seen:
        calls: list[_Call] = []
        for inputs in _tried(self.example, self.axes):
            call = self._call(session, inputs, inputs.feeds)
            if (call.refused or call.fault) and inputs.kept is not None:
                call = self._call(session, inputs, inputs.kept)
            if call.fault:
                raise Rejected(call.fault)
            far = inputs.kind == "far" and not all(np.isfinite(value).all() for value in call.wanted if is_float(value))
            if not far:  # where the framework itself overflows there is nothing to learn
                calls.append(call)
        if all(call.refused for call in calls):
            raise Rejected(f"{self.framework} refuses the example: {calls[0].refused}")
        for index, call in enumerate(calls):
            fault = self._fault(calls, call)
            if fault and call.inputs.kept is not None and call.feeds is not call.inputs.kept:
                calls[index] = call = self._call(session, call.inputs, call.inputs.kept)
                fault = call.fault or self._fault(calls, call)
            if fault:
                raise Rejected(fault)
        return Seen(_remarks(self.framework, calls), [[value.shape for value in call.wanted] for call in calls if not call.refused])

    def _call(self, session: _Asked, inputs: _Inputs, feeds: dict[str, np.ndarray]) -> _Call:
        call = _Call(inputs, feeds)
        try:
            call.wanted = [np.asarray(value) for value in self.reference(feeds)]
        except Exception as error:  # whatever a framework raises for sizes and numbers that it does not take
            call.refused = " ".join(str(error).split())[:200] or type(error).__name__
            return call
        try:
            call.got = session.answer(feeds)
        except Refusal as error:
            call.fault = f"{session.name} refuses at {inputs.where} what {self.framework} takes: {error.why[:300]}"
            return call
        if len(call.got) != len(call.wanted):
            call.fault = f"it has {len(call.got)} outputs, the framework gives {len(call.wanted)}"
        for index, (a, b) in enumerate(zip(call.got, call.wanted, strict=False)):
            if a.shape != b.shape or a.dtype != b.dtype:
                call.fault = (
                    f"output {index} at {inputs.where} is {a.dtype}{list(a.shape)}, {self.framework} gives {b.dtype}{list(b.shape)}"
                )
        return call

    def _fault(self, calls: Sequence[_Call], call: _Call) -> str:
        """What is wrong with a call's outputs, measured by their largest values over all calls of ordinary numbers."""
        for index, pair in enumerate(zip(call.got, call.wanted, strict=True)):
            a, b = (self._ties.in_order(index, value) for value in pair)
            ordinary = [other for other in calls if other.wanted and other.inputs.kind != "far"]
            largest = max(scale_of(other.wanted[index]) for other in (call, *ordinary))
            gap, allowed, _ = gap_of(a, b, largest, lambda call=call, index=index: self._moved(call, index), SLACK)  # type: ignore[misc]
            if gap > allowed and self._ties.explain(index, call.feeds, a, b):
                continue
            if gap > allowed and not is_float(b):
                mask = decided(b, (answer[index] for answer in self._again(call, NUDGES)))
                gap = difference(a[mask], b[mask])
            if gap > allowed:
                return f"output {index} at {call.inputs.where} is off by {gap:.3g}, the largest value being {largest:.3g}"
        return ""

    def _moved(self, call: _Call, index: int) -> float:
        """How far the framework's own answer moves with its inputs' last places."""
        b = call.wanted[index]
        return max((movement(answer[index], b) for answer in self._again(call, 2) if answer[index].shape == b.shape), default=0.0)

    def _again(self, call: _Call, times: int) -> Iterator[Sequence[np.ndarray]]:
        """The framework's answers to nudged inputs, as far as it takes them: what it refuses to do moves nothing."""
        if any(is_float(value) for value in call.feeds.values()):
            for seed in range(times):
                nudged = {name: nudge(value, seed) if is_float(value) else value for name, value in call.feeds.items()}
                answers: list[Sequence[np.ndarray]] = []
                with suppress(Exception):  # whatever a framework raises
                    answers.append(self.reference(nudged))
                yield from answers


def _remarks(framework: str, calls: Sequence[_Call]) -> list[str]:
    refused = {call.inputs.where: call.refused for call in reversed(calls) if call.refused}
    compared = {call.inputs.where for call in calls if not call.refused}
    kept = dict.fromkeys(call.inputs.where for call in calls if not call.refused and call.feeds is call.inputs.kept)
    said = [f"{framework} refuses {where}, so nothing was compared there: {why}" for where, why in refused.items() if where not in compared]
    return said + [f"at {where} integers were kept within the sizes that they are within in the example" for where in kept]


def _tried(example: Arrays, axes: Mapping[str, Mapping[int, str]]) -> Iterator[_Inputs]:
    """The example, then other numbers and other sizes."""
    named = {name: example[key].shape[axis] for key, of in axes.items() for axis, name in of.items()}
    where = ", ".join(f"{name} = {size}" for name, size in named.items()) or "the example"
    yield _Inputs(where, "example", dict(example), None)
    rng = np.random.default_rng(0)
    sizes = [named]
    if named:
        sizes += [{name: size + 1 + i for i, (name, size) in enumerate(named.items())}, dict.fromkeys(named, 1)]
    for number, chosen in enumerate(sizes):
        where = ", ".join(f"{name} = {size}" for name, size in chosen.items()) or "the example"
        for kind in ("normal", "wide", "far") if number < 2 else ("normal",):
            feeds = {key: _other(rng, value, axes.get(key, {}), chosen, kind) for key, value in example.items()}
            yield _Inputs(where, kind, feeds, _within(feeds, example, named, chosen))
        if number:
            feeds = {key: _other(rng, value, axes.get(key, {}), chosen, "example") for key, value in example.items()}
            yield _Inputs(where, "example", feeds, _within(feeds, example, named, chosen))


def _other(rng: np.random.Generator, value: np.ndarray, axes: Mapping[int, str], sizes: Mapping[str, int], kind: str) -> np.ndarray:
    """An input like `value` in other sizes: numbers of a kind; for what may be indices or lengths, those of the example in order."""
    for axis, name in axes.items():
        old = value.shape[axis]
        value = np.take(value, np.sort(rng.integers(0, max(old, 1), sizes[name])) if old else np.zeros(0, int), axis)
    if not is_float(value) or kind == "example":
        return value
    scale = {"normal": 1.0, "wide": 4.0, "far": 50.0}[kind]
    return np.asarray(rng.standard_normal(value.shape) * scale, value.dtype)


def _within(
    feeds: Mapping[str, np.ndarray], example: Arrays, named: Mapping[str, int], sizes: Mapping[str, int]
) -> dict[str, np.ndarray] | None:
    """Integers that may point into an axis, or be lengths along it, kept within it where it is shorter than in the example.

    What is less than a size everywhere in the example may be an index, what is at most it a length.
    """
    changed = dict(feeds)
    for key, value in feeds.items():
        if value.dtype.kind not in "iu" or not example[key].size:
            continue
        highest, lowest = int(example[key].max()), int(example[key].min())
        bounds = [
            size - int(highest < named[name]) for name, size in sizes.items() if size < named[name] and -named[name] <= lowest
            if highest <= named[name]
        ]  # fmt: skip
        if bounds and (limit := max(0, min(bounds))) < highest:
            changed[key] = np.maximum(np.minimum(value, limit), -limit if lowest < 0 else 0)
    return changed if any(changed[key] is not value for key, value in feeds.items()) else None
