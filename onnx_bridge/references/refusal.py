"""What a reference says that does not answer."""

from __future__ import annotations

from onnx_bridge.errors import VerificationError


class Refusal(VerificationError):
    """A reference does not take a model, or these inputs.

    Attributes:
        who: the reference, without its version.
        what: "model" or "inputs".
        why: in its own words, shortened.
        died: whether its process ended.
    """

    def __init__(self, who: str, what: str, why: str, died: bool = False) -> None:
        self.who, self.what, self.why, self.died = who, what, " ".join(why.split())[:400], died
        refused = "cannot load this model" if what == "model" else "refuses inputs of these sizes"
        super().__init__(f"{who}, the reference, {refused}: {self.why}")
