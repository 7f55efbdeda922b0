"""Whatever is read at run time was written before: by an input, a weight, or an operator, whichever pass made it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from models import model_of
from onnx import helper, numpy_helper
from zoo import Net

from onnx_bridge import convert
from onnx_bridge.emit.header import emit
from onnx_bridge.errors import InternalError
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.validate import check_written
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.sizes import Sizes


def causal(queries: int, keys: int, past: int) -> np.ndarray:
    return np.arange(keys)[None] <= np.arange(queries)[:, None] + past


def test_sizes_that_a_pass_brings_are_written() -> None:
    """Attention's mask is made of sizes after the pass that writes sizes down; here inside a Loop, beside a past of open length."""
    net = Net("cached", opset=23)
    q, k, v = (net.input(name, ("B", 2, "S", 4)) for name in "qkv")
    past_k, past_v = net.input("past_k", ("B", 2, "P", 4)), net.input("past_v", ("B", 2, "P", 4))
    inner = Net("inner")
    inner.input("turn", (), 7), inner.input("on", (), 9)
    now = inner.input("now", ("B", 2, "S", 4))
    y = inner.many("Attention", now, k, v, "", past_k, past_v, outputs=3, is_causal=1)[0]
    body = inner.graph(still=("on", 9, ()), after=(y, 1, ("B", 2, "S", 4)))
    model = net.floats(y=(net("Loop", net.constant(1), "", q, body=body), ("B", 2, "S", 4)))

    compiled = convert(model, verify=False).compile()
    rng = np.random.default_rng(3)
    for s, p in ((3, 4), (1, 5), (4, 0)):
        feeds = {n: rng.standard_normal((2, 2, p if "past" in n else s, 4)).astype(np.float32) for n in ("q", "k", "v", "past_k", "past_v")}
        keys, values = (np.concatenate([feeds[f"past_{n}"], feeds[n]], 2) for n in "kv")
        scores = np.where(causal(s, s + p, p), np.einsum("bhqd,bhkd->bhqk", feeds["q"], keys) / 2, -np.inf)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        wanted = np.einsum("bhqk,bhkd->bhqd", weights / weights.sum(-1, keepdims=True), values)
        np.testing.assert_allclose(compiled.run(feeds)[0], wanted, rtol=1e-4, atol=1e-5)


def test_what_nothing_writes_is_a_fault_that_is_told() -> None:
    model = RModel("faulty")
    model.add_input_tensor_info("x", "float32", ["N", 2])
    model.add_operator(TABLE["Exp"](name="first"), ["x"], ["h"])
    model.add_operator(TABLE["Neg"](name="second"), ["h"], ["y"])
    model.add_output_tensor_name_list(["y"])
    check_written(model, "lower")
    del model.operators[0]

    with pytest.raises(InternalError, match="second reads 'h', which nothing writes"):
        emit(model)


def test_sizes_are_written_once() -> None:
    """An outer size that a branch reads is written outside."""
    net = Net("outer")
    x = net.input("x", ("N", 3))
    count = net("Cast", net("Size", x), to=1)
    yes, no = Net("yes"), Net("no")
    branches = {
        "then_branch": yes.graph(a=(yes("Mul", x, count), 1, ("N", 3))),
        "else_branch": no.graph(b=(no("Div", x, count), 1, ("N", 3))),
    }
    h = net("If", net("Greater", net("ReduceSum", x, keepdims=0), net.constant(0, np.float32)), **branches)
    made = convert(net.floats(y=(net("Add", h, count), ("N", 3))), verify=False)

    assert made.header.count("static_cast<std::int64_t>((3 * N))") == sum(isinstance(op, Sizes) for op in made.model.operators) == 1


def test_an_output_that_is_copied_is_read_where_it_was_made() -> None:
    """By the steps of a loop, and by the branches of an If: the copy under its own name is written behind them."""
    nodes = [
        helper.make_node("Tanh", ["x"], ["h"], "h"),
        helper.make_node("Reshape", ["h", "all"], ["flat"], "flat"),
        helper.make_node("Add", ["h", "z"], ["sum"], "sum"),
        helper.make_node("Sin", ["sum"], ["more"], "more"),
        helper.make_node("If", ["yes"], ["taken"], "taken", then_branch=branch("Exp"), else_branch=branch("Neg")),
    ]
    floats = {name: helper.make_tensor_value_info(name, 1, shape) for name, shape in (("x", ["N", 4]), ("z", ["N", 4]), ("flat", ["M"]))}
    floats |= {name: helper.make_tensor_value_info(name, 1, ["N", 4]) for name in ("h", "more", "taken")}
    inputs = [floats["x"], floats["z"], helper.make_tensor_value_info("yes", 9, [])]
    outputs = [floats[name] for name in ("flat", "h", "more", "taken")]
    graph = helper.make_graph(nodes, "shared", inputs, outputs, [numpy_helper.from_array(np.array([-1]), "all")])

    compiled = convert(model_of(graph), verify=False).compile()
    x, z = (np.random.default_rng(seed).standard_normal((5, 4)).astype(np.float32) for seed in (1, 2))
    h = np.tanh(x)
    for got, wanted in zip(
        compiled.run({"x": x, "z": z, "yes": np.array(True)}), (h.reshape(-1), h, np.sin(h + z), np.exp(h)), strict=True
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


def branch(op_type: str) -> onnx.GraphProto:
    """A branch of an If that reads h outside."""
    made = helper.make_node(op_type, ["h"], [op_type], op_type)
    return helper.make_graph([made], op_type.lower(), [], [helper.make_tensor_value_info(op_type, 1, ["N", 4])])
