"""The calls of a verification: the same inputs to the header and its references, at several sizes; what was refused, and by whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from onnx_bridge.errors import ExportError, InferenceError, VerificationError
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.judge import is_float, movement, nudge
from onnx_bridge.processes import Died
from onnx_bridge.references.chain import Reference, References
from onnx_bridge.references.refusal import Refusal
from onnx_bridge.runtime.isolated import IsolatedModel
from onnx_bridge.runtime.sizes import spell
from onnx_bridge.verify.inputs import KINDS, feeds
from onnx_bridge.verify.sizes import ENOUGH, allowed, may_refuse, sizes_to_try, why_none

Feeds = Mapping[str, np.ndarray]

FAULT = "This is a fault of onnx_bridge, please report it"

#: How many other values of a symbol are tried of which one alone was taken.
_OTHERS = 6

#: How much of a reason is shown.
_SHOWN = 160


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
        try:
            nudged = self({name: nudge(value) if is_float(value) else value for name, value in feeds.items()})
        except ExportError:  # what it refuses to do moves nothing
            return [0.0] * len(wanted)
        return [movement(a, b) if a.shape == b.shape and is_float(a) else 0.0 for a, b in zip(nudged, wanted, strict=True)]


@dataclass(eq=False)
class Call:
    """What one set of inputs gave.

    Attributes:
        feeds: the inputs.
        sizes: the run-time sizes that they have.
        ours: the header's outputs.
        wanted: the outputs of the framework and of the reference, by name.
        reference: the reference, where one takes the model.
        framework: the framework, where the model is of one.
    """

    feeds: dict[str, np.ndarray]
    sizes: dict[str, int]
    ours: list[np.ndarray]
    wanted: dict[str, list[np.ndarray]]
    reference: Reference | None
    framework: Framework | None
    _moved: dict[str, list[float]] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The sizes, for messages."""
        return spell(self.sizes, "")

    def moved(self, against: str, alone: bool = False) -> list[float]:
        """How far each output moves in a reference when nothing that matters changes: the model's own conditioning.

        Args:
            against: the reference. For the framework it is the larger of the movements of both, for both compute the same function...
            alone: ...unless only its own is asked for.
        """
        of_framework = self.framework is not None and against == self.framework.name
        own = self._own(against)
        if not of_framework or alone or self.reference is None:
            return own
        return [max(pair) for pair in zip(own, self._own(self.reference.name), strict=True)]

    def _own(self, against: str) -> list[float]:
        if against not in self._moved:
            wanted = self.wanted[against]
            if self.framework is not None and against == self.framework.name:
                self._moved[against] = self.framework.moved(self.feeds, wanted)
            else:
                assert self.reference is not None
                self._moved[against] = self.reference.conditioning(self.feeds, wanted)
        return self._moved[against]


@dataclass(frozen=True)
class Refused:
    """Sizes that were not compared, by whom they were refused, and why."""

    sizes: dict[str, int]
    who: str
    why: str


@dataclass
class Calls:
    """All calls, the sizes that were drawn for them, and those that were refused."""

    made: list[Call] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def refusals(refused: Sequence[Refused]) -> list[str]:
    """A line for each who refused something: the sizes, and the reason for the first of them."""
    lines = []
    for who in dict.fromkeys(one.who for one in refused):
        mine = [one for one in refused if one.who == who]
        sizes = "; ".join(dict.fromkeys(spell(one.sizes, "drawn inputs") for one in mine))
        why = mine[0].why if len(mine[0].why) <= _SHOWN else f"{mine[0].why[:_SHOWN]}..."
        lines.append(f"{who} refuses {sizes} ({why})")
    return lines


