"""The references for what onnxruntime does not take: onnxruntime on a lifted model, and onnx.reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from typing import Any

import numpy as np
import onnx

from onnx_bridge.errors import VerificationError
from onnx_bridge.graphs import all_nodes, draws
from onnx_bridge.judge import gap_of, is_float, movement, nudge, scale_of
from onnx_bridge.processes import Conversation, Died
from onnx_bridge.references.lift import BINARY, ways
from onnx_bridge.references.oracle import Oracle
from onnx_bridge.references.refusal import Refusal
from onnx_bridge.references.types import has_bfloat16

Feeds = Mapping[str, np.ndarray]

#: What one answer of onnx.reference may take, in seconds: it is a hundred times slower than others where there are convolutions.
PATIENCE = 60.0


class Evaluated:
    """onnx.reference on one model, in a process of its own.

    Args:
        model: the model.
        double: every float32 of it made a double; inputs are made doubles, too.

    Raises:
        Refusal: it cannot load the model, or is known to be wrong for it; each call raises it for what it cannot do.
    """

    def __init__(self, model: onnx.ModelProto, double: bool = False) -> None:
        self._model, self._double = model, double
        reason = distrusted(model)
        if reason:
            raise Refusal("onnx.reference", "model", reason)
        self._talk = Evaluation()
        self.close = self._talk.close
        self.notes: list[str] = []
        answer = self._talk.ask("model", {"open": "model", "model": model.SerializeToString(), "double": double})
        self.name = f"onnx.reference {answer['version']}"

    def __call__(self, feeds: Feeds) -> list[np.ndarray]:
        """The outputs, in order."""
        given = {k: v.astype(np.float64) if self._double and v.dtype == np.float32 else v for k, v in feeds.items()}
        outputs: list[np.ndarray] = self._talk.ask("inputs", {"run": "model", "feeds": given})["outputs"]
        return outputs

    def conditioning(self, feeds: Feeds, wanted: list[np.ndarray]) -> list[float]:
        """How far each output moves with float inputs nudged by one unit in the last place."""
        answers = self({k: nudge(v) if is_float(v) else v for k, v in feeds.items()})
        return [movement(a, b) if a.shape == b.shape and is_float(a) else 0.0 for a, b in zip(answers, wanted, strict=True)]


class Lifted:
    """onnxruntime on a model lifted to what it takes, held to onnx.reference where that answers.

    Args:
        model: one that there are `ways` for.

    Raises:
        Refusal: it has a form that is not known, or onnxruntime cannot load it then; each call raises it for what is not answered.
        VerificationError: from a call, where onnx.reference differs.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        with closing(Evaluation()) as evaluation:
            answer = evaluation.ask("model", {"lift": model.SerializeToString()})
        self._oracle = Oracle(onnx.ModelProto.FromString(answer["model"]))
        self.conditioning = self._oracle.conditioning
        self.name = f"{self._oracle.name} on the model {ways(model)}"
        self.notes: list[str] = []
        self._other: Evaluated | None = None
        if not has_bfloat16(model):  # sums of numpy in bfloat16 are rounded at every step
            with suppress(Refusal):
                self._other = Evaluated(model)

    def __call__(self, feeds: Feeds) -> list[np.ndarray]:
        """The outputs, in order."""
        wanted = self._oracle(feeds)
        if self._other is not None:
            try:
                others = self._other(feeds)
            except Refusal:
                return wanted
            self._hold(feeds, wanted, others)
            self.notes = [f"{self._other.name} agrees with {self.name}"]
        return wanted

    def close(self) -> None:
        """Lets go of the processes."""
        self._oracle.close()
        if self._other is not None:
            self._other.close()

    def _hold(self, feeds: Feeds, wanted: list[np.ndarray], others: list[np.ndarray]) -> None:
        for index, (a, b) in enumerate(zip(others, wanted, strict=True)):
            gap, allowed, _ = gap_of(a, b, scale_of(b), lambda place=index: self.conditioning(feeds, wanted)[place])  # type: ignore[misc]
            if gap > allowed:
                raise VerificationError(
                    f"onnxruntime cannot load this model, and its stand-ins contradict each other: {self.name} and onnx.reference differ "
                    f"by {gap:.3g} at output {index}, so neither is believed. Give the model in a newer opset, or take a header that was "
                    f"not compared: convert(..., verify=False)"
                )


class Evaluation:
    """The process with onnx in it, asked."""

    def __init__(self) -> None:
        self._talk: Conversation | None = None

    def ask(self, what: str, message: dict[str, Any]) -> dict[str, Any]:
        """The answer; `what` says what is refused where there is none: "model" or "inputs".

        Raises:
            Refusal: there is none.
        """
        self._talk = self._talk or Conversation("onnx_bridge.references.evaluated:Evaluator", True, seconds=PATIENCE)
        try:
            answer = self._talk.ask(message)
        except Died as how:
            self._talk = None
            raise Refusal("onnx.reference", what, f"its process ended with {how}", died=True) from None
        if "error" in answer:
            raise Refusal("onnx.reference", what, f"{answer['error']}: {answer['message']}")
        return answer

    def close(self) -> None:
        """Lets go of the process."""
        if self._talk is not None:
            self._talk.close()
            self._talk = None


def distrusted(model: onnx.ModelProto) -> str:
    """Why onnx.reference is not believed for a model, "" if it is: where it was seen to answer wrongly without a word.

    What it gets wrong and `corrections` do right is not among them, nor what it refuses.
    """
    nodes = [*all_nodes(model.graph), *(node for f in model.functions for node in f.node)]
    drawing = next((node.op_type for node in nodes if draws(node, model)), "")
    if drawing:
        return f"its {drawing} draws other numbers"
    return next((reason for node in nodes for reason in _reasons(node)), "")


def _reasons(node: onnx.NodeProto) -> Iterator[str]:
    said = {attribute.name: attribute for attribute in node.attribute}
    if node.op_type in BINARY and ("axis" in said or "broadcast" in said):
        yield f"it ignores the axis of {node.op_type}"
    if node.op_type == "Dropout" and len(node.output) > 1 and node.output[1]:
        yield "its Dropout has another mask"
    if node.op_type == "Scan" and any("direction" in name for name in said):
        yield "its Scan does not run in reverse"
    if node.op_type == "MaxUnpool" and len(node.input) > 2 and node.input[2]:
        yield "its MaxUnpool counts places in another shape than the output's"
    if node.op_type == "SVMClassifier":
        yield "its SVMClassifier has other scores"
