"""Opaque nodes in a TensorFlow graph: a function of numpy that is never called, which tf2onnx turns into the ONNX node.

It survives tracing, freezing, and TensorFlow's own optimisations as one node whose name ends in a number of ours.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

from onnx_bridge.frontends.exported import require
from onnx_bridge.frontends.opaque import Node, Output, Outputs

_NAME = "onnx_bridge_opaque_"
_FIND = re.compile(rf"{_NAME}(\d+)")


class FunctionTracer:
    """A `tf.function` that is traced; the nodes of one export.

    Attributes:
        versions: of the domains, other than ONNX's own, that nodes are of.
    """

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}
        self._nodes: list[Node] = []

    def place(self, node: Node, inputs: Sequence[Any], outputs: Outputs) -> list[Any]:
        """See `Tracer`."""
        tf = require("tensorflow", "Keras", "keras")
        given = [tf.convert_to_tensor(value) for value in inputs]
        made = _outputs(tf, given, outputs) if callable(outputs) else list(outputs)
        if node.domain:
            self.versions[node.domain] = node.version or 1
        name = f"{_NAME}{len(self._nodes)}"
        self._nodes.append(node)
        values = tf.numpy_function(_never, given, [output.dtype for output in made], stateful=False, name=name)
        values = list(values) if isinstance(values, (list, tuple)) else [values]
        # The shape travels in an operator of its own: what set_shape says is forgotten when the graph is frozen.
        return [tf.ensure_shape(value, output.shape) for value, output in zip(values, made, strict=True)]

    def flat(self, result: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
        """See `Tracer`."""
        nest = require("tensorflow", "Keras", "keras").nest
        return nest.flatten(result), lambda tensors: nest.pack_sequence_as(result, tensors)

    def handlers(self) -> dict[str, tuple[Callable[..., None], list[Any]]]:
        """What tf2onnx is to do with the functions of numpy that stand for nodes."""

        def handler(ctx: Any, node: Any, name: str, _: object) -> None:
            found = _FIND.search(name)
            if found is None:
                return  # the user's own numpy function: it stays, and is refused afterwards
            placed = self._nodes[int(found[1])]
            inputs = [name or "" for name in placed.in_place(node.input)]
            outputs, shapes, dtypes = list(node.output), node.output_shapes, node.output_dtypes
            ctx.remove_node(node.name)
            ctx.make_node(
                placed.op_type, inputs, attr=dict(placed.attributes), outputs=outputs, name=name, shapes=shapes, dtypes=dtypes,
                domain=placed.domain,
            )  # fmt: skip

        return dict.fromkeys(("PyFunc", "PyFuncStateless", "EagerPyFunc"), (handler, []))

    def __len__(self) -> int:
        return len(self._nodes)

    def counted(self) -> str:
        """How many nodes of each operator there are."""
        kinds = sorted(node.op_type for node in self._nodes)
        return ", ".join(f"{len(list(group))} {kind}" for kind, group in itertools.groupby(kinds))


def _outputs(tf: Any, inputs: Sequence[Any], function: Callable[..., Sequence[Any]]) -> list[Output]:
    """Types and shapes of what a function gives."""
    traced = tf.function(lambda *values: list(function(*values))).get_concrete_function(*(tf.TensorSpec(x.shape, x.dtype) for x in inputs))
    return [Output(value.dtype, value.shape) for value in traced.structured_outputs]


def _never(*_: Any) -> Any:
    raise RuntimeError("an opaque node of onnx_bridge stands only in graphs that are exported; it cannot be run")
