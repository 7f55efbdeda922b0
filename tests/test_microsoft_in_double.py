"""com.microsoft's operators in float64: what the arbiter is asked where a header and onnxruntime differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

import numpy as np
import onnx
import pytest
from faults import plant
from zoo import Net

from onnx_bridge import convert
from onnx_bridge.errors import VerificationError
from onnx_bridge.references.oracle import Oracle
from onnx_bridge.references.second import Evaluated

#: Adds an operator behind [N, 4, 16]; gives its output, of the same shape.
Make = Callable[[Net, str], str]

DOMAIN = "com.microsoft"
OPSETS = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid(DOMAIN, 1)]


def pointwise(op: str, biased: bool = False, **attributes: object) -> Make:
    return lambda net, x: net(op, x, *([net.weight(16)] if biased else []), domain=DOMAIN, **attributes)


def product(net: Net, x: str) -> str:
    return net("FusedMatMul", x, net.weight(16, 16), domain=DOMAIN, transB=1, alpha=0.25)


def skip(op: str, *parameters: bool) -> Make:
    """`parameters` says which of those behind gamma are there."""

    def make(net: Net, x: str) -> str:
        rest = [net.weight(16) if there else "" for there in parameters]
        return net(op, x, net("Sin", x), net.weight(16), *rest, domain=DOMAIN, epsilon=1e-5)

    return make


def attention(mask: object = None, **attributes: object) -> Make:
    def make(net: Net, x: str) -> str:
        masks = [] if mask is None else [net.constant(mask, np.int32)]
        w, b = net.weight(16, 48, low=-0.4, high=0.4), net.weight(48)
        return net("Attention", x, w, b, *masks, domain=DOMAIN, num_heads=2, **attributes)

    return make


def heads(net: Net, x: str) -> str:
    q, k, v = (net("MatMul", x, net.weight(16, 16, low=-0.4, high=0.4)) for _ in range(3))
    return net("MultiHeadAttention", q, k, v, net.weight(48), domain=DOMAIN, num_heads=4)


MAKES: dict[str, Make] = {
    "BiasGelu": pointwise("BiasGelu", biased=True),
    "Gelu": pointwise("Gelu"),
    "FastGelu": pointwise("FastGelu", biased=True),
    "QuickGelu": pointwise("QuickGelu", alpha=1.5),
    "FusedMatMul": product,
    "SkipLayerNormalization": skip("SkipLayerNormalization", True, True),
    "SkipSimplifiedLayerNormalization": skip("SkipSimplifiedLayerNormalization", True),
    "Attention": attention(),
    "MultiHeadAttention": heads,
}

#: Further forms, which are held to onnxruntime alone.
FORMS: dict[str, Make] = {
    "Attention, of what came before": attention(unidirectional=1),
    "Attention, masked": attention([[1, 1, 0, 1], [1, 0, 0, 0]], mask_filter_value=-50.0),
    "Attention, masked by rows": attention(np.tri(4)[None] * np.ones((2, 1, 1)), scale=0.3),
    "Attention, by ends": attention([3, 2]),
    "Attention, by ends and beginnings": attention([3, 4, 1, 2]),
    "SkipLayerNormalization, bare": skip("SkipLayerNormalization"),
}


def model_of(make: Make, prefix: Callable[[Net, str], str] | None = None, batch: int | str = "N") -> onnx.ModelProto:
    net = Net("net")
    x = net.input("x", (batch, 4, 16))
    y = make(net, prefix(net, x) if prefix else x)
    graph = net.graph(y=(net("Relu", y) if prefix else y, onnx.TensorProto.FLOAT, (batch, 4, 16)))
    return onnx.helper.make_model(graph, opset_imports=OPSETS, ir_version=8)


def cancelled(net: Net, x: str) -> str:
    """A layer normalisation by E[x^2] - E[x]^2 of numbers far from 0: onnxruntime loses digits that the header keeps."""
    far = net("Add", x, net.constant(100, np.float32))
    mean = net("ReduceMean", far, axes=[-1])
    variance = net("Sub", net("ReduceMean", net("Mul", far, far), axes=[-1]), net("Mul", mean, mean))
    scale = net("Reciprocal", net("Sqrt", net("Add", variance, net.constant(1e-3, np.float32))))
    return net("Mul", net("Sub", far, mean), scale)


@pytest.mark.parametrize("double", [False, True], ids=["float", "double"])
@pytest.mark.parametrize("make", [*MAKES.values(), *FORMS.values()], ids=[*MAKES, *FORMS])
def test_what_onnxruntime_gives(make: Make, double: bool) -> None:
    model = model_of(make, batch=2)
    feeds = {"x": np.random.default_rng(5).standard_normal((2, 4, 16)).astype(np.float32)}

    with closing(Evaluated(model, double)) as evaluated, closing(Oracle(model)) as oracle:
        (ours,), (theirs,) = evaluated(feeds), oracle(feeds)

    assert ours.dtype == (np.float64 if double else np.float32)
    np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=5e-6)


@pytest.mark.parametrize("name", list(MAKES))
def test_a_header_nearer_to_the_truth_is_accepted(name: str) -> None:
    """What differs is onnxruntime's own error, and the report has the three numbers."""
    report = convert(model_of(MAKES[name], cancelled), name="near").report

    (row,) = report.rows
    assert report.passed and "from the model in float64 the header is" in row.decided
    assert "the reference" in row.decided and "allowed" in row.decided and row.decided in report.table()


@pytest.mark.parametrize("name", list(MAKES))
def test_a_planted_fault_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousandth, in the Relu behind it: float64 is asked, and sides with onnxruntime."""
    plant(monkeypatch, "return larger(vec{}, x); }", "return larger(vec{}, x) * 1.001f; }")

    with pytest.raises(VerificationError, match="from the model in float64 the header is .* away"):
        convert(model_of(MAKES[name], lambda net, x: net("Tanh", x)), name="far")


def outputs_of(op: str, count: int, inputs: Sequence[str]) -> onnx.ModelProto:
    node = onnx.helper.make_node(op, inputs, [f"y{i}" for i in range(count)], domain=DOMAIN, num_heads=2)
    floats = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in (*inputs, *node.output)]
    graph = onnx.helper.make_graph([node], "net", floats[: len(inputs)], floats[len(inputs) :])
    return onnx.helper.make_model(graph, opset_imports=OPSETS, ir_version=8)


def test_keys_of_the_past() -> None:
    rng = np.random.default_rng(7)
    shapes = {"x": (2, 3, 8), "w": (8, 24), "b": (24,), "past": (2, 2, 2, 5, 4)}
    attend = outputs_of("Attention", 2, ["x", "w", "b", "past"])
    attend.graph.node[0].input.insert(3, "")
    feeds = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    with closing(Evaluated(attend, double=True)) as evaluated, closing(Oracle(attend)) as oracle:
        for ours, theirs in zip(evaluated(feeds), oracle(feeds), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=5e-6)
