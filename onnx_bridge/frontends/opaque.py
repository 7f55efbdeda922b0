"""Layers and functions that run as one opaque node while their framework traces them, and become one ONNX operator.

Exporters take recurrent layers, normalisations, pools and the user's own functions apart into dozens of nodes, unroll them, or refuse
them. So while a model is traced, such a layer runs otherwise: it puts a node into the trace that its framework carries along without
looking inside, and that the exporter is told how to write. In every framework that is said in the same three parts:

- which layers: `Layer`, the class and what runs instead of it, in `layers.py` of the framework (for JAX: `recurrent.py` and `repairs.py`);
- how one is traced: the framework's `Tracer`, in its `opaque.py`, places the node: a function of numpy that is never called (TensorFlow), a
  primitive (JAX), a symbolic operator or a function of autograd (PyTorch's two exporters);
- what it becomes: a `Node`, which the same `opaque.py` has the exporter write.

Functions that are declared with `custom_op` are traced so in every framework: `marking`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from onnx_bridge.custom import EXPORTING, CustomOp
from onnx_bridge.errors import ExportError


@dataclass(frozen=True)
class Node:
    """The ONNX node that an opaque one becomes. Built with `Node.of`; it can be hashed, as JAX wants parameters of primitives to be.

    Attributes:
        op_type: ONNX's name of the operator.
        attributes: names and values, plain Python.
        present: which of the operator's inputs there are.
        domain: of the operator; empty for ONNX's own.
        version: of that domain; None for ONNX's own.
        elementwise: whether an axis in front of all inputs and outputs changes nothing, as `jax.vmap` adds one.
    """

    op_type: str
    attributes: tuple[tuple[str, Any], ...]
    present: tuple[bool, ...]
    domain: str = ""
    version: int | None = None
    elementwise: bool = False

    @classmethod
    def of(cls, op_type: str, inputs: Sequence[Any], attributes: Mapping[str, Any], **rest: Any) -> Node:
        """The node with these inputs, None for those that are absent, and attributes in whatever types."""
        present = [value is not None for value in inputs]
        while present and not present[-1]:
            present.pop()
        return cls(op_type, tuple((name, _plain(value)) for name, value in attributes.items()), tuple(present), **rest)

    def in_place(self, inputs: Iterable[Any]) -> list[Any]:
        """The inputs that there are at their places among the operator's; None where one is absent."""
        values = iter(inputs)
        return [next(values) if there else None for there in self.present]


def _plain(value: Any) -> Any:
    """An attribute in plain Python: numbers of numpy and bools are none that every exporter takes, lists cannot be hashed."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, (list, tuple)):
        return tuple(map(_plain, value))
    return int(value) if isinstance(value, bool) else value


@dataclass(frozen=True)
class Output:
    """Type and shape of an output, in the framework's own terms."""

    dtype: Any
    shape: Sequence[Any]


#: What an opaque node gives: types and shapes, or a function of the inputs that there are, whose results have them.
Outputs: TypeAlias = "Sequence[Output] | Callable[..., Sequence[Any]]"


class Tracer(Protocol):
    """A framework that is tracing: how it carries an opaque node along."""

    def place(self, node: Node, inputs: Sequence[Any], outputs: Outputs) -> list[Any]:
        """Puts a node into the trace.

        Args:
            node: what it becomes.
            inputs: those that there are.
            outputs: what it gives.

        Returns:
            Its outputs, as tensors that go on being traced.
        """

    def flat(self, result: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
        """What a function returned as a list of tensors, and a function that makes the like of other tensors."""


@dataclass(frozen=True)
class Layer:
    """Layers that run as opaque nodes.

    Attributes:
        name: of their class, in the framework's module of layers. Subclasses are left alone: what they compute is theirs.
        runs: instead of one, called with the tracer, the layer, and what the layer was called with. It returns what the layer would, or
            None where ONNX has no such operator: then the layer is traced as ever.
    """

    name: str
    runs: Callable[..., Any]


@contextlib.contextmanager
def marking(tracer: Tracer) -> Iterator[None]:
    """Makes functions that were declared with `custom_op` opaque nodes inside the block."""

    def mark(op: CustomOp, function: Callable[..., Any], inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
        said = {name: _declared(op, name, value) for name, value in attributes.items()}
        node = Node.of(op.name, inputs, said, domain=op.domain, version=op.version, elementwise=op.functor is not None)
        packs: list[Callable[[Sequence[Any]], Any]] = []

        def whole(*tensors: Any) -> list[Any]:
            """The function as it is; declared functions that it calls are no nodes of their own."""
            with _marked(None):
                result = function(*_filled(node.in_place(tensors), len(inputs)), **attributes)
            leaves, pack = tracer.flat(result)
            if len(leaves) != len(op.outputs):
                name = getattr(function, "__name__", str(function))
                raise ExportError(f"{op.domain}::{op.name} is declared with {len(op.outputs)} outputs, {name!r} returns {len(leaves)}")
            packs[:] = [pack]
            return leaves

        made = tracer.place(node, [value for value in inputs if value is not None], whole)
        return packs[0](made)

    with _marked(mark):
        yield


@contextlib.contextmanager
def _marked(marker: Any) -> Iterator[None]:
    token = EXPORTING.set(marker)
    try:
        yield
    finally:
        EXPORTING.reset(token)


def _declared(op: CustomOp, name: str, value: Any) -> Any:
    """An attribute in the type that the operator's declaration has for it: 1 is a float where that says 1.0."""
    return float(value) if isinstance(op.attributes.get(name), float) else value


def _filled(inputs: list[Any], count: int) -> list[Any]:
    return [*inputs, *[None] * (count - len(inputs))]


_MISSING = object()


@contextlib.contextmanager
def replaced(owner: Any, attribute: str, value: Any) -> Iterator[None]:
    """Replaces an attribute of a module, a class or an object for the block; what was its class's alone is so again afterwards."""
    kept = vars(owner).get(attribute, _MISSING)
    setattr(owner, attribute, value)
    try:
        yield
    finally:
        if kept is _MISSING:
            delattr(owner, attribute)
        else:
            setattr(owner, attribute, kept)
