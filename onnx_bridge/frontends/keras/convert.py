"""From a traced TensorFlow function to ONNX: tf2onnx with handlers of ours, and nothing left in the graph that ONNX does not know."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import onnx

from onnx_bridge.frontends.exported import require
from onnx_bridge.frontends.keras.channels_first import settled_definition
from onnx_bridge.frontends.keras.handlers import HANDLERS
from onnx_bridge.frontends.keras.marks import Marks
from onnx_bridge.frontends.keras.repairs import refuse_foreign, repaired

#: The newest opset that tf2onnx writes.
OPSET = 18

#: What keeps TensorFlow from inlining a function, which tf2onnx then leaves as a call: Keras compiles grouped convolutions so.
_NOT_INLINED = ("_XlaMustCompile", "_noinline")


def to_onnx(
    concrete: Any, inputs: Sequence[str], outputs: Sequence[str], marks: Marks, notes: list[str], layers: Collection[str] = ()
) -> onnx.ModelProto:
    """Converts a concrete function.

    The steps are those of `tf2onnx.convert.from_function`, which itself takes captured constants for inputs of the model, keeps calls of
    compiled functions, and has no way to leave out an optimisation.

    Args:
        concrete: the traced function; its tensors are inputs, in order, and then what it captured.
        inputs: names for the inputs.
        outputs: names for the outputs.
        marks: what stands for a single ONNX node.
        notes: gets a line for each repair.
        layers: names of the model's layers, for messages.

    Raises:
        ExportError: an operator has no counterpart in ONNX.
    """
    tf = require("tensorflow", "Keras", "keras")
    loader = require("tf2onnx.tf_loader", "Keras", "keras")
    given = [tensor.name for tensor in arguments(concrete)]
    made = [tensor.name for tensor in concrete.outputs]
    with tf.device("/cpu:0"):
        frozen = loader.from_function(concrete, given, made)
        if _inlinable(frozen):
            with tf.Graph().as_default():
                tf.import_graph_def(frozen, name="")
                frozen = loader.tf_optimize(given, made, frozen)
        first = settled_definition(frozen)
        notes += first.notes()
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(first.graph, name="")
            converted = require("tf2onnx.tfonnx", "Keras", "keras").process_tf_graph(
                graph, continue_on_error=True, opset=OPSET, custom_op_handlers={**HANDLERS, **marks.handlers()},
                extra_opset=[onnx.helper.make_opsetid(domain, version) for domain, version in sorted(marks.domains.items())],
                input_names=given, output_names=made,
                tensors_to_rename={**dict(zip(given, inputs, strict=True)), **dict(zip(made, outputs, strict=True))},
            )  # fmt: skip
            optimizer = require("tf2onnx.optimizer", "Keras", "keras")
            best = optimizer.optimize_graph(converted, catch_errors=True, optimizers=_optimizers(optimizer))
            model: onnx.ModelProto = best.make_model("model")
    refuse_foreign(model, layers)
    return repaired(model, notes)


def arguments(concrete: Any) -> list[Any]:
    """The tensors of a concrete function that a caller gives: those that it captured stand behind them and are no inputs."""
    return list(concrete.inputs[: len(concrete.inputs) - len(concrete.captured_inputs)])


def _inlinable(graph: Any) -> bool:
    """Takes away what keeps functions from being inlined; whether there was such."""
    found = False
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    for thing in [*nodes, *graph.library.function]:
        for attribute in _NOT_INLINED:
            if attribute in thing.attr:
                del thing.attr[attribute]
                found = True
    return found


def _optimizers(module: Any) -> Any:
    """tf2onnx's optimisations without the one that turns an Einsum into some forty nodes of shape arithmetic.

    There is no public list of them: in a tf2onnx without this one, all of them run, and attention arrives in pieces.
    """
    every: dict[str, Any] = getattr(module, "_get_optimizers", dict)()
    return {name: made for name, made in every.items() if name != "einsum_optimizer"} or None
