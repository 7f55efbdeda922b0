"""Whatever is read at run time was written before: by an input, a weight, or an operator, whichever pass made it."""

from __future__ import annotations

import numpy as np
import pytest
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
