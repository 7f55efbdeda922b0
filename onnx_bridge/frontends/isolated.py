"""Exporting in a process of its own, which then answers as the framework does until it is told to go."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

import numpy as np
import onnx

import onnx_bridge.errors as errors
from onnx_bridge.errors import BridgeError, ExportError, Finding
from onnx_bridge.frontends.arrays import plain
from onnx_bridge.frontends.exported import Exported
from onnx_bridge.frontends.request import Request
from onnx_bridge.processes import Child, Died, messages


class _Process(Child):
    """The process that exports, and then is the framework."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        try:
            super().__init__("onnx_bridge.frontends.worker", environment)
        except Died as error:
            raise ExportError(f"the process that exports the model could not be started: {error}") from None

    def answer(self, message: object, obstacles: Callable[[onnx.ModelProto], Sequence[Finding]] = lambda model: ()) -> Any:
        """Sends a message and waits for the answer.

        Args:
            message: the question.
            obstacles: what stands in the way of converting a model, for the other process to ask.

        Raises:
            BridgeError: of the class that the other process raised.
            ExportError: the other process has died.
        """
        try:
            answer = self.ask(message)
            while "obstacles" in answer:  # it asks back, to choose among its ways to export
                found = obstacles(onnx.ModelProto.FromString(answer["obstacles"]))
                answer = self.ask({"findings": [dataclasses.astuple(finding) for finding in found]})
        except Died as how:
            tail = "\n".join(self.printed().splitlines()[-15:])
            raise ExportError(f"the process that exports the model ended with {how}; the last that it said:\n{tail}") from None
        if "error" in answer:
            known = getattr(errors, answer["error"], ExportError)
            simple = known in (errors.ArgumentError, errors.InvalidModel)  # made of a message alone
            raise (known if simple else ExportError)(answer["message"])
        return answer


def export_isolated(model: str, framework: str, request: Request, environment: Mapping[str, str]) -> Exported:
    """Exports a file in a process of its own.

    Raises:
        ArgumentError: the example inputs are no arrays.
        ExportError: it was refused there, or the process died.
    """
    examples = plain(request.example_inputs)
    process = _Process(environment)
    try:
        answer = process.answer(
            {
                "model": model, "framework": framework, "example_inputs": examples, "trusted": request.trusted,
                "dynamic": None if request.dynamic is None else {key: dict(axes) for key, axes in request.dynamic.items()},
                "imports": list(request.imports), "path": [str(path) for path in sys.path],
            },
            request.obstacles,
        )  # fmt: skip
    except BridgeError:
        process.close()
        raise

    notes: list[str] = answer["notes"]

    def reference(feeds: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        answered = process.answer({"feeds": dict(feeds)})
        notes.extend(note for note in answered["notes"] if note not in notes)
        return answered["outputs"]  # type: ignore[no-any-return]

    return Exported(
        onnx.ModelProto.FromString(answer["model"]), answer["exporter"], answer["route"], reference, answer["name"], notes,
        answer["examples"], process.printed(), process.close,
    )  # fmt: skip


def serve(read: IO[bytes], write: IO[bytes]) -> None:
    """What the process of its own does: exports once, then answers until nobody asks."""
    from onnx_bridge.frontends import export_here

    asked = messages.receive(read)
    sys.path[:] = list(dict.fromkeys([*sys.path, *asked["path"]]))

    def obstacles(model: onnx.ModelProto) -> list[Finding]:
        messages.send(write, {"obstacles": model.SerializeToString()})
        return [Finding(*finding) for finding in messages.receive(read)["findings"]]

    try:
        request = Request(asked["example_inputs"], asked["dynamic"], asked["imports"], asked["trusted"], obstacles)
        made = export_here(asked["model"], asked["framework"], request)
    except Exception as error:
        messages.send(write, _refusal(error))
        return
    messages.send(
        write,
        {
            "model": made.model.SerializeToString(), "exporter": made.framework, "route": made.route, "name": made.name,
            "notes": made.notes, "examples": made.examples,
        },
    )  # fmt: skip
    while True:
        try:
            asked = messages.receive(read)
        except EOFError:
            return
        try:
            outputs = [np.asarray(value) for value in made.reference(asked["feeds"])]
            messages.send(write, {"outputs": outputs, "notes": made.notes})
        except Exception as error:
            messages.send(write, _refusal(error))


def _refusal(error: Exception) -> dict[str, str]:
    if isinstance(error, BridgeError):
        return {"error": type(error).__name__, "message": str(error)}
    return {"error": "ExportError", "message": f"{type(error).__name__}: {error}"}
