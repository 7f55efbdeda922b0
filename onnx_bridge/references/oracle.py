"""onnxruntime as the reference: its answer, and how far that answer moves when nothing that matters changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import IO, Any

import numpy as np
import onnx

from onnx_bridge.graphs import all_graphs, all_nodes, draws, write_model
from onnx_bridge.judge import is_float, movement, nudge
from onnx_bridge.references.refusal import Refusal
from onnx_bridge.references.sessions import Sessions

#: The newest IR version that current releases of onnxruntime read; the number alone is no reason to refuse a model.
NEWEST_IR = 13


class Oracle:
    """onnxruntime on one model, one thread, in a process of its own.

    Raises:
        Refusal: it cannot load the model; each call raises it for inputs that onnxruntime refuses, or dies of.
    """

    def __init__(self, model: onnx.ModelProto, outputs: Iterable[str] = (), optimised: bool = True) -> None:
        self._model, self._extra, self._optimised = model, list(outputs), optimised
        self._sessions = Sessions()
        self.close = self._sessions.close
        self.output_names = self._sessions.open("as given", self._write, optimised)
        self.name = self._sessions.name
        self.notes: list[str] = []
        self._open = {"as given"}
        self._spent: set[str] = set()
        self._draws = any(draws(node, model) for node in all_nodes(model.graph))
        self._fraction_bits = coarsest_fraction(model)

    def __call__(self, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The outputs, in order."""
        return self._run("as given", feeds)

    def _run(self, session: str, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The outputs of an open session; of one that draws random numbers those of its first run, for which it is opened anew."""
        if self._draws and session in self._spent:
            self._open_session(session)
        self._spent.add(session)
        return self._sessions.run(session, feeds)

    def conditioning(self, feeds: Mapping[str, np.ndarray], wanted: list[np.ndarray]) -> list[float]:
        """How far each output moves without graph optimisations, and with float inputs or weights nudged by one unit in the last place.

        What it refuses to do moves nothing. In a model that computes in halves the unit is that of a half: such a model rounds to
        halves behind every operator, which onnxruntime leaves out where it has no kernel for them.

        Raises:
            Refusal: it contradicts itself; memory that nobody wrote would excuse any difference.
        """
        nudged = {k: nudge(v, fraction_bits=self._fraction_bits) if is_float(v) else v for k, v in feeds.items()}
        moved = [0.0] * len(wanted)
        for session, inputs in (("plain", feeds), ("as given", nudged), ("nudged weights", feeds)):
            try:
                answers = self._opened(session)(inputs)
            except Refusal:
                continue
            for i, (a, b) in enumerate(zip(answers, wanted, strict=True)):
                if a.shape == b.shape and is_float(a):
                    moved[i] = max(moved[i], movement(a, b))
        again = self._run("as given", feeds)
        if not all(np.array_equal(a, b, equal_nan=is_float(a)) for a, b in zip(again, wanted, strict=True)):
            raise Refusal("onnxruntime", "model", "it contradicts itself: the same inputs give other answers from one call to the next")
        return moved

    def _opened(self, session: str) -> Callable[[Mapping[str, np.ndarray]], list[np.ndarray]]:
        """A session, opened when it is first asked for."""
        if session not in self._open:
            self._open_session(session)
            self._open.add(session)
        return partial(self._run, session)

    def _open_session(self, session: str) -> None:
        nudges = session == "nudged weights"
        optimised = self._optimised if session == "as given" else nudges
        self._sessions.open(session, self._write_nudged if nudges else self._write, optimised=optimised)

    def _write(self, file: IO[Any], change: Callable[[onnx.TensorProto], onnx.TensorProto] = lambda t: t) -> None:
        write_model(self._model, file, change)
        # What is written once more is read instead; what is added to, is added.
        rest = onnx.ModelProto(ir_version=min(self._model.ir_version, NEWEST_IR))
        rest.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in self._extra)
        file.write(rest.SerializeToString())

    def _write_nudged(self, file: IO[Any]) -> None:
        self._write(file, self._nudged)

    def _nudged(self, tensor: onnx.TensorProto) -> onnx.TensorProto:
        """Weights with one unit in the last place more or less."""
        if tensor.data_type not in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16):
            return tensor
        array = onnx.numpy_helper.to_array(tensor)
        # Zeros, powers of two and the like are often exact on purpose (masks, scales): only weights are nudged.
        if array.size <= 16:
            return tensor
        return onnx.numpy_helper.from_array(nudge(array, fraction_bits=self._fraction_bits), tensor.name)

    @classmethod
    def with_outputs(cls, model: onnx.ModelProto, names: Iterable[str]) -> Oracle:
        """The reference of a model that also gives the tensors `names`, which must exist in the main graph."""
        return cls(model, names, optimised=False)


def coarsest_fraction(model: onnx.ModelProto) -> int:
    """The bits of fraction of the shortest float type that tensors of a model have: 52, unless it computes in halves."""
    kinds = {tensor.data_type for graph in all_graphs(model.graph) for tensor in graph.initializer}
    kinds |= {value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)}
    kinds |= {a.i for node in all_nodes(model.graph) for a in node.attribute if a.name in ("to", "dtype")}
    return 7 if onnx.TensorProto.BFLOAT16 in kinds else 10 if onnx.TensorProto.FLOAT16 in kinds else 52
