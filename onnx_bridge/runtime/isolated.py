"""A compiled model whose code runs in a process of its own: what it does wrong ends that process, not this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import BridgeError, InferenceError, WeightsError
from onnx_bridge.ir.dtypes import string
from onnx_bridge.processes import Conversation, handed_over, warm
from onnx_bridge.runtime.groups import any_rank
from onnx_bridge.runtime.library import Face
from onnx_bridge.runtime.outputs import Outputs
from onnx_bridge.runtime.processor import BEST
from onnx_bridge.runtime.signature import Signature
from onnx_bridge.runtime.sizes import spell

_SERVES = ("onnx_bridge.runtime.served:Header", True)


def warm_up() -> None:
    """Starts the process, so that it is there when it is needed."""
    warm(*_SERVES)


class IsolatedModel(Signature):
    """A built header; see `CompiledModel`.

    Args:
        emitted: the header.
        library: the path of the library built from it.

    Raises:
        Died: the process ended as the header was opened; each call may raise it, too.
        WeightsError: the weights are not the header's.
    """

    def __init__(self, emitted: Emitted, library: str) -> None:
        super().__init__(emitted)
        self._talk = Conversation(*_SERVES)
        self.close = self._talk.close
        with handed_over(emitted.weights.write) as weights:
            self._ask({"open": library, "face": asdict(Face.of(emitted)), "weights": weights, "body": BEST}, "", WeightsError)

    def filled(self, feeds: Mapping[str, Any], fill: int) -> Outputs:
        """The outputs where every byte of them and of the workspace was `fill` before: 255 makes a NaN of any float, 126 a large number."""
        _, outputs, plan = self._with_room(self._arrays(feeds), partial(self._run, fill=fill))
        return self._filled(outputs, plan.sizes)

    def tapped(self, feeds: Mapping[str, Any], fill: int | None = None) -> dict[str, np.ndarray]:
        """Every intermediate tensor of a call, in order, as it lies in memory (flat); only for headers made with `taps`. See `filled`."""
        tensors = self._emitted.tapped
        parts, _, _ = self._with_room(self._arrays(feeds), partial(self._run, tap=True, fill=fill))
        return {tensors[index].name: np.frombuffer(data, tensors[index].dtype.numpy) for index, data in parts}

    @property
    def output_names(self) -> list[str]:
        """Those of the tensors: sequences and optionals are compared as what they are made of."""
        return [t.name for t in self._emitted.outputs]

    def _named(self, arrays: list[np.ndarray]) -> Outputs:
        """Tables of shapes have rows of nine, as the references' answers."""
        tables = {group.table for group in self._emitted.output_groups}
        made = [any_rank(array) if name in tables else array for name, array in zip(self.output_names, arrays, strict=True)]
        return Outputs(self.output_names, made)

    def _filled(self, arrays: list[np.ndarray], sizes: Mapping[str, int]) -> Outputs:
        """Strings are arrays of numpy's own text, which other processes take, and whose bytes can be compared."""
        made = super()._filled(arrays, sizes)
        plain = [a.astype(np.str_) if isinstance(a, np.ndarray) and a.dtype == object else a for a in made]
        return Outputs(made.names, plain)

    def _infer(self, arrays: list[np.ndarray], outputs: list[np.ndarray], sizes: Mapping[str, int]) -> None:
        self._run(arrays, outputs, sizes)

    def _run(
        self, arrays: list[np.ndarray], outputs: list[np.ndarray], sizes: Mapping[str, int], tap: bool = False, fill: int | None = None
    ) -> list[tuple[int, bytes]]:
        """Fills the outputs; returns the tensors that were handed out, by their numbers."""
        text = [t.dtype is string for t in self._emitted.outputs] + [False]
        kinds = [[f"V{o.dtype.itemsize}" if o.dtype.isbuiltin == 2 else o.dtype.str, list(o.shape)] for o in outputs]
        message = {"sizes": list(sizes.values()), "inputs": arrays, "outputs": kinds, "tap": tap, "fill": fill}
        answer = self._ask(message, f" with {spell(sizes)}", InferenceError)
        # Types that numpy itself lacks, such as bfloat16, have no name that it would send: those are bytes on the way.
        made = zip(answer["outputs"], outputs, text, strict=False)
        outputs[:] = [array if is_text else array.view(output.dtype) for array, output, is_text in made]
        if not answer["ran"]:
            raise InferenceError(f"the model refuses these inputs with {spell(sizes)}")
        tapped: list[tuple[int, bytes]] = answer["tapped"]
        return tapped

    def _ask(self, message: dict[str, Any], where: str, refusal: type[BridgeError]) -> dict[str, Any]:
        answer = self._talk.ask(message)
        if "error" in answer:
            raise refusal(f"{answer['message']}{where}")
        return answer
