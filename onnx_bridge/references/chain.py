"""Which reference answers: onnxruntime, and where it cannot, the others in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import onnx

from onnx_bridge.errors import VerificationError
from onnx_bridge.references.lift import ways
from onnx_bridge.references.oracle import Oracle
from onnx_bridge.references.refusal import Refusal
from onnx_bridge.references.second import Evaluated, Lifted
from onnx_bridge.references.silent import doubt

Feeds = Mapping[str, np.ndarray]


class Reference(Protocol):
    """What a header is compared with."""

    name: str
    notes: list[str]

    def __call__(self, feeds: Feeds) -> list[np.ndarray]:
        """The outputs, in order; raises Refusal."""

    def conditioning(self, feeds: Feeds, wanted: list[np.ndarray]) -> list[float]:
        """How far each output moves when nothing that matters changes."""

    def close(self) -> None:
        """Lets go of what it holds."""


class References:
    """The references of a model: onnxruntime as it was given; lifted to what onnxruntime takes; onnx.reference.

    The next one is asked where one cannot load the model, or dies; one that refuses inputs is believed, they may be wrong.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        self._waiting = [Oracle, *([Lifted] if ways(model) else []), Evaluated]
        self._made: list[Reference] = []
        self.refusals: list[Refusal] = []

    def answer(self, feeds: Feeds) -> tuple[Reference, list[np.ndarray]]:
        """A reference and its outputs.

        Raises:
            Refusal: the reference refuses these inputs.
            VerificationError: there is no reference that takes the model.
        """
        index = 0
        while True:
            if index == len(self._made) and not self._make():
                raise self.nothing()
            try:
                return self._made[index], self._made[index](feeds)
            except Refusal as refusal:
                if refusal.what == "inputs" and not refusal.died:
                    raise
                self._remember(refusal)
                index += 1

    def next(self, why: Refusal | None = None) -> bool:
        """Gives up the first reference, which has refused everything, or is not to be believed; whether there is another one."""
        if why is not None:
            self._remember(why)
        if self._made:
            self._made.pop(0).close()
        return bool(self._made) or self._make()

    def doubts(self) -> Refusal | None:
        """Why the first reference, from which a header differs, is not to be believed; None if it is, or there is none."""
        return None if not self._made or isinstance(self._made[0], Evaluated) else doubt(self._model)

    def nothing(self) -> VerificationError:
        """What is said where no reference takes the model."""
        reasons = "; ".join(str(refusal) for refusal in self.refusals)
        return VerificationError(
            f"there is nothing to compare the compiled code with ({reasons}). Give the model in a newer opset or in other operators, or "
            f"take a header that was not compared: convert(..., verify=False)"
        )

    def close(self) -> None:
        """Lets go of the processes."""
        while self._made:
            self._made.pop().close()

    def _make(self) -> bool:
        """Makes the next reference that takes the model."""
        while self._waiting:
            kind = self._waiting.pop(0)
            try:
                self._made.append(kind(self._model))
                return True
            except Refusal as refusal:
                self._remember(refusal)
        return False

    def _remember(self, refusal: Refusal) -> None:
        if refusal.who not in {other.who for other in self.refusals}:
            self.refusals.append(refusal)
