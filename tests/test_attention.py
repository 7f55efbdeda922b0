"""Attention as the frameworks' exporters write it becomes one operator."""

from __future__ import annotations

import numpy as np
import pytest
from chains import Chain, Net, build, chain, check
from onnx import helper

from onnx_bridge import convert

_SHAPES = {"q": (3, 5, 2, 8), "k": (3, 7, 2, 8), "v": (3, 7, 2, 8)}
_ALONE = {"q": (1, 1, 2, 8), "k": (1, 1, 2, 8), "v": (1, 1, 2, 8)}
_QKV = "float[B, T, 2, 8] q, float[B, S, 2, 8] k, float[B, S, 2, 8] v"


def _masked(shape: tuple[int, ...], alone: tuple[int, ...]) -> list[dict[str, tuple[int, ...]]]:
    return [{**_SHAPES, "mask": shape}, {**_ALONE, "mask": alone}]


CHAINS = (
    chain(
        "keras_attention",  # scale behind the first Einsum
        f"""agraph ({_QKV}) => (y) <float scale = {{0.35355338}}> {{
            scores = Einsum<equation = "btnh,bsnh->bnts">(q, k)
            scaled = Mul(scores, scale)
            weights = Softmax<axis = -1>(scaled)
            y = Einsum<equation = "bnts,bsnh->btnh">(weights, v)
        }}""",
        [_SHAPES, _ALONE],
        "",
        must="FusedAttention",
    ),
    chain(
        "keras_transposed",  # keys first, as Keras 2 and 3 write MultiHeadAttention; the query is scaled; a float mask is added
        f"""agraph ({_QKV}, float[B, 1, T, S] mask) => (y) <float scale = {{0.35355338}}, float one = {{1.0}}, float low = {{-1e9}}> {{
            scaled = Mul(q, scale)
            scores = Einsum<equation = "aecd,abcd->acbe">(k, scaled)
            rest = Sub(one, mask)
            added = Mul(rest, low)
            masked = Add(scores, added)
            weights = Softmax<axis = 3>(masked)
            y = Einsum<equation = "acbe,aecd->abcd">(weights, v)
        }}""",
        _masked((3, 1, 5, 7), (1, 1, 1, 1)),
        "Pointwise",
        must="FusedAttention",
    ),
    chain(
        "flax_attention",  # the query divided; a bool mask chooses
        f"""agraph ({_QKV}, bool[B, 1, T, S] mask) => (y) <float depth = {{2.828427}}, float low = {{-3.4028235e38}}> {{
            divided = Div(q, depth)
            scores = Einsum<equation = "...qhd,...khd->...hqk">(divided, k)
            masked = Where(mask, scores, low)
            weights = Softmax<axis = -1>(masked)
            y = Einsum<equation = "...hqk,...khd->...qhd">(weights, v)
        }}""",
        _masked((3, 1, 5, 7), (1, 1, 1, 1)),
        "Pointwise",
        must="FusedAttention",
    ),
    chain(
        "padding_mask",  # one row of keys for all queries and heads
        f"""agraph ({_QKV}, bool[B, 1, 1, S] mask) => (y) <float low = {{-1e9}}> {{
            scores = Einsum<equation = "bthd,bshd->bhts">(q, k)
            masked = Where(mask, scores, low)
            weights = Softmax<axis = -1>(masked)
            y = Einsum<equation = "bhts,bshd->bthd">(weights, v)
        }}""",
        _masked((3, 1, 1, 7), (1, 1, 1, 1)),
        "",
        must="FusedAttention",
    ),
    chain(
        "softcap",  # a function of the scores that is no mask
        f"""agraph ({_QKV}) => (y) <float cap = {{5.0}}> {{
            scores = Einsum<equation = "bthd,bshd->bhts">(q, k)
            small = Div(scores, cap)
            bent = Tanh(small)
            capped = Mul(bent, cap)
            weights = Softmax<axis = -1>(capped)
            y = Einsum<equation = "bhts,bshd->bthd">(weights, v)
        }}""",
        [_SHAPES, _ALONE],
        "",
        must="FusedAttention",
    ),
    chain(
        "torch_attention",  # query and key scaled by the root of the scale, MatMul
        """agraph (float[B, T, 16] q, float[B, S, 16] k, float[B, S, 16] v) => (y) <
            float root = {0.5946036}, int64[4] heads = {0, -1, 2, 8}, int64[3] whole = {0, -1, 16}> {
            q0 = Reshape(q, heads)  q1 = Transpose<perm = [0, 2, 1, 3]>(q0)  q2 = Mul(q1, root)
            k0 = Reshape(k, heads)  k1 = Transpose<perm = [0, 2, 1, 3]>(k0)
            v0 = Reshape(v, heads)  v1 = Transpose<perm = [0, 2, 1, 3]>(v0)
            k2 = Transpose<perm = [0, 1, 3, 2]>(k1)  k3 = Mul(k2, root)
            scores = MatMul(q2, k3)
            weights = Softmax<axis = -1>(scores)
            values = MatMul(weights, v1)
            y0 = Transpose<perm = [0, 2, 1, 3]>(values)
            y = Reshape(y0, whole)
        }""",
        [{"q": (3, 5, 16), "k": (3, 7, 16), "v": (3, 7, 16)}, {"q": (1, 1, 16), "k": (1, 1, 16), "v": (1, 1, 16)}],
        "Reshape Pointwise",
        must="FusedAttention",
    ),
    chain(
        "torch_batch_first",  # MultiheadAttention: q, k, v by one product, time in front, heads joined with the batch
        """agraph (float[B, T, 16] x) => (y) <
            float[16, 48] w, float[48] wb, float[16, 16] o, float[16] ob, float root = {0.5946036},
            int64[4] three = {0, 0, 3, 16}, int64[1] front = {0}, int64[1] place = {3}, int64 i0 = {0}, int64 i1 = {1}, int64 i2 = {2},
            int64[1] two = {2}, int64[1] eight = {8}, int64[1] rest = {-1}, int64[1] sixteen = {16}, int64[1] one = {1}> {
            sb = Shape<start = 0, end = 1>(x)  st = Shape<start = 1, end = 2>(x)  bh = Mul(sb, two)  rows = Mul(sb, st)
            t = Transpose<perm = [1, 0, 2]>(x)  p0 = MatMul(t, w)  p = Add(p0, wb)  p1 = Reshape(p, three)  p2 = Unsqueeze(p1, front)
            p3 = Transpose<perm = [3, 1, 2, 0, 4]>(p2)  p4 = Squeeze(p3, place)
            q0 = Gather<axis = 0>(p4, i0)  k0 = Gather<axis = 0>(p4, i1)  v0 = Gather<axis = 0>(p4, i2)
            heads = Concat<axis = 0>(st, bh, eight)  four = Concat<axis = 0>(sb, two, st, eight)
            q1 = Reshape(q0, heads)  q2 = Transpose<perm = [1, 0, 2]>(q1)  q3 = Reshape(q2, four)  q = Mul(q3, root)
            k1 = Reshape(k0, heads)  k2 = Transpose<perm = [1, 0, 2]>(k1)  k3 = Reshape(k2, four)
            v1 = Reshape(v0, heads)  v2 = Transpose<perm = [1, 0, 2]>(v1)  v = Reshape(v2, four)
            joined = Concat<axis = 0>(bh, st, eight)  k4 = Reshape(k3, joined)  k5 = Transpose<perm = [0, 2, 1]>(k4)
            turned = Concat<axis = 0>(sb, two, eight, st)  k6 = Reshape(k5, turned)  k = Mul(k6, root)
            scores = MatMul(q, k)  weights = Softmax<axis = -1>(scores)  values = MatMul(weights, v)
            y0 = Transpose<perm = [2, 0, 1, 3]>(values)  flat = Concat<axis = 0>(rows, sixteen)  y1 = Reshape(y0, flat)
            y2 = Gemm(y1, o, ob)  back = Concat<axis = 0>(st, sb, sixteen)  y3 = Reshape(y2, back)  y4 = Transpose<perm = [1, 0, 2]>(y3)
            y = Add(y4, x)
        }""",
        [{"x": (3, 5, 16)}, {"x": (1, 1, 16)}],
        "Reshape",
        must="Dense FusedAttention",
    ),
    chain(
        "torch_safe_softmax",  # queries that may look at nothing get nothing
        f"""agraph ({_QKV}, bool[1, 1, T, S] mask) => (y) <float zero = {{0.0}}> {{
            none = Log(zero)
            added = Where(mask, zero, none)
            scores = Einsum<equation = "bthd,bshd->bhts">(q, k)
            masked = Add(scores, added)
            plain = Softmax<axis = -1>(masked)
            lost = IsNaN(plain)
            weights = Where(lost, zero, plain)
            y = Einsum<equation = "bhts,bshd->bthd">(weights, v)
        }}""",
        [{**_SHAPES, "k": (3, 2, 2, 8), "v": (3, 2, 2, 8), "mask": (1, 1, 5, 2)}, {**_ALONE, "mask": (1, 1, 1, 1)}],
        "Pointwise",
        must="FusedAttention",
    ),
    chain(
        "attention_operator",  # three heads of q for one of k and v, causal
        """agraph (float[B, T, 48] q, float[B, T, 16] k, float[B, T, 16] v) => (y) {
            y = Attention<q_num_heads = 6, kv_num_heads = 2, is_causal = 1>(q, k, v)
        }""",
        [{"q": (3, 5, 48), "k": (3, 5, 16), "v": (3, 5, 16)}, {"q": (1, 1, 48), "k": (1, 1, 16), "v": (1, 1, 16)}],
        "Range Reshape Pointwise",
        must="FusedAttention",
        opset=23,
    ),
    chain(
        "weights_asked_for",  # somebody else reads the softmax
        f"""agraph ({_QKV}) => (y, weights) {{
            scores = Einsum<equation = "bthd,bshd->bhts">(q, k)
            weights = Softmax<axis = -1>(scores)
            y = Einsum<equation = "bhts,bshd->bthd">(weights, v)
        }}""",
        [_SHAPES, _ALONE],
        "Product",
        must="Softmax",
    ),
)


