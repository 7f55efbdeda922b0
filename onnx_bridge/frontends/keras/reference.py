"""The framework's own answer: the model called directly, its graph, or its graph compiled by XLA.

TensorFlow has no kernels of its own for convolutions with the channels first on a CPU: they are oneDNN's, which it uses by itself on some
processors and not on others. Where they are missing XLA computes them, as it does where such a model is trained there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.exported import innermost, require
from onnx_bridge.frontends.keras.channels_first import settled
from onnx_bridge.frontends.keras.signature import Signature, outputs
from onnx_bridge.judge import CONDITIONING, difference, is_float, movement, nudge, scale_of

#: What TensorFlow calls the order of axes for which it has no kernel.
_LAYOUT = re.compile(r"N[DH]*WC|NC[DH]*W")

#: Answers of a call and of a graph that differ by more than this, relative to the largest value, are no matter of rounding.
_ROUNDING = {"float32": 1e-3, "float64": 1e-3}
_SHORT_ROUNDING = 5e-2


class Answers:
    """What the framework answers.

    The graph is what `fit` and `predict` run, in which the batch alone is open: where a length is, too, TimeDistributed of Keras 3.15 takes
    as many steps as there are rows. A call and a graph that differ are named in the notes, and the graph is believed.
    """

    def __init__(self, signature: Signature, specs: Sequence[Any], notes: list[str]) -> None:
        """Takes the call, the tensors' specifications as the model was exported with them, and the list that notes go to."""
        self._tf = require("tensorflow", "Keras", "keras")
        self._signature, self._specs, self._notes = signature, specs, notes
        self._contradicted = False
        self._made: dict[str, Callable[..., Any] | None] = {}

    def __call__(self, feeds: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        """The outputs, in order.

        Raises:
            ExportError: TensorFlow has no kernel for the model here, nor has XLA.
            Exception: whatever TensorFlow raises for inputs that it does not take.
        """
        tensors = [self._tf.constant(feeds[n], dtype) for n, dtype in zip(self._signature.names, self._signature.dtypes, strict=True)]
        try:
            direct = self._direct(tensors)
        except (self._tf.errors.UnimplementedError, self._tf.errors.InvalidArgumentError) as error:
            return self._otherwise(tensors, error)
        graph = self._graph(tensors)
        if graph is None or not self._differ(tensors, direct, graph):
            return direct
        return graph

    def _direct(self, tensors: Sequence[Any]) -> list[np.ndarray]:
        return [np.asarray(value) for value in outputs(self._signature.call(*tensors))[1]]

    def _graph(self, tensors: Sequence[Any]) -> list[np.ndarray] | None:
        """What the graph answers; None where the model cannot be one, or the graph does not take these inputs."""
        try:
            shapes = [[None, *tensor.shape[1:]] if tensor.shape.rank else [] for tensor in tensors]
            traced = self._once(f"graph {shapes}", lambda: self._traced(shapes))
            return None if traced is None else [np.asarray(value) for value in traced(*tensors)]
        except Exception:
            return None

    def _otherwise(self, tensors: Sequence[Any], error: Exception) -> list[np.ndarray]:
        """The answer of the graph, or of XLA, where the model cannot be called directly on this processor."""
        graph = self._graph(tensors)
        if graph is not None:
            return graph
        if not _LAYOUT.search(str(error)):
            raise error
        try:
            compiled = self._once("xla", self._compiled)
            if compiled is None:
                raise error
            return [np.asarray(value) for value in compiled(*tensors)]
        except Exception as refused:
            raise ExportError(
                f"TensorFlow has no kernel for this model's order of axes (channels first) on this processor, unless oneDNN is asked for: "
                f"set TF_ENABLE_ONEDNN_OPTS=1 before TensorFlow is imported, or convert the saved model. TensorFlow: {innermost(error)}; "
                f"XLA: {innermost(refused)}"
            ) from error

    def _once(self, name: str, make: Callable[[], Callable[..., Any]]) -> Callable[..., Any] | None:
        """What `make` gives; made once, or not at all if that fails."""
        if name not in self._made:
            self._made[name] = None
            self._made[name] = make()
        return self._made[name]

    def _traced(self, shapes: Sequence[Sequence[int | None]]) -> Any:
        """The graph for inputs of these shapes; sizes that the model was exported with stay as they are."""
        specs = [
            self._tf.TensorSpec([own if own is not None else size for own, size in zip(spec.shape, shape, strict=True)], spec.dtype)
            for spec, shape in zip(self._specs, shapes, strict=True)
        ]

        def called(*tensors: Any) -> list[Any]:
            return [self._tf.convert_to_tensor(value) for value in outputs(self._signature.call(*tensors))[1]]

        return self._tf.function(called, autograph=False).get_concrete_function(*specs)

    def _compiled(self) -> Any:
        """The graph, compiled by XLA, with its biases where oneDNN's kernels add them."""
        traced: Any = self._once("open graph", lambda: self._traced([[None] * len(spec.shape) for spec in self._specs]))
        graph = settled(traced.graph, sizes=False).graph
        given, made, captured = [t.name for t in traced.inputs], [t.name for t in traced.outputs], list(traced.captured_inputs)
        for node in [node for node in graph.node if f"{node.name}:0" in given]:
            graph.node.remove(node)  # XLA refuses placeholders, even those that are replaced

        def called(*tensors: Any) -> Any:
            placed = dict(zip(given, tensors, strict=True))
            return self._tf.graph_util.import_graph_def(graph, input_map=placed, return_elements=made, name="")

        compiled = self._tf.function(called, autograph=False, jit_compile=True)
        return lambda *tensors: compiled(*tensors, *captured)

    def _differ(self, tensors: Sequence[Any], direct: Sequence[np.ndarray], graph: Sequence[np.ndarray]) -> bool:
        apart = [_apart(a, b) for a, b in zip(direct, graph, strict=True)]
        if not any(apart):
            return False
        nudged = [self._tf.constant(nudge(np.asarray(t))) if t.dtype.is_floating else t for t in tensors]
        moved = [movement(a, b) if is_float(a) else 0.0 for a, b in zip(self._direct(nudged), direct, strict=True)]
        worst = [gap for gap, moves in zip(apart, moved, strict=True) if gap > CONDITIONING * moves]
        if worst and not self._contradicted:
            self._contradicted = True
            self._notes.append(
                f"the framework contradicts itself: called directly the model answers otherwise than its graph, which fit and predict run, "
                f"by {max(worst):.3g}; the graph is believed"
            )
        return bool(worst)


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    """How far two answers are apart; 0 where rounding explains it.

    Infinities and NaNs that only one of them has are not held against a framework: TensorFlow's optimiser of graphs takes x + 0 for x,
    which is -0 where the sum is 0, and so turns an infinity behind a division into the other one.
    """
    if a.shape != b.shape or a.dtype != b.dtype:
        return float("inf")
    exact = a.dtype.kind in "iub"
    gap = difference(a, b) if exact else movement(a, b)
    return 0.0 if gap <= (0.0 if exact else _ROUNDING.get(a.dtype.name, _SHORT_ROUNDING) * scale_of(b)) else gap
