"""Integers computed from shapes are known at conversion: no operator is left of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge import convert

#: x [N, 6, 8]: sizes of it, then what is done to them, and the shape that x is given in the end.
SIZES = [helper.make_node("Shape", ["x"], ["shape"])]


def gathered(index: int, name: str) -> onnx.NodeProto:
    return helper.make_node("Gather", ["shape", f"i{index}"], [name])


CASES = {
    "product of all": [
        helper.make_node("ReduceProd", ["shape"], ["count"], keepdims=1),
        helper.make_node("Identity", ["count"], ["target"]),
    ],
    "sum of parts": [
        helper.make_node("Mul", ["shape", "picked"], ["b"]),
        helper.make_node("ReduceSum", ["b"], ["c"], keepdims=1),
        helper.make_node("Concat", ["c", "minus"], ["target"], axis=0),
    ],
    "largest and smallest": [
        helper.make_node("Max", ["shape", "ones"], ["b"]),
        helper.make_node("Min", ["b", "shape"], ["c"]),
        helper.make_node("Clip", ["c", "zero"], ["d"]),
        helper.make_node("Add", ["d", "nothing"], ["target"]),
    ],
    "cast there and back": [
        helper.make_node("Cast", ["shape"], ["b"], to=TensorProto.INT32),
        helper.make_node("Cast", ["b"], ["target"], to=TensorProto.INT64),
    ],
    "where": [
        helper.make_node("Equal", ["wanted", "minus"], ["b"]),
        helper.make_node("Where", ["b", "shape", "wanted"], ["target"]),
    ],
    "power and remainder": [
        helper.make_node("Pow", ["shape", "one"], ["b"]),
        helper.make_node("Mod", ["b", "large"], ["c"]),
        helper.make_node("Sub", ["b", "c"], ["d"]),
        helper.make_node("Div", ["d", "large"], ["e"]),
        helper.make_node("Mul", ["e", "large"], ["f"]),
        helper.make_node("Add", ["f", "c"], ["target"]),
    ],
}

CONSTANTS = {
    "picked": [1, 0, 0], "minus": [-1], "ones": [1, 1, 1], "zero": 0,
    "nothing": [0, 0, 0], "wanted": [-1, 6, 8], "one": [1, 1, 1], "large": [1, 3, 5],
}  # fmt: skip


@pytest.mark.parametrize("nodes", CASES.values(), ids=CASES.keys())
def test_nothing_is_left(nodes: Sequence[onnx.NodeProto]) -> None:
    """Only the reshaping itself, if it changes anything, and the operator behind it stay."""
    last = [helper.make_node("Reshape", ["x", "target"], ["r"]), helper.make_node("Relu", ["r"], ["y"])]
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        [*SIZES, *nodes, *last], "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 6, 8])],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in CONSTANTS.items() if name in used],
    )  # fmt: skip

    converted = convert(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8))

    assert [op.op_type for op in converted.model.operators if op.op_type != "Reshape"] == ["Pointwise"]


@pytest.mark.parametrize("turn", ["Mul(c, c)", "Div(c, b)"])
def test_sizes_that_grow_beyond_bounds_are_computed_when_it_runs(turn: str) -> None:
    """(a + b)^2, plus b, squared again, ... doubles its degree each time; quotients of sums nest deeper than Python calls go."""
    turns = " ".join(f"c{i} = Add(a{i}, b) a{i + 1} = {turn.replace('(c,', f'(c{i},').replace(' c)', f' c{i})')}" for i in range(200))
    text = f"s = Shape(x) a0 = Gather(s, zero) b = Gather(s, one) {turns} f = Cast<to = 1>(a200) y = Add(x, f)"
    head = '<ir_version: 8, opset_import: ["" : 17]> g (float[N, M] x) => (float[N, M] y) <int64 zero = {0}, int64 one = {1}>'
    made = convert(onnx.parser.parse_model(f"{head} {{ {text} }}"), verify=False)

    (x,), (y,) = made.model.inputs, made.model.outputs
    assert y.shape == x.shape
    assert len(made.model.operators) > 1  # a size of the known part, and the rest
