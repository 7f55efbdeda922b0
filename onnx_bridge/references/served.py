"""onnxruntime in a process of its own: what that process does."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime


class OnnxRuntime:
    """Sessions by name: opened, and run; see `Sessions`."""

    def __init__(self) -> None:
        self._sessions: dict[str, Any] = {}

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """The names of a session's outputs, or the outputs."""
        if "open" in message:
            session = self._sessions[message["open"]] = _session(message["model"], message["optimised"])
            return {"outputs": [output.name for output in session.get_outputs()], "version": onnxruntime.__version__}
        return {"outputs": [np.asarray(value) for value in self._sessions[message["run"]].run(None, message["feeds"])]}


def _session(model: str, optimised: bool) -> Any:
    """A session on the model in a file: one thread, without a word."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
