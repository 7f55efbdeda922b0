"""Keras layers that arrive as one ONNX operator each, rather than as the loop or the dozens of nodes that they are traced to.

While a model is traced, `call` of these classes of layers is replaced: wherever such a layer stands in a model, inside wrappers, other
models or plain Python lists, it puts an opaque node into the graph. What a layer cannot say in ONNX's words (masks, a state that
is kept, activations that ONNX lacks) is traced as ever. Subclasses are left alone: what they compute is theirs.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

from onnx_bridge.frontends.exported import require
from onnx_bridge.frontends.keras.recurrent import bidirectional, recurrent
from onnx_bridge.frontends.opaque import Layer, Node, Output, Tracer, replaced


@contextlib.contextmanager
def opaque_layers(tracer: Tracer, stateful: list[str]) -> Iterator[None]:
    """Replaces `call` of the layers of every Keras that is loaded; they are themselves again afterwards, whatever happens.

    Args:
        tracer: the export.
        stateful: gets the names of layers that were met and that keep a state from call to call.
    """
    with contextlib.ExitStack() as stack:
        for name in ("keras", "tf_keras"):
            layers = getattr(sys.modules.get(name), "layers", None)
            for layer in LAYERS:
                cls = getattr(layers, layer.name, None)
                if cls is not None and "call" in vars(cls):
                    stack.enter_context(replaced(cls, "call", _opaque(cls, vars(cls)["call"], layer, tracer, stateful)))
        yield


def _opaque(cls: type, original: Callable[..., Any], kind: Layer, tracer: Tracer, stateful: list[str]) -> Callable[..., Any]:
    tf = require("tensorflow", "Keras", "keras")
    signature = inspect.signature(original)

    def attempt(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        bound = signature.bind(layer, *args, **kwargs)
        bound.apply_defaults()
        _, inputs, *_ = bound.arguments.values()
        return kind.runs(tracer, layer, inputs, dict(bound.arguments))

    attempt = tf.autograph.experimental.do_not_convert(attempt)

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(self, "stateful", False) and hasattr(self, "cell"):
            stateful.append(self.name)
        if type(self) is cls:
            made = attempt(self, args, kwargs)
            if made is not None:
                return made
        return original(self, *args, **kwargs)

    call.__signature__ = signature  # type: ignore[attr-defined]  # Keras asks what a layer's `call` takes
    return call


def _normalised(tracer: Tracer, layer: Any, x: Any, _: dict[str, Any]) -> Any:
    """LayerNormalization over trailing axes."""
    tf = require("tensorflow", "Keras", "keras")
    if not _is_tensor(x) or getattr(layer, "rms_scaling", False):
        return None
    axes = sorted(axis % len(x.shape) for axis in ([layer.axis] if isinstance(layer.axis, int) else layer.axis))
    if axes != list(range(axes[0], len(x.shape))) or any(x.shape[axis] is None for axis in axes):
        return None
    shape = [x.shape[axis] for axis in axes]
    scale = tf.ones(shape, x.dtype) if layer.gamma is None else tf.reshape(tf.convert_to_tensor(layer.gamma), shape)
    bias = None if layer.beta is None else tf.reshape(tf.convert_to_tensor(layer.beta), shape)
    node = Node.of("LayerNormalization", [x, scale, bias], {"axis": axes[0], "epsilon": float(layer.epsilon)})
    return tracer.place(node, [x, scale] if bias is None else [x, scale, bias], [Output(x.dtype, x.shape)])[0]


def _embedded(tracer: Tracer, layer: Any, x: Any, _: dict[str, Any]) -> Any:
    """Embedding: ONNX's Gather counts negative indices from the end, as Keras 3 does at some length; Keras 2 refuses them."""
    tf = require("tensorflow", "Keras", "keras")
    if not isinstance(x, tf.Tensor) or x.shape.rank is None:
        return None
    table = tf.convert_to_tensor(layer.embeddings)
    indices = x if x.dtype in (tf.int32, tf.int64) else tf.cast(x, tf.int32)
    if table.dtype != tf.float32 or layer.compute_dtype != "float32" or len(table.shape) != 2:
        return None
    node = Node.of("Gather", [table, indices], {"axis": 0})
    return tracer.place(node, [table, indices], [Output(table.dtype, [*x.shape, table.shape[1]])])[0]


def _folded(_: Tracer, layer: Any, x: Any, arguments: dict[str, Any]) -> Any:
    """TimeDistributed: one call of the inner layer on all steps of all rows, where Keras 3 would unroll the steps."""
    tf = require("tensorflow", "Keras", "keras")
    if not _is_tensor(x) or arguments.get("mask") is not None or None in x.shape[2:] or not layer.layer.built:
        return None
    if _keeps_state(layer.layer):
        return None
    training = {"training": False} if "training" in inspect.signature(layer.layer.call).parameters else {}
    y = layer.layer(tf.reshape(x, [-1, *x.shape[2:]]), **training)
    if not isinstance(y, tf.Tensor) or None in y.shape[1:]:
        return None
    sizes = tf.shape(x)
    steps = [sizes[axis] if x.shape[axis] is None else x.shape[axis] for axis in (0, 1)]
    return tf.ensure_shape(tf.reshape(y, [*steps, *y.shape[1:]]), [*x.shape[:2], *y.shape[1:]])


def _keeps_state(layer: Any) -> bool:
    return bool(getattr(layer, "stateful", False))


def _is_tensor(x: Any) -> bool:
    """Whether it is a dense tensor of float32 and known rank: what the nodes are made for."""
    tf = require("tensorflow", "Keras", "keras")
    return isinstance(x, tf.Tensor) and x.dtype == tf.float32 and x.shape.rank is not None


#: They are called with the layer's inputs, and with all its arguments by name.
LAYERS = (
    Layer("RNN", recurrent), Layer("LSTM", recurrent), Layer("GRU", recurrent), Layer("SimpleRNN", recurrent),
    Layer("Bidirectional", bidirectional), Layer("LayerNormalization", _normalised), Layer("Embedding", _embedded),
    Layer("TimeDistributed", _folded),
)  # fmt: skip
