"""Normalizations that exporters take apart come out whole; what only looks like one does not."""

from __future__ import annotations

import importlib

import numpy as np
import onnx
import onnx.parser
import pytest
from chains import Chain, Net, build, chain, check
from check import oracle, worst
from onnx import numpy_helper

from onnx_bridge import convert
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.kernel_operators.group import Group

_ROWS = [{"x": (3, 5, 16)}, {"x": (1, 5, 16)}]
_IMAGES = [{"x": (3, 4, 6, 8)}, {"x": (1, 4, 6, 8)}]
_LAYER = """agraph (float[B, 5, 16] x) => (y) <
    float[16] s, float[16] b, float eps = {0.001}, float n = {16.0}, float two = {2.0}, float zero = {0.0}, int64[1] last = {-1}>"""


def _layer(name: str, body: str, left: str = "", must: str = "LayerNormalization", **rest: object) -> Chain:
    return chain(name, f"{_LAYER} {{ {body} }}", _ROWS, left, must=must, **rest)


CHAINS = (
    _layer(  # as tf2onnx writes it for Keras 3
        "keras_layer",
        """m = ReduceMean<keepdims = 1>(x, last)  d = Sub(x, m)  q = Mul(d, d)  v = ReduceMean<keepdims = 1>(q, last)
        e = Add(v, eps)  r = Sqrt(e)  i = Reciprocal(r)  f = Mul(i, s)  xf = Mul(x, f)  k = Neg(m)  mf = Mul(k, f)  o = Add(mf, b)
        y = Add(xf, o)""",
    ),
    _layer(  # as jax2onnx writes it: the mean of the squares less the square of the mean
        "flax_layer",
        """m = ReduceMean<keepdims = 1>(x, last)  d = Sub(x, m)  q = Mul(x, x)  w = ReduceMean<keepdims = 1>(q, last)
        mm = Mul(m, m)  v = Sub(w, mm)  p = Max(v, zero)  e = Add(p, eps)  r = Sqrt(e)  h = Div(d, r)  t = Mul(h, s)  y = Add(t, b)""",
    ),
    _layer(  # as PyTorch's older exporter writes it
        "torch_layer",
        """m = ReduceMean<keepdims = 1>(x, last)  d = Sub(x, m)  q = Pow(d, two)  v = ReduceMean<keepdims = 1>(q, last)
        e = Add(v, eps)  r = Sqrt(e)  h = Div(d, r)  t = Mul(h, s)  y = Add(t, b)""",
    ),
    _layer(  # sums, divided, their axes lost and brought back
        "sums",
        """m0 = ReduceSum<keepdims = 0>(x, last)  m1 = Div(m0, n)  m = Unsqueeze(m1, last)  d = Sub(x, m)
        v0 = ReduceSumSquare<keepdims = 0>(d, last)  v1 = Div(v0, n)  v = Unsqueeze(v1, last)  e = Add(eps, v)  r = Sqrt(e)
        h = Div(d, r)  y = Mul(s, h)""",
    ),
    _layer(
        "root_mean_square",
        """q = Mul(x, x)  v = ReduceMean<keepdims = 1>(q, last)  e = Add(v, eps)  r = Sqrt(e)  i = Reciprocal(r)  h = Mul(x, i)
        y = Mul(h, s)""",
        must="RMSNormalization",
    ),
    _layer(
        "root_mean_square_with_bias",
        "q = Pow(x, two)  v = ReduceMean<keepdims = 1>(q, last)  e = Add(v, eps)  r = Sqrt(e)  h = Div(x, r)  t = Mul(h, s)  y = Add(t, b)",
        left="Pointwise",
        must="RMSNormalization",
    ),
    _layer(  # what is normalized is itself centred on another mean: not the same x
        "other_mean",
        """m = ReduceMean<keepdims = 1>(x, last)  d = Sub(x, m)  q = Mul(d, d)  v = ReduceMean<keepdims = 1>(q, last)
        e = Add(v, eps)  r = Sqrt(e)  mm = Mul(m, two)  d2 = Sub(x, mm)  y = Div(d2, r)""",
        left="Pointwise ReduceMean",
        must="",
    ),
    _layer(  # the mean of other axes
        "other_axes",
        """m = ReduceMean<keepdims = 1>(x)  d = Sub(x, m)  q = Mul(d, d)  v = ReduceMean<keepdims = 1>(q, last)
        e = Add(v, eps)  r = Sqrt(e)  y = Div(d, r)""",
        left="Pointwise ReduceMean RMSNormalization",
        must="RMSNormalization",  # of d, which is right
    ),
    _layer(  # an unbiased variance: n - 1 terms
        "unbiased",
        """m = ReduceMean<keepdims = 1>(x, last)  d = Sub(x, m)  q = Mul(d, d)  v0 = ReduceSum<keepdims = 1>(q, last)
        n1 = Sub(n, two)  v = Div(v0, n1)  e = Add(v, eps)  r = Sqrt(e)  y = Div(d, r)""",
        left="Pointwise ReduceMean ReduceSum",
        must="",
    ),
    _layer(  # a residual comes in between: the scale belongs to the sum
        "residual",
        """m = ReduceMean<keepdims = 1>(x, last)  d = Sub(x, m)  q = Mul(d, d)  v = ReduceMean<keepdims = 1>(q, last)
        e = Add(v, eps)  r = Sqrt(e)  h = Div(d, r)  z = Add(h, x)  y = Mul(z, s)""",
        left="Pointwise",
    ),
    _layer(  # the normalized rows are an output of their own
        "both_are_read",
        """m = ReduceMean<keepdims = 1>(x, last)  d = Sub(x, m)  q = Mul(d, d)  v = ReduceMean<keepdims = 1>(q, last)
        e = Add(v, eps)  r = Sqrt(e)  h = Div(d, r)  t = Mul(h, s)  u = Tanh(h)  y = Add(t, u)""",
        left="Pointwise LayerNormalization ReduceMean",
    ),
    chain(
        "along_the_channels",  # LayerNormalization(axis=1): an axis that is not the last one
        """agraph (float[B, 4, 6, 8] x) => (y) <float[1, 4, 1, 1] s, float eps = {0.001}, int64[1] one = {1}> {
            m = ReduceMean<keepdims = 1>(x, one)  d = Sub(x, m)  q = Mul(d, d)  v = ReduceMean<keepdims = 1>(q, one)
            e = Add(v, eps)  r = Sqrt(e)  h = Div(d, r)  y = Mul(h, s)
        }""",
        _IMAGES,
        "Transpose",
        must="LayerNormalization",
    ),
    chain(
        "channels_first",  # every channel by itself, as a group of one row of pixels each
        """agraph (float[B, 4, 6, 8] x) => (y) <float[4, 1, 1] s, float[4, 1, 1] b, float eps = {0.001}, int64[2] axes = {2, 3}> {
            m = ReduceMean<keepdims = 1>(x, axes)  d = Sub(x, m)  q = Mul(d, d)  v = ReduceMean<keepdims = 1>(q, axes)
            e = Add(v, eps)  r = Sqrt(e)  h = Div(d, r)  t = Mul(h, s)  y = Add(t, b)
        }""",
        _IMAGES,
        "Reshape",
        must="GroupNormalization",
    ),
    chain(
        "scale_along_others",  # the last axis is normalized, but the scale is one for each of those in front
        """agraph (float[B, 4, 6, 8] x) => (y) <float[4, 6, 1] s, float[4, 1, 1] b, float eps = {0.001}, int64[1] last = {-1}> {
            m = ReduceMean<keepdims = 1>(x, last)  d = Sub(x, m)  q = Mul(d, d)  v = ReduceMean<keepdims = 1>(q, last)
            e = Add(v, eps)  r = Sqrt(e)  h = Div(d, r)  t = Mul(h, s)  y = Add(t, b)
        }""",
        _IMAGES,
        "Pointwise",
        must="LayerNormalization",
    ),
    chain(
        "keras_groups",  # channels last, in groups, behind a convolution that is channels first
        """agraph (float[B, 8, 6, 6] x) => (y) <
            float[8, 8, 3, 3] w, float[4, 2] s, float[4, 2] b, float eps = {0.001}, int64[3] axes = {1, 2, 4},
            int64[5] parts = {0, 4, 4, 4, 2}, int64[4] whole = {0, 4, 4, 8}> {
            c = Conv(x, w)  t = Transpose<perm = [0, 2, 3, 1]>(c)  g = Reshape(t, parts)
            m = ReduceMean<keepdims = 1>(g, axes)  d = Sub(g, m)  q = Mul(d, d)  v = ReduceMean<keepdims = 1>(q, axes)
            e = Add(v, eps)  r = Sqrt(e)  i = Reciprocal(r)  f = Mul(i, s)  xf = Mul(g, f)  k = Neg(m)  kf = Mul(k, f)  o = Add(kf, b)
            z = Add(xf, o)  u = Reshape(z, whole)  a = Relu(u)  y = Transpose<perm = [0, 3, 1, 2]>(a)
        }""",
        [{"x": (3, 8, 6, 6)}, {"x": (1, 8, 6, 6)}],
        "Convolution FromBlocked Pointwise",
        must="GroupNormalization",
    ),
    chain(
        "torch_groups",  # InstanceNormalization of the groups, scale and bias behind it
        """agraph (float[B, 6, 5, 7] x) => (y) <
            float[3] one = {1.0, 1.0, 1.0}, float[3] zero = {0.0, 0.0, 0.0}, float[6, 1, 1] s, float[6, 1, 1] b,
            int64[3] parts = {0, 3, -1}, int64[4] whole = {-1, 6, 5, 7}> {
            g = Reshape(x, parts)  n = InstanceNormalization<epsilon = 0.001>(g, one, zero)  u = Reshape(n, whole)
            t = Mul(u, s)  y = Add(t, b)
        }""",
        [{"x": (3, 6, 5, 7)}, {"x": (1, 6, 5, 7)}],
        "",
        must="GroupNormalization",
    ),
    chain(
        "divided_groups",  # the same with a divisor, and an offset that is taken away
        """agraph (float[B, 6, 5, 7] x) => (y) <
            float[3] one = {1.0, 1.0, 1.0}, float[3] half = {0.5, 0.5, 0.5}, float[6, 1, 1] s = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0},
            float[6, 1, 1] b, int64[3] parts = {0, 3, -1}, int64[4] whole = {-1, 6, 5, 7}> {
            g = Reshape(x, parts)  n = InstanceNormalization<epsilon = 0.001>(g, one, half)  u = Reshape(n, whole)
            t = Div(u, s)  y = Sub(t, b)
        }""",
        [{"x": (3, 6, 5, 7)}, {"x": (1, 6, 5, 7)}],
        "",
        must="GroupNormalization",
    ),
    chain(
        "groups_divided_by_zero",  # infinities that no scale gives
        """agraph (float[B, 6, 5, 7] x) => (y) <
            float[3] one = {1.0, 1.0, 1.0}, float[3] zero = {0.0, 0.0, 0.0}, float[6, 1, 1] s = {1.0, 2.0, 0.0, 4.0, 5.0, 6.0},
            int64[3] parts = {0, 3, -1}, int64[4] whole = {-1, 6, 5, 7}> {
            g = Reshape(x, parts)  n = InstanceNormalization<epsilon = 0.001>(g, one, zero)  u = Reshape(n, whole)  y = Div(u, s)
        }""",
        [{"x": (3, 6, 5, 7)}, {"x": (1, 6, 5, 7)}],
        "",
        must="GroupNormalization Pointwise",
    ),
    chain(
        "channels_last",  # two convolutions between transposes, as JAX writes them: what stands between works on channels first
        """agraph (float[B, 8, 6, 6] x) => (y) <
            float[8, 8, 3, 3] w, float[8, 8, 3, 3] w2, float[8] b, float[1, 1, 1, 8] s, float[8] b2, int64[2] axes = {1, 2}> {
            c = Conv(x, w)  t = Transpose<perm = [0, 2, 3, 1]>(c)  a = Add(t, b)  r = Relu(a)  z = Mul(r, s)
            u = Transpose<perm = [0, 3, 1, 2]>(z)  c2 = Conv(u, w2)  t2 = Transpose<perm = [0, 2, 3, 1]>(c2)  a2 = Add(t2, b2)
            g = Sigmoid(a2)  h = Mul(a2, g)  y = ReduceMean<keepdims = 0>(h, axes)
        }""",
        [{"x": (3, 8, 6, 6)}, {"x": (1, 8, 6, 6)}],
        "FromBlocked Squeeze",
        must="Convolution GlobalAveragePool",
    ),
    chain(
        "both_ways",  # a transposed tensor that somebody else reads as it is
        """agraph (float[B, 3, 4] x) => (y, z) <float[3] b, float[3, 5] w> {
            t = Transpose<perm = [0, 2, 1]>(x)  a = Add(t, b)  y = Relu(a)  z = MatMul(t, w)
        }""",
        [{"x": (3, 3, 4)}, {"x": (1, 3, 4)}],
        "Transpose Pointwise Dense",
    ),
)