@pytest.fixture(scope="module")
def nets() -> dict[str, Net]:
    """Every chain, converted and compiled."""
    return build(CHAINS)


@pytest.mark.parametrize("each", CHAINS, ids=lambda each: each.name)
def test_attention(each: Chain, nets: dict[str, Net]) -> None:
    """One operator is left, where there is one, and it gives onnxruntime's answers at all sizes."""
    check(each, nets[each.name])


def test_mask_shorter_than_the_keys() -> None:
    """Opset 24: no query looks at keys that the mask does not reach, which onnxruntime refuses to compute."""
    rng = np.random.default_rng(4)
    shapes = {"q": (2, 3, 3, 4), "k": (2, 3, 7, 4), "m": (3, 5)}
    made = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    keep = made["m"] > -1
    outputs = [helper.make_empty_tensor_value_info("added"), helper.make_empty_tensor_value_info("kept")]
    nodes = [
        helper.make_node("Attention", ["q", "k", "k", "m"], ["added"]),
        helper.make_node("Attention", ["q", "k", "k", "keep"], ["kept"]),
    ]
    arrays = {**made, "keep": keep}
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape) for name, array in arrays.items()
    ]
    graph = helper.make_graph(nodes, "short", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 24)], ir_version=11)
    scores = made["q"] @ made["k"].swapaxes(2, 3) / 2
    for answer, bias in zip(convert(model).compile().run(arrays), (made["m"], np.where(keep, 0, -np.inf)), strict=True):
        weights = np.exp(scores + np.pad(bias, ((0, 0), (0, 2)), constant_values=-np.inf))
        np.testing.assert_allclose(answer, weights / weights.sum(-1, keepdims=True) @ made["k"], rtol=1e-5, atol=1e-6)
