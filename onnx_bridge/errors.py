"""The errors of onnx_bridge, one tree.

    BridgeError
    ├── ArgumentError       what the caller says of a model cannot be, or means nothing
    │   └── SofieError      the same, said by SOFIE's calls; a RuntimeError, too, as SOFIE's errors are
    ├── InvalidModel        the file or protobuf is not a model that can be read, or contradicts itself
    ├── UnsupportedModel    a sound model that cannot be converted; `.findings` lists every reason at once
    ├── ExportError         a framework's exporter refused
    ├── DeclarationError    a custom operator is declared in a way that cannot be, or that of an installed package is
    ├── ToolchainError      no compiler, or it failed; its output is in the message
    ├── WeightsError        a weights file that does not belong to the header
    ├── InferenceError      wrong arguments of a compiled model
    ├── InternalError       a fault of onnx_bridge itself, at a stage that the message names; the error is its `__cause__`
    └── VerificationError   the compiled model answers differently from its references, dies of its inputs, or
                            cannot be compared with anything; `.report` holds the table where there is one

Each message says what, where, what was expected and found, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

#: Where a node of an exported model comes from stands in its metadata under this key: `Finding.origin`.
ORIGIN = "onnx_bridge.origin"


class BridgeError(Exception):
    """Whatever onnx_bridge refuses, it refuses with a subclass of this."""


class ArgumentError(BridgeError):
    """An argument of `convert` (or a word of the command line) that is of a wrong form, or speaks of something that the model has not."""


class SofieError(ArgumentError, RuntimeError):
    """What SOFIE's calls (`onnx_bridge.sofie`) refuse, by SOFIE's names."""


class InvalidModel(BridgeError):
    """The input is not a model, is damaged, or contradicts itself."""


@dataclass(frozen=True)
class Finding:
    """One thing that stands in the way of a conversion.

    Attributes:
        node: the node's name; empty where it is no node.
        op: the operator.
        why: what is wrong.
        advice: what to do.
        origin: where the node comes from in the framework's model: the user's layer and line, where the exporter says them.
        form: whether the node is sound, and only its form is not supported: written otherwise it may be.
    """

    node: str
    op: str
    why: str
    advice: str = ""
    origin: str = ""
    form: bool = field(default=False, compare=False, repr=False)

    def __str__(self) -> str:
        advice = f" ({self.advice})" if self.advice else ""
        origin = f" [{self.origin}]" if self.origin else ""
        return f"{self.op} at {self.node!r}{origin}: {self.why}{advice}" if self.node else f"{self.op}: {self.why}{advice}"


class UnsupportedModel(BridgeError):
    """A sound model that cannot be converted; `findings` lists everything that stands in the way."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        lines = "\n".join(f"  - {finding}" for finding in self.findings)
        count = len(self.findings)
        super().__init__(f"{count} {'thing stands' if count == 1 else 'things stand'} in the way of converting this model:\n{lines}")


class ExportError(BridgeError):
    """A framework's own exporter refused the model."""


class DeclarationError(BridgeError):
    """The declaration of a custom operator contradicts itself, or an installed one cannot be loaded."""


class ToolchainError(BridgeError):
    """No usable compiler, or it refused the generated source."""


class WeightsError(BridgeError):
    """A weights file that is missing, damaged, or of another model."""


class InferenceError(BridgeError):
    """A compiled model was called with arguments that it cannot take."""


class VerificationError(BridgeError):
    """The compiled model and onnxruntime (or the framework) answer differently, or one of them does not answer."""

    def __init__(self, message: str, report: object = None) -> None:
        self.report = report
        super().__init__(message)


class InternalError(BridgeError):
    """A fault of onnx_bridge itself; `__cause__` is what happened.

    Attributes:
        stage: what was being done.
        where: the node, as far as it is known.
    """

    def __init__(self, stage: str, error: BaseException, where: str = "") -> None:
        self.stage, self.where = stage, where
        said = str(error)  # of a KeyError it may be an operator with all its weights
        said = said if len(said) <= 500 else f"{said[:400]} ... {said[-80:]}"
        what = f"{type(error).__name__}: {said}".strip().removesuffix(":")
        place = f"at the stage {stage!r}" + (f", at {where}" if where else "")
        super().__init__(f"{what} ({place}). This is a fault of onnx_bridge, not of yours: please report it with the model")
