"""From a traced TensorFlow function to ONNX: tf2onnx with handlers of ours, and nothing left in the graph that ONNX does not know."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import onnx

from onnx_bridge.frontends.exported import require
from onnx_bridge.frontends.keras import internals
from onnx_bridge.frontends.keras.channels_first import settled_definition
from onnx_bridge.frontends.keras.handlers import HANDLERS
from onnx_bridge.frontends.keras.opaque import FunctionTracer
from onnx_bridge.frontends.keras.repairs import refuse_foreign, repaired

#: The newest opset that tf2onnx writes.
OPSET = 18

#: The optimisation of tf2onnx that turns an Einsum into some forty nodes of shape arithmetic: attention would arrive in pieces.
_LEFT_OUT = ("einsum_optimizer",)


def to_onnx(
    concrete: Any, inputs: Sequence[str], outputs: Sequence[str], tracer: FunctionTracer, notes: list[str], layers: Collection[str] = ()
) -> onnx.ModelProto:
    """Converts a concrete function, by the steps of `tf2onnx.convert.from_function`; `internals` says why not by that itself.

    Args:
        concrete: the traced function; its tensors are inputs, in order, and then what it captured.
        inputs: names for the inputs.
        outputs: names for the outputs.
        tracer: what placed opaque nodes in it.
        notes: gets a line for each repair.
        layers: names of the model's layers, for messages.

    Raises:
        ExportError: an operator has no counterpart in ONNX.
    """
    tf = require("tensorflow", "Keras", "keras")
    given = [tensor.name for tensor in arguments(concrete)]
    made = [tensor.name for tensor in concrete.outputs]
    with tf.device("/cpu:0"):
        frozen = internals.frozen(concrete, given, made)
        if _inlinable(frozen):
            with tf.Graph().as_default():
                tf.import_graph_def(frozen, name="")
                frozen = internals.optimized(frozen, given, made)
        first = settled_definition(frozen)
        notes += first.notes()
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(first.graph, name="")
            converted = internals.converted(
                graph, continue_on_error=True, opset=OPSET, custom_op_handlers={**HANDLERS, **tracer.handlers()},
                extra_opset=[onnx.helper.make_opsetid(domain, version) for domain, version in sorted(tracer.versions.items())],
                input_names=given, output_names=made,
                tensors_to_rename={**dict(zip(given, inputs, strict=True)), **dict(zip(made, outputs, strict=True))},
            )  # fmt: skip
            model: onnx.ModelProto = internals.simplified(converted, _LEFT_OUT).make_model("model")
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
        for attribute in internals.NOT_INLINED:
            if attribute in thing.attr:
                del thing.attr[attribute]
                found = True
    return found
