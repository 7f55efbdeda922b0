"""Operators of com.microsoft that onnxruntime has no kernel for on a CPU, and files as its optimiser writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import pytest
from check import oracle
from onnx import helper, numpy_helper

from onnx_bridge import UnsupportedModel, convert

Arrays = Mapping[str, np.ndarray]


def model_of(op_type: str, feeds: Arrays, outputs: Sequence[str] = ("y",), **attributes: object) -> onnx.ModelProto:
    """One node; inputs of names that begin with "no" are not there, and those that end with "constant" are initializers."""
    given = {k: v for k, v in feeds.items() if not k.startswith("no")}
    weights = [numpy_helper.from_array(v, k) for k, v in given.items() if k.endswith("constant")]
    open_ = {k: v for k, v in given.items() if not k.endswith("constant")}
    inputs = [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for k, v in open_.items()]
    names = [k if k in given else "" for k in feeds]
    node = helper.make_node(op_type, names, outputs, domain="com.microsoft", name="node", **attributes)
    ends = [helper.make_tensor_value_info(name, 1, None) for name in outputs if name]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(helper.make_graph([node], "g", inputs, ends, weights), opset_imports=opsets, ir_version=9)


def answers(op_type: str, feeds: Arrays, outputs: Sequence[str] = ("y",), **attributes: object) -> list[np.ndarray]:
    """What the header of one node says; all inputs are open."""
    given = {k: v for k, v in feeds.items() if not k.startswith("no") and not k.endswith("constant")}
    found = convert(model_of(op_type, feeds, outputs, **attributes), verify=False).compile()(**given)
    return [np.asarray(value) for value in (found if isinstance(found, tuple) else (found,))]


def numbers(*shape: int, seed: int = 1) -> np.ndarray:
    """Drawn numbers."""
    return np.random.default_rng(seed).uniform(-2, 2, shape).astype(np.float32)


def gelu(x: np.ndarray, *, fast: bool = False) -> np.ndarray:
    """Gelu in float64."""
    wide = x.astype(np.float64)
    if fast:
        return 0.5 * wide * (1 + np.tanh(math.sqrt(2 / math.pi) * (wide + 0.044715 * wide**3)))
    return 0.5 * wide * (1 + np.vectorize(math.erf)(wide / math.sqrt(2)))


def test_fused_matmul_activation() -> None:
    a, b = numbers(2, 7, 5), numbers(2, 7, 6, seed=2)
    want = 0.5 * np.swapaxes(a, 1, 2).astype(np.float64) @ b
    (got,) = answers("FusedMatMulActivation", {"a": a, "b": b}, activation="LeakyRelu", activation_alpha=0.1, transA=1, alpha=0.5)
    np.testing.assert_allclose(got, np.where(want < 0, 0.1 * want, want), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("biased", [True, False])
def test_gemm_fast_gelu(biased: bool) -> None:
    x, w, bias = numbers(3, 7), numbers(7, 6, seed=2), numbers(6, seed=3)
    (got,) = answers("GemmFastGelu", {"x": x, "w": w, **({"bias": bias} if biased else {})})
    np.testing.assert_allclose(got, gelu(x.astype(np.float64) @ w + (bias if biased else 0), fast=True), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("op_type", "why"), [("GroupNorm", "for GPUs alone"), ("MatMulFpQ4", "one kind of processor")])
def test_refused_with_a_reason(op_type: str, why: str) -> None:
    """What no header can have says why, and what helps."""
    with pytest.raises(UnsupportedModel, match=why):
        convert(model_of(op_type, {"x": numbers(2, 4, 4, 8)}), verify=False)


def test_weights_of_attention() -> None:
    """The fourth output of MultiHeadAttention, of which onnxruntime infers no type."""
    feeds = {"q": numbers(2, 3, 8), "k": numbers(2, 5, 8, seed=2), "v": numbers(2, 5, 8, seed=3)}
    ends = ("y", "", "", "weights")
    want = oracle(model_of("MultiHeadAttention", feeds, ends, num_heads=2)).run(None, feeds)
    for ours, theirs in zip(answers("MultiHeadAttention", feeds, ends, num_heads=2), want, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_packed() -> None:
    """q, k and v in one tensor, and k and v in one, which onnxruntime takes on GPUs alone."""
    q, k, v = (numbers(2, 5, 8, seed=seed) for seed in (1, 2, 3))
    want = oracle(model_of("MultiHeadAttention", {"q": q, "k": k, "v": v}, num_heads=2)).run(None, {"q": q, "k": k, "v": v})[0]
    heads = [array.reshape(2, 5, 2, 4) for array in (q, k, v)]
    for feeds in ({"qkv": np.stack(heads, 3)}, {"q": q, "kv": np.stack(heads[1:], 3)}):
        np.testing.assert_allclose(answers("MultiHeadAttention", feeds, num_heads=2)[0], want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mask", [[3, 5], [3, 5, 1, 2]])
def test_ends(mask: list[int]) -> None:
    """A mask that says where keys end and begin. It is no case: where its values do not fit, onnxruntime writes beyond its memory."""
    feeds = {"x": numbers(2, 5, 10), "w": numbers(10, 36, seed=2), "b": numbers(36, seed=3), "mask": np.array(mask, np.int32)}
    (want,) = oracle(model_of("Attention", feeds, num_heads=3)).run(None, feeds)
    np.testing.assert_allclose(answers("Attention", feeds, num_heads=3)[0], want, rtol=1e-5, atol=1e-6)


def test_normalised_heads() -> None:
    """GroupQueryAttention that normalises q and k itself, which onnxruntime does on GPUs alone."""
    q, k, v, qw, kw = numbers(1, 3, 32), numbers(1, 3, 16, seed=2), numbers(1, 3, 16, seed=3), numbers(8, seed=4), numbers(8, seed=5)
    rest = {"nopast": q, "novalue": q, "last": np.array([2], np.int32), "total_constant": np.array(3, np.int32)}
    heads = {"num_heads": 4, "kv_num_heads": 2}

    def normal(x: np.ndarray, w: np.ndarray) -> np.ndarray:
        apart = x.reshape(1, 3, -1, 8)
        return (apart / np.sqrt((apart**2).mean(-1, keepdims=True) + 1e-6) * w).reshape(x.shape)

    plain = {"q": normal(q, qw), "k": normal(k, kw), "v": v, **rest}
    given = {name: plain[name] for name in ("q", "k", "v", "last")}
    want = oracle(model_of("GroupQueryAttention", plain, **heads)).run(None, given)
    skipped = {f"no{index}": q for index in range(7)}
    feeds = {"q": q, "k": k, "v": v, **rest, **skipped, "qw": qw, "kw": kw}
    (got,) = answers("GroupQueryAttention", feeds, **heads)
    np.testing.assert_allclose(got, want[0], rtol=1e-5, atol=1e-6)


def test_biased() -> None:
    """Operators of a sum that onnxruntime has for GPUs alone."""
    x, bias, skip = numbers(2, 3, 8), numbers(8, seed=2), numbers(2, 3, 8, seed=3)
    total = (x + bias).astype(np.float64)
    np.testing.assert_allclose(answers("BiasAdd", {"x": x, "bias": bias, "skip": skip})[0], total + skip, rtol=1e-5, atol=1e-6)
    want = total[..., :4] * gelu(total[..., 4:])
    np.testing.assert_allclose(answers("BiasSplitGelu", {"x": x, "bias": bias})[0], want, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(answers("BiasDropout", {"x": x, "bias": bias, "skip": skip})[0], total + skip, rtol=1e-5, atol=1e-6)
    for axis, rest in ((2, (2,)), (1, (1, 2))):
        exponents = np.exp(total - total.max(rest, keepdims=True))
        (got,) = answers("BiasSoftmax", {"x": x, "bias": bias}, axis=axis, is_inner_broadcast=0)
        np.testing.assert_allclose(got, exponents / exponents.sum(rest, keepdims=True), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("op_type", "advice"), [("BeamSearch", "convert the decoder"), ("MurmurHash3", "an input of the model")])
def test_impossible(op_type: str, advice: str) -> None:
    """What no header can have is refused with a reason, and with what helps."""
    with pytest.raises(UnsupportedModel, match=advice) as error:
        convert(model_of(op_type, {"x": np.ones((1, 2), np.int32)}), verify=False)
    assert f"com.microsoft.{op_type}" in str(error.value)


def test_nhwc_conv() -> None:
    """A convolution of images with their channels last, beside Conv."""
    x, w, b = numbers(2, 6, 7, 4), numbers(8, 2, 3, 3, seed=2), numbers(8, seed=3)
    feeds = {"x": x, "w_constant": w, "b_constant": b}
    (got,) = answers("NhwcConv", feeds, group=2, pads=[1, 1, 1, 1], strides=[2, 1])
    plain = model_of("Conv", {**feeds, "x": np.moveaxis(x, 3, 1)}, group=2, pads=[1, 1, 1, 1], strides=[2, 1])
    plain.graph.node[0].domain = ""
    (want,) = oracle(plain).run(None, {"x": np.ascontiguousarray(np.moveaxis(x, 3, 1))})
    np.testing.assert_allclose(got, np.moveaxis(want, 1, 3), rtol=1e-5, atol=1e-5)


def test_halves() -> None:
    """Attention of halves, computed in float32."""
    whole = {"q": numbers(2, 5, 24), "k": numbers(2, 7, 24, seed=2), "v": numbers(2, 7, 24, seed=3)}
    halves = {name: value.astype(np.float16) for name, value in whole.items()}
    (got,) = answers("MultiHeadAttention", halves, num_heads=3)
    assert got.dtype == np.float16
    (want,) = oracle(model_of("MultiHeadAttention", whole, num_heads=3)).run(None, {k: v.astype(np.float32) for k, v in halves.items()})
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3)


def test_types_of_their_own() -> None:
    """Outputs beside halves that are none: a mean stays float32, a count int32."""
    x, skip, gamma = (numbers(*shape, seed=seed).astype(np.float16) for seed, shape in enumerate([(2, 3, 8), (2, 3, 8), (8,)]))
    y, mean, deviation, total = answers("SkipLayerNormalization", {"x": x, "skip": skip, "gamma": gamma}, ("y", "mean", "inv", "sum"))
    assert [value.dtype.name for value in (y, mean, deviation, total)] == ["float16", "float32", "float32", "float16"]
    wide = x.astype(np.float64) + skip
    np.testing.assert_allclose(mean, wide.mean(-1, keepdims=True), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(deviation, 1 / np.sqrt(wide.var(-1, keepdims=True)), rtol=2e-3)

    words = np.array([[3, 1, 0], [2, 2, 3]], np.int32)
    tables = {name: numbers(4, 8, seed=seed) for seed, name in enumerate(("table", "places"))}
    rest = {"nokinds": x, "gamma": numbers(8, seed=5), "beta": numbers(8, seed=6), "mask": np.array([[1, 1, 0], [1, 0, 0]], np.int32)}
    whole = {"words": words, "nosegments": words, **tables, **rest}
    halves = {name: value if value.dtype == np.int32 else value.astype(np.float16) for name, value in whole.items()}
    given = {name: value.astype(np.float32) for name, value in halves.items() if name[:2] != "no" and value.dtype != np.int32}
    model = model_of("EmbedLayerNormalization", whole, ("y", "kept"))
    model.graph.output[1].type.tensor_type.elem_type = onnx.TensorProto.INT32
    want, kept = oracle(model).run(None, {**given, "words": words, "mask": rest["mask"]})
    got = answers("EmbedLayerNormalization", halves, ("y", "kept"))
    assert got[0].dtype == np.float16 and np.array_equal(got[1], kept)
    np.testing.assert_allclose(got[0], want, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_packed_weights(bits: int) -> None:
    """MatMulNBits has the bits of MatMul by the weights unpacked, and a weights file that is as much smaller."""
    rng = np.random.default_rng(bits)
    k, n, block = 200, 90, 32
    blocks = -(-k // block)
    packed, scales = rng.integers(0, 256, (n, blocks, block * bits // 8)).astype(np.uint8), numbers(n, blocks, seed=4)
    integers = (packed.reshape(n, -1, 1) >> np.arange(0, 8, bits) & (1 << bits) - 1).reshape(n, -1)[:, :k].astype(np.float32)
    floats = ((integers - (1 << bits - 1)) * scales[:, np.arange(k) // block]).T.astype(np.float32)
    x = numbers(7, k)
    feeds = {"x": x, "w_constant": packed, "s_constant": scales}
    found = convert(model_of("MatMulNBits", feeds, K=k, N=n, bits=bits, block_size=block), verify=False)
    plain = model_of("MatMul", {"x": x, "w_constant": floats})
    plain.graph.node[0].domain = ""
    whole = convert(plain, verify=False)

    np.testing.assert_array_equal(found.compile()(x), whole.compile()(x))
    assert len(found.weights) * 32 < len(whole.weights) * (bits + 1.3)  # a scale of a block is a bit of each of its weights
