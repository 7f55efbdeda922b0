"""Opaque nodes, as far as front ends share them: which node stands for a call, what is inside it, what is replaced for a while."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from onnx_bridge import ExportError, custom_op
from onnx_bridge.frontends.opaque import Node, Outputs, marking, replaced

BODY = "{name} <scale: float = 1.0, power: int = 1> (x, y) => (z) {{ z = Add (x, y) }}"
outer = custom_op("test_opaque::Outer", BODY.format(name="Outer"))
inner = custom_op("test_opaque::Inner", BODY.format(name="Inner"))
pair = custom_op("test_opaque::Pair", "Pair (x) => (a, b) { a = Neg (x) b = Abs (x) }")


class Recorded:
    """A framework of numpy arrays, which computes what it places."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def place(self, node: Node, inputs: Sequence[Any], outputs: Outputs) -> list[Any]:
        assert callable(outputs)
        self.nodes.append(node)
        return list(outputs(*inputs))

    def flat(self, result: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
        return (list(result), tuple) if isinstance(result, tuple) else ([result], lambda tensors: tensors[0])


@inner
def square(x: Any, y: Any = None, scale: float = 1.0) -> Any:
    return x * x * scale


@outer
def squares(x: Any, y: Any = None, scale: float = 1.0, power: int = 1) -> Any:
    return square(x) * scale**power + (0 if y is None else y)


def test_a_call_is_one_node_whatever_it_calls() -> None:
    """Its attributes are of the declared types; an input that is absent is told by its place."""
    tracer = Recorded()
    with marking(tracer):
        z = squares(np.float32([2, 3]), scale=2, power=np.int64(2))

    assert z.tolist() == [16, 36]
    (node,) = tracer.nodes
    assert (node.domain, node.op_type, node.version, node.present) == ("test_opaque", "Outer", 1, (True,))
    assert node.attributes == (("scale", 2.0), ("power", 2)) and [type(value) for _, value in node.attributes] == [float, int]
    hash(node)


def test_outside_the_block_nothing_is_a_node() -> None:
    tracer = Recorded()
    with marking(tracer), pytest.raises(ZeroDivisionError):
        raise ZeroDivisionError

    assert squares(np.float32([2]), np.float32([1])).tolist() == [5] and not tracer.nodes


def test_a_function_has_as_many_outputs_as_it_is_declared_with() -> None:
    @pair
    def half(x: Any) -> Any:
        return x / 2

    @pair
    def both(x: Any) -> Any:
        return -x, abs(x)

    with marking(Recorded()):
        assert [value.tolist() for value in both(np.float32([-2]))] == [[2], [2]]
        with pytest.raises(ExportError, match=r"test_opaque::Pair is declared with 2 outputs, 'half' returns 1"):
            half(np.float32([2]))


def test_inputs_stand_at_their_places() -> None:
    """Those that are absent at the end are as if they were not said."""
    node = Node.of("LSTM", ["x", "w", "r", None, None, "h", None], {"direction": "forward", "activations": ["Tanh", "Relu"], "flag": True})

    assert node.present == (True, True, True, False, False, True)
    assert node.in_place("abcd") == ["a", "b", "c", None, None, "d"]
    assert node.attributes == (("direction", "forward"), ("activations", ("Tanh", "Relu")), ("flag", 1))


class Base:
    """A class with a method, which what derives from it inherits."""

    def forward(self) -> str:
        return "own"


class Derived(Base):
    """See Base."""


@pytest.mark.parametrize("owner", [Base, Derived, Base()], ids=["its own", "inherited", "of an object"])
def test_what_is_replaced_is_as_it_was(owner: Any) -> None:
    before = dict(vars(owner))
    with pytest.raises(ZeroDivisionError), replaced(owner, "forward", lambda *_: "other"):
        assert owner.forward(owner) == "other" if isinstance(owner, type) else owner.forward() == "other"
        raise ZeroDivisionError

    assert dict(vars(owner)) == before
