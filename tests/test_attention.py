"""Attention as the frameworks' exporters write it becomes one operator."""

from __future__ import annotations

import pytest
from chains import Chain, Net, build, chain, check

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
