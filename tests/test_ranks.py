"""An If whose branches give different ranks, chosen by sizes: what follows is lowered once for each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from check import oracle
from zoo import Net

from onnx_bridge import UnsupportedModel, convert

FLOAT = 1


def squeezed(after: Callable[[Net, str, str], dict[str, str]], by: Callable[[Net, str], str] | None = None) -> onnx.ModelProto:
    """x [N, K, 3], its middle axis gone if K is 1, as torch.squeeze is exported; then what comes `after`."""
    net = Net("squeezed")
    x = net.input("x", ("N", "K", 3))
    one = net("Equal", net("Gather", net("Shape", x), net.constant(1)), net.constant(1)) if by is None else by(net, x)
    then, otherwise = Net("then"), Net("otherwise")
    graphs = {
        "then_branch": then.graph(gone=(then("Squeeze", x, then.constant([1])), FLOAT, None)),
        "else_branch": otherwise.graph(kept=(otherwise("Identity", x), FLOAT, None)),
    }
    given = after(net, net("If", one, **graphs), x)
    graph = net.graph(**{name: (tensor, FLOAT, None) for name, tensor in given.items()})
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", net.opset)], ir_version=8)


def twice(net: Net, q: str, x: str) -> dict[str, str]:
    """Squeezed again where the first axis is 1, with a weight in both; the second output has one rank."""
    first = net("Equal", net("Gather", net("Shape", x), net.constant(0)), net.constant(1))
    then, otherwise = Net("then2"), Net("otherwise2")
    graphs = {
        "then_branch": then.graph(gone2=(then("Squeeze", q, then.constant([0])), FLOAT, None)),
        "else_branch": otherwise.graph(kept2=(otherwise("Identity", q), FLOAT, None)),
    }
    return {"y": net("Mul", net("If", first, **graphs), net.weight(3)), "z": net("ReduceSum", q, keepdims=0)}


AFTER = {
    "two ranks": lambda net, q, x: {"y": net("Relu", q)},
    "one rank again": lambda net, q, x: {"y": net("MatMul", net("Reshape", q, net.constant([-1, 3])), net.weight(3, 2))},
    "twice": twice,
    "beside an input": lambda net, q, x: {"y": net("Exp", q), "same": net("Identity", x)},
}


@pytest.mark.parametrize("label", AFTER)
def test_ranks(label: str) -> None:
    """As onnxruntime, at sizes of each kind; verification tries them, too."""
    model = squeezed(AFTER[label])
    net, session = convert(model, name=f"ranks_{len(label)}").compile(), oracle(model)
    for shape in ((2, 1, 3), (2, 4, 3), (1, 1, 3), (1, 2, 3), (2, 0, 3)):
        x = np.random.default_rng(shape).standard_normal(shape).astype(np.float32)
        for ours, theirs in zip(net.run({"x": x}), session.run(None, {"x": x}), strict=True):
            assert ours.shape == np.shape(theirs)
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_the_header_says_so() -> None:
    header = convert(squeezed(AFTER["two ranks"]), name="ranks", verify=False).header

    assert "output     y  float32 [N, 3] or float32 [N, K, 3]" in header
    assert '{"y", "float32", -1, {-1}},' in header


def test_ranks_that_data_chooses_are_refused() -> None:
    model = squeezed(AFTER["two ranks"], lambda net, x: net("Greater", net("ReduceSum", x, keepdims=0), net.constant(0, np.float32)))

    with pytest.raises(UnsupportedModel, match=r"float32 \[N, 3\] and float32 \[N, K, 3\], and data decides which is taken"):
        convert(model, verify=False)
