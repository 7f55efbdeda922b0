"""Single ONNX nodes inside a TensorFlow graph: while a function is traced, a mark stands for each; tf2onnx then puts the node there.

A mark is a `tf.numpy_function` that is never called. It survives tracing, freezing, and TensorFlow's own optimisations as one node whose
name ends in the mark's key.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onnx_bridge.custom import EXPORTING, CustomOp
from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.exported import require

_KEY = "onnx_bridge_mark_"
_FIND = re.compile(rf"{_KEY}(\d+)")


@dataclass
class _Mark:
    """The node: `present` says which of its inputs are given, in order."""

    domain: str
    op_type: str
    present: list[bool]
    attributes: dict[str, Any]


@dataclass
class Marks:
    """All marks of an export.

    Attributes:
        domains: the versions of the domains, other than ONNX's own, that marks are of.
        stateful: names of layers that were met and that keep a state from call to call.
    """

    domains: dict[str, int] = field(default_factory=dict)
    stateful: list[str] = field(default_factory=list)
    _marks: list[_Mark] = field(default_factory=list)

    def node(
        self,
        op_type: str,
        inputs: Sequence[Any],
        outputs: Sequence[tuple[Any, Any]],
        attributes: Mapping[str, Any],
        domain: str = "",
        version: int = 1,
    ) -> list[Any]:
        """The outputs of a node.

        Args:
            op_type: ONNX's name.
            inputs: tensors, and None for inputs that are absent.
            outputs: the type and the static shape of each.
            attributes: of the node.
            domain: of the node.
            version: of the domain.
        """
        tf = require("tensorflow", "Keras", "keras")
        if domain:
            self.domains[domain] = version
        key = f"{_KEY}{len(self._marks)}"
        self._marks.append(_Mark(domain, op_type, [value is not None for value in inputs], dict(attributes)))
        given = [tf.convert_to_tensor(value) for value in inputs if value is not None]
        made = tf.numpy_function(_never, given, [dtype for dtype, _ in outputs], stateful=False, name=key)
        made = list(made) if isinstance(made, (list, tuple)) else [made]
        # The shape travels in an operator of its own: what set_shape says is forgotten when the graph is frozen.
        return [tf.ensure_shape(value, shape) for value, (_, shape) in zip(made, outputs, strict=True)]

    def custom(self, op: CustomOp, function: Callable[..., Any], inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
        """What stands for a call of a function that is declared to be an operator: a marker as `custom.EXPORTING` holds it."""
        tf = require("tensorflow", "Keras", "keras")
        tensors = [tf.convert_to_tensor(value) for value in inputs]
        token = EXPORTING.set(None)
        try:
            traced = tf.function(lambda *values: function(*values, **attributes))
            result = traced.get_concrete_function(*(tf.TensorSpec(value.shape, value.dtype) for value in tensors)).structured_outputs
        finally:
            EXPORTING.reset(token)
        flat = tf.nest.flatten(result)
        if len(flat) != len(op.outputs):
            name = getattr(function, "__name__", str(function))
            raise ExportError(f"{op.domain}::{op.name} is declared with {len(op.outputs)} outputs, {name!r} returns {len(flat)}")
        said = {name: float(value) if isinstance(op.attributes.get(name), float) else value for name, value in attributes.items()}
        made = self.node(op.name, tensors, [(value.dtype, value.shape) for value in flat], said, op.domain, op.version)
        return tf.nest.pack_sequence_as(result, made)

    def handlers(self) -> dict[str, tuple[Callable[..., None], list[Any]]]:
        """What tf2onnx is to do with marks."""

        def handler(ctx: Any, node: Any, name: str, _: object) -> None:
            found = _FIND.search(name)
            if found is None:
                return  # the user's own numpy function: it stays, and is refused afterwards
            mark = self._marks[int(found[1])]
            given = iter(node.input)
            names = [next(given) if present else "" for present in mark.present]
            outputs, shapes, dtypes = list(node.output), node.output_shapes, node.output_dtypes
            ctx.remove_node(node.name)
            ctx.make_node(
                mark.op_type, names, attr=mark.attributes, outputs=outputs, name=name, shapes=shapes, dtypes=dtypes, domain=mark.domain
            )

        return dict.fromkeys(("PyFunc", "PyFuncStateless", "EagerPyFunc"), (handler, []))

    def __len__(self) -> int:
        return len(self._marks)

    def counted(self) -> str:
        """How many of each there are."""
        kinds = sorted(mark.op_type for mark in self._marks)
        return ", ".join(f"{len(list(group))} {kind}" for kind, group in itertools.groupby(kinds))


def _never(*_: Any) -> Any:
    raise RuntimeError("a mark of onnx_bridge stands only in graphs that are exported; it cannot be run")
