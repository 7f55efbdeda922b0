"""Who is nearer to what the model says: the model in float64, asked where header and reference differ by more than the rule allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from onnx_bridge.ir.rmodel import RModel, nested_models
from onnx_bridge.judge import difference, scale_of
from onnx_bridge.references.refusal import Refusal
from onnx_bridge.references.second import Evaluated
from onnx_bridge.verify.calls import Call

#: How many times the reference's error the header's may be, and behind a convolution by Winograd's transform...
TIMES, TIMES_WINOGRAD = 2.0, 4.0
#: ...and so many units in the last place of the largest value more.
UNITS = 4

#: The arbiter itself is believed if it is no farther from the reference than twice the difference that it decides, or so many times
#: its own rounding in float32: an evaluator with a fault is far from both, and would find them equally wrong.
_TIMES_ITS_ROUNDING = 8.0


@dataclass(frozen=True)
class Errors:
    """How far two answers are from the model in float64.

    Attributes:
        ours: the header's largest error.
        theirs: the reference's.
        allowed: what the header's may be.
        untold: why nothing was decided; "" where it was.
    """

    ours: float = float("inf")
    theirs: float = 0.0
    allowed: float = 0.0
    untold: str = ""

    @property
    def accepted(self) -> bool:
        return not self.untold and self.ours <= self.allowed

    def __str__(self) -> str:
        if self.untold:
            return f"the model in float64 decides nothing: {self.untold}"
        return f"from the model in float64 the header is {self.ours:.2g} away, the reference {self.theirs:.2g}; allowed {self.allowed:.2g}"


class Arbiter:
    """The model in float64, made when it is first asked.

    Args:
        model: as it was given.
        winograd: whether a convolution of the header is by Winograd's transform.
    """

    def __init__(self, model: onnx.ModelProto, winograd: bool) -> None:
        self._model, self._times = model, TIMES_WINOGRAD if winograd else TIMES
        self._evaluators: dict[bool, Evaluated] = {}
        self._answers: dict[tuple[Call, bool], list[np.ndarray]] = {}

    def errors(self, call: Call, index: int, against: str) -> Errors:
        """How far an output of a call, and the same of a reference, are from the truth."""
        ours, theirs = call.ours[index], call.wanted[against][index]
        if ours.dtype != np.float32 or ours.shape != theirs.shape or not np.isfinite(difference(ours, _where_finite(theirs, ours))):
            return Errors(untold="it is asked about roundings of float32 alone")
        try:
            truth = self._answer(call, double=True)[index]
            if truth.shape != theirs.shape or truth.dtype != np.float64:
                return Errors(untold=f"onnx.reference gives {truth.dtype} {list(truth.shape)}")
            found = self._measured(ours, theirs, truth)
            if np.isfinite(found.theirs) and found.theirs > 2 * difference(ours, theirs):
                rounding = difference(self._answer(call, double=False)[index], truth)
                if found.theirs > _TIMES_ITS_ROUNDING * rounding:
                    return Errors(untold=f"onnx.reference is {found.theirs:.2g} from the reference, farther than rounding explains")
        except Refusal as refusal:
            return Errors(untold=str(refusal))
        return found

    def _measured(self, ours: np.ndarray, theirs: np.ndarray, truth: np.ndarray) -> Errors:
        error = difference(_where_finite(theirs, truth), truth)
        unit = float(np.spacing(np.float32(scale_of(theirs))))
        return Errors(difference(ours, truth), difference(theirs, truth), self._times * error + UNITS * unit)

    def _answer(self, call: Call, double: bool) -> list[np.ndarray]:
        key = call, double
        if key not in self._answers:
            if double not in self._evaluators:
                self._evaluators[double] = Evaluated(self._model, double)
            self._answers[key] = self._evaluators[double](call.feeds)
        return self._answers[key]

    def close(self) -> None:
        """Lets go of the processes."""
        for evaluator in self._evaluators.values():
            evaluator.close()


def _where_finite(theirs: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The reference's answer where it is a finite number, another one's elsewhere.

    onnxruntime divides zero by zero in MeanVarianceNormalization of equal numbers, where the rule adds an epsilon.
    """
    return np.where(np.isfinite(theirs) | ~np.isfinite(other), theirs, other)


def by_winograd(model: RModel) -> bool:
    """Whether a convolution of a model, or of one in it, is computed by Winograd's transform."""
    inner = (body for op in model.operators for body in nested_models(op))
    return any("winograd.hxx" in op.kernel_files() for op in model.operators) or any(by_winograd(body) for body in inner)