class Caller:
    """Calls the header and its references.

    Args:
        model: the RModel, for the inputs' types and sizes.
        net: its compiled code.
        references: what it is compared with.
        framework: the framework's own answer, for models that were exported.
        note: told what is compared at the moment.
    """

    def __init__(
        self, model: RModel, net: IsolatedModel, references: References, framework: Framework | None, note: Callable[[str], None]
    ) -> None:
        self._model, self._net, self._references, self._framework, self._note = model, net, references, framework, note

    def calls(self, extra: Iterable[Feeds]) -> Calls:
        """Calls with drawn inputs at sizes that the references take, and with the caller's.

        Raises:
            ExportError: the framework refuses its own examples, or everything.
            InferenceError: no sizes were found that the references take, or they refuse the caller's inputs.
            VerificationError: no reference takes the model; the header dies; of an open size only one value is taken.
        """
        given = list(extra)
        while True:
            found = Calls()
            self._drawn(found)
            self._given(found, given)
            if found.made:
                self._vary(found)
                return found
            if not self._references.next():
                reason = why_none(self._model) or next((f"{refused.who}: {refused.why}" for refused in reversed(found.refused)), "")
                raise InferenceError(f"nothing could be compared, give inputs= that the model takes: {reason}")

    def _drawn(self, found: Calls) -> None:
        for sizes in sizes_to_try(self._model):
            if len(found.tried) == ENOUGH:
                break
            self._note(spell(sizes, "fixed sizes"))
            if self._at(found, sizes, KINDS if len(found.tried) < 2 else KINDS[:1]):
                found.tried.append(spell(sizes, ""))

    def _given(self, found: Calls, given: Sequence[Feeds]) -> None:
        for inputs in given:
            try:
                found.made.append(self._call(inputs, self._net.sizes_of(inputs)))
            except Refusal as error:
                if found.made or not self._references.next():
                    raise InferenceError(f"inputs= that are not compared: {error}") from None
                self._given(found, given)
                return

    def _at(self, found: Calls, sizes: dict[str, int], kinds: Sequence[str]) -> bool:
        """Calls at some sizes, and whether all of them were answered."""
        try:
            for seed, kind in enumerate(kinds):
                found.made.append(self._call(feeds(self._model, sizes, kind, seed), sizes))
        except Refusal as error:
            found.refused.append(Refused(sizes, error.who, error.why))
        except ExportError as error:
            name = self._framework.name if self._framework else "the framework"
            found.refused.append(Refused(sizes, name, str(error).removeprefix(f"{name} refuses inputs of these sizes: ")))
        except InferenceError as error:
            if not may_refuse(self._model, sizes):
                raise
            found.refused.append(Refused(sizes, "the compiled code", str(error)))
        else:
            return True
        return False

    def _call(self, given: Feeds, sizes: Mapping[str, int]) -> Call:
        wanted = {}
        if self._framework is not None:
            wanted[self._framework.name] = self._framework(given)
        reference = None
        try:
            reference, outputs = self._references.answer(given)
            wanted[reference.name] = outputs
        except Refusal as error:
            if self._framework is None:
                raise
            raise VerificationError(
                f"{self._framework.name} takes inputs that the model exported from it does not ({_shapes(given)}): {error}"
            ) from None
        except VerificationError:  # no reference takes the model: the framework is left
            if self._framework is None:
                raise
        counts = {name: len(outputs) for name, outputs in wanted.items()}
        for name, count in counts.items():
            if count != len(self._net.output_names):
                raise VerificationError(f"{name} gives {count} outputs, the exported model {len(self._net.output_names)}")
        return Call(dict(given), dict(sizes), self._ours(given, sizes), wanted, reference, self._framework)

    def _ours(self, given: Feeds, sizes: Mapping[str, int]) -> list[np.ndarray]:
        try:
            return list(self._net.run(given))
        except Died as how:
            where = f" ({spell(sizes)})" if sizes else ""
            raise VerificationError(
                f"the compiled code ended its process with {how}. It did so on inputs {_shapes(given)}{where}; the reference answers them. "
                f"{FAULT}"
            ) from None

    def _vary(self, found: Calls) -> None:
        """Tries other values of each open size of which only one was taken.

        Raises:
            VerificationError: no other one is taken.
        """
        lone = {}
        for symbol in self._model.symbols:
            base = found.made[0].sizes
            refused = [r for r in found.refused if r.sizes[symbol] != base[symbol] and r.who != "the compiled code"]
            if refused and all(call.sizes[symbol] == base[symbol] for call in found.made):
                others = {**base, symbol: 0}
                if not any(self._at(found, {**others, symbol: value}, KINDS[:1]) for value in self._others(base, symbol)):
                    lone[symbol] = refused[0]
        if lone:
            base, refused_by = found.made[0].sizes, next(iter(lone.values()))
            spelt = spell({symbol: base[symbol] for symbol in lone})
            fixed = ", ".join(f"{symbol!r}: {base[symbol]}" for symbol in lone)
            raise VerificationError(
                f"only {spelt} could be compared, though the model leaves it open: {refused_by.who} refuses {spell(refused_by.sizes)} "
                f"({refused_by.why}). Give inputs= of another size that it takes, or make it a constant with dims={{{fixed}}}"
            )

    def _others(self, base: Mapping[str, int], symbol: str) -> Iterator[int]:
        """Other values of a symbol that the model's conditions allow, the rest being as it was."""
        value = base[symbol]
        wanted = dict.fromkeys((value + 1, value - 1, 2 * value, 2, 3, 4, 8, 16, 3 * value, value // 2, 1))
        taken = [n for n in wanted if n > 0 and n != value and allowed(self._model, {**base, symbol: n})]
        yield from taken[:_OTHERS]


def _shapes(given: Feeds) -> str:
    return ", ".join(f"{name} {value.dtype} {list(value.shape)}" for name, value in given.items())