@pytest.fixture(scope="module")
def nets() -> dict[str, Net]:
    """Every chain, converted and compiled."""
    return build(CHAINS)


@pytest.mark.parametrize("each", CHAINS, ids=lambda each: each.name)
def test_recognition(each: Chain, nets: dict[str, Net]) -> None:
    """What should be left is left, and gives onnxruntime's answers at all sizes."""
    check(each, nets[each.name])


def test_the_fast_variance_is_not_ours(nets: dict[str, Net]) -> None:
    """Where the mean is far from 0, E[x^2] - E[x]^2 loses digits; what it has become is nearer to the exact answer than onnxruntime's."""
    net = nets["flax_layer"]
    x = (np.random.default_rng(1).standard_normal((3, 5, 16)) + 50).astype(np.float32)
    exact = x.astype(np.float64)
    exact = (exact - exact.mean(-1, keepdims=True)) / np.sqrt(exact.var(-1, keepdims=True) + 0.001)
    s, b = (numpy_helper.to_array(t).astype(np.float64) for t in net.model.graph.initializer if list(t.dims) == [16])
    (ours,), (theirs,) = net.compiled.run({"x": x}), oracle(net.model).run(None, {"x": x})

    assert worst(ours, (exact * s + b).astype(np.float32)) < 1e-5 < worst(theirs, (exact * s + b).astype(np.float32))


def test_a_long_row_of_pointwise_operators_is_walked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six hundred of them were six hundred walks over all that were found so far."""
    module = importlib.import_module("onnx_bridge.passes.fuse")
    asked: list[ROperator] = []
    read = module.read_tensors
    monkeypatch.setattr(module, "read_tensors", lambda op: asked.append(op) or read(op))
    nodes = " ".join(f"t{i + 1} = {('Neg', 'Relu')[i % 2]}(t{i})" for i in range(600))

    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> g (float[N] t0) => (float[N] t600) {{ {nodes} }}')
    made = convert(model, verify=False).model

    assert [len(op.steps) for op in made.operators if isinstance(op, Group)] == [600]
    assert len(asked) <= 3 * 600
