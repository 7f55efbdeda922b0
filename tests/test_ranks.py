"""An If whose branches give different ranks, chosen by sizes: what follows is lowered once for each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from check import oracle
from zoo import Net

from onnx_bridge import InferenceError, UnsupportedModel, convert

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
    assert '{"y", "float32", -1, {-1}}' in header


def positive(net: Net, x: str) -> str:
    """Whether the sum of x is."""
    return net("Greater", net("ReduceSum", x, keepdims=0), net.constant(0, np.float32))


def test_ranks_that_data_chooses() -> None:
    """What comes before the If is computed once, and an output has the rank of the branch that was taken."""
    model = squeezed(lambda net, q, x: {"y": net("Relu", q), "z": net("ReduceSum", q, keepdims=0)}, positive)
    made = convert(model, name="ranks_of_data")
    net, session = made.compile(), oracle(model)
    for shape, sign in (((2, 1, 3), 1), ((2, 1, 3), -1), ((2, 4, 3), -1), ((2, 0, 3), 1)):
        x = np.random.default_rng(shape).uniform(1, 2, shape).astype(np.float32) * np.float32(sign)
        for ours, theirs in zip(net.run({"x": x}), session.run(None, {"x": x}), strict=True):
            assert ours.shape == np.shape(theirs)
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    with pytest.raises(InferenceError, match="refuses"):  # squeezed, and K is not 1
        net.run({"x": np.ones((2, 4, 3), np.float32)})


def test_a_rank_that_data_chooses_does_not_leave_a_loop() -> None:
    net = Net("outer")
    x = net.input("x", ("N", 3))
    turn, then, otherwise = Net("turn"), Net("then"), Net("otherwise")
    graphs = {
        "then_branch": then.graph(flat=(then("Reshape", "now", then.constant([-1])), FLOAT, None)),
        "else_branch": otherwise.graph(as_it_is=(otherwise("Identity", "now"), FLOAT, None)),
    }
    scan = turn("If", positive(turn, "now"), **graphs)
    body = turn.graph(go=(turn("Identity", "cond"), 9, ()), next=(turn("Sin", "now"), FLOAT, ("N", 3)), scan=(scan, FLOAT, None))
    body.input.extend(
        [onnx.helper.make_tensor_value_info(*value) for value in (("t", 7, ()), ("cond", 9, ()), ("now", FLOAT, ("N", 3)))]
    )
    _, path = net.many("Loop", net.constant(3), "", x, outputs=2, body=body)
    graph = net.graph(y=(path, FLOAT, None))
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", net.opset)], ir_version=8)
    with pytest.raises(UnsupportedModel, match=r"float32 \[3 \* N\] or float32 \[N, 3\], and data decides that inside"):
        convert(model, verify=False)


def test_an_inner_if_parts_what_is_around_it() -> None:
    """In the only branch of an If that a constant decides: its ranks are those of the outer If's output."""
    net = Net("outer")
    x = net.input("x", ("N", "K", 3))
    kept = Net("kept")
    one = kept("Equal", kept("Gather", kept("Shape", x), kept.constant(1)), kept.constant(1))
    then, otherwise = Net("then"), Net("otherwise")
    graphs = {
        "then_branch": then.graph(gone=(then("Squeeze", x, then.constant([1])), FLOAT, None)),
        "else_branch": otherwise.graph(all_=(otherwise("Identity", x), FLOAT, None)),
    }
    inner = kept.graph(inner=(kept("If", one, **graphs), FLOAT, None))
    never = Net("never")
    y = net("If", net.constant(True, np.bool_), then_branch=inner, else_branch=never.graph(no=(never("Neg", x), FLOAT, None)))
    graph = net.graph(y=(net("Relu", y), FLOAT, None))
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", net.opset)], ir_version=8)

    assert "float32 [N, 3] or float32 [N, K, 3]" in convert(model, name="ranks", verify=False).header


def test_what_fits_one_rank_only_narrows_the_model() -> None:
    """A layer behind it that takes two axes: the sizes for which there are three are refused, and that is said."""
    model = squeezed(lambda net, q, x: {"y": net.dense(q, 3, 2)})
    made = convert(model, name="ranks_narrowed")

    assert "NARROWED: " in str(made.report) and "Gemm at 'squeezed_Gemm4' needs it" in made.report.narrowed[0]
    net, x = made.compile(), np.ones((2, 1, 3), np.float32)
    assert np.allclose(net(x), oracle(model).run(None, {"x": x})[0])
    with pytest.raises(InferenceError, match="refuses"):
        net(np.ones((2, 2, 3), np.float32))
    with pytest.raises(UnsupportedModel, match="Gemm at"):
        convert(model, verify=False, strict=True)


def test_ifs_of_one_condition_are_decided_together() -> None:
    """Ten of them make two graphs, not a thousand; ten of different ones are refused."""

    def ten(different: bool) -> Callable[[Net, str, str], dict[str, str]]:
        def after(net: Net, q: str, x: str) -> dict[str, str]:
            for i in range(10):
                size = net("Gather", net("Shape", x), net.constant(1))
                one = net("Equal", size, net.constant(2 + i if different else 1))
                then, otherwise = Net(f"then_{i}"), Net(f"otherwise_{i}")
                graphs = {
                    "then_branch": then.graph(**{f"more_{i}": (then("Unsqueeze", q, then.constant([0])), FLOAT, None)}),
                    "else_branch": otherwise.graph(**{f"as_it_is_{i}": (otherwise("Identity", q), FLOAT, None)}),
                }
                q = net("If", one, **graphs)
            return {"y": q}

        return after

    made = convert(squeezed(ten(different=False)), name="ten", verify=False)
    assert made.model.outputs[0].type.either is not None and made.header.count("// squeezed_If") < 30
    with pytest.raises(UnsupportedModel, match="more than 4 branches differ in rank"):
        convert(squeezed(ten(different=True)), verify=False)
