"""onnxruntime, asked: sessions that live in a process of its own, which may die without harm."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import IO, Any, TypeAlias

import numpy as np

from onnx_bridge.processes import Conversation, Died, handed_over, warm
from onnx_bridge.references.refusal import Refusal

#: What writes a model to a file.
Write: TypeAlias = "Callable[[IO[Any]], object]"

_SERVES = ("onnx_bridge.references.served:OnnxRuntime", False)


def warm_up() -> None:
    """Starts the process, so that it is there when it is needed."""
    warm(*_SERVES)


class Sessions:
    """Sessions of onnxruntime, by name, one thread each.

    Args:
        deaths: after how many it is not asked again; each costs a new process.

    Attributes:
        name: onnxruntime, with its version once something was opened.
    """

    def __init__(self, deaths: int = 2) -> None:
        self.name = "onnxruntime"
        self._most = deaths
        self._models: dict[str, tuple[Write, bool]] = {}
        self._talk: Conversation | None = None
        self._deaths: list[str] = []

    def open(self, session: str, model: Write, optimised: bool) -> list[str]:
        """Opens a session and returns the names of its outputs.

        Args:
            session: its name.
            model: writes its model to a file, as often as it must be opened.
            optimised: with the graph optimisations.

        Raises:
            Refusal: onnxruntime cannot load the model, or dies of it.
        """
        with handed_over(model) as path:
            answer = self._answer({"open": session, "model": path, "optimised": optimised}, "model")
        self._models[session] = model, optimised
        self.name = f"onnxruntime {answer['version']}"
        outputs: list[str] = answer["outputs"]
        return outputs

    def run(self, session: str, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The outputs, in order.

        Raises:
            Refusal: onnxruntime refuses these inputs, or dies of them.
        """
        outputs: list[np.ndarray] = self._answer({"run": session, "feeds": dict(feeds)}, "inputs")["outputs"]
        return outputs

    def close(self) -> None:
        """Lets go of the sessions; the process waits for others."""
        if self._talk is not None:
            self._talk.close()
            self._talk = None

    def _answer(self, message: dict[str, Any], refused: str) -> dict[str, Any]:
        if len(self._deaths) >= self._most:
            raise Refusal("onnxruntime", refused, f"its process has ended {self._most} times ({self._deaths[-1]})", died=True)
        try:
            answer = self._ask(message)
        except Died as how:
            self._deaths.append(str(how))
            raise Refusal("onnxruntime", refused, f"its process ended with {how}", died=True) from None
        if "error" in answer:
            raise Refusal("onnxruntime", "model" if answer["error"] == "NotImplemented" else refused, _plain(answer["message"]))
        return answer

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """The answer; a process that has served other models and dies is not believed: a new one is asked, too."""
        try:
            return self._opened(fresh=bool(self._deaths)).ask(message)
        except Died:
            assert self._talk is not None
            fresh, self._talk = self._talk.fresh, None
            if fresh:
                raise
        try:
            return self._opened(fresh=True).ask(message)
        except Died:
            self._talk = None
            raise

    def _opened(self, fresh: bool) -> Conversation:
        """The conversation, with all sessions that there should be."""
        if self._talk is None:
            self._talk = Conversation(*_SERVES, fresh=fresh)
            for session, (model, optimised) in self._models.items():
                with handed_over(model) as path:
                    self._talk.ask({"open": session, "model": path, "optimised": optimised})
        return self._talk


def _plain(message: str) -> str:
    """What onnxruntime says, without where in its source it says so; the outermost node that it names is one of the user's."""
    message = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", message)
    message = re.sub(r"^Load model from \S+ failed:\s*", "", message)
    node = re.search(r"while running (\w+) node\. Name:'([^']*)'", message)
    last = message.rpartition("Status Message: ")[2]
    last = re.sub(r"/\S*/onnxruntime/\S+:\d+ .*?\) (\[with [^]]*\] )?", "", last)
    return f"{node[1]} {node[2]!r}: {last}" if node else last
