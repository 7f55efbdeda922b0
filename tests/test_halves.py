"""Models in float16 and bfloat16: operators that are computed in float32 take and give halves, rounded where the model says."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import onnx
import pytest
from models import model_of
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge import convert

KINDS = {"float16": np.dtype(np.float16), "bfloat16": np.dtype(ml_dtypes.bfloat16)}


def net(kind: str, nodes: list[onnx.NodeProto], shape: list[int | str], **weights: np.ndarray) -> onnx.ModelProto:
    """x (float32) as halves `h`; the nodes make `made_0`, `made_1`, ..., each of which becomes an output in float32."""
    half = helper.np_dtype_to_tensor_dtype(KINDS[kind])
    made = sorted({name for node in nodes for name in node.output if name.startswith("made")})
    ends = [helper.make_node("Cast", [name], [f"y{index}"], to=TensorProto.FLOAT) for index, name in enumerate(made)]
    graph = helper.make_graph(
        [helper.make_node("Cast", ["x"], ["h"], to=half), *nodes, *ends],
        "halves",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_empty_tensor_value_info(node.output[0]) for node in ends],
        [numpy_helper.from_array(value if value.dtype.kind == "i" else value.astype(KINDS[kind]), name) for name, value in weights.items()],
    )
    return model_of(graph)


@pytest.mark.parametrize("kind", KINDS)
def test_halves_are_numbers_not_bits(kind: str) -> None:
    """Products, reductions, orders: computed in float32 and rounded to the half at the end of each operator, to the last bit."""
    rng = np.random.default_rng(0)
    w, b = rng.integers(-16, 17, (4, 3)) / 8, rng.integers(-8, 9, 3) / 4
    nodes = [
        helper.make_node("MatMul", ["h", "w"], ["made_0"]),
        helper.make_node("Gemm", ["h", "w", "b"], ["made_1"]),
        helper.make_node("Transpose", ["h"], ["t"]),
        helper.make_node("MatMul", ["h", "t"], ["made_2"]),
        helper.make_node("ReduceMax", ["h"], ["made_3"], axes=[1]),
        helper.make_node("ReduceSum", ["h", "axes"], ["made_4"]),
        helper.make_node("ArgMin", ["h"], ["made_5"], axis=1),
        helper.make_node("CumSum", ["h", "one"], ["made_6"]),
    ]
    if kind == "float16":  # TopK of bfloat16 is younger than this opset
        nodes.append(helper.make_node("TopK", ["h", "two"], ["made_7", "made_8"]))
    given = net(kind, nodes, ["n", 4], w=w, b=b, axes=np.array([1]), two=np.array([2]), one=np.array(1))
    compiled = convert(given, name=f"numbers_{kind}", verify=False).compile()

    for n in (1, 5):
        x = (rng.integers(-64, 65, (n, 4)) / 16).astype(np.float32)  # sums of these are exact in float32
        got = compiled.run({"x": x})
        top = -np.sort(-x, axis=1)[:, :2]
        places = np.argsort(-x, axis=1, kind="stable")[:, :2]
        sums = (x.max(1, keepdims=True), x.sum(1, keepdims=True), x.argmin(1)[:, None], x.cumsum(1))
        exact = [x @ w, x @ w + b, x @ x.T, *sums, top, places]
        for value, want in zip(got, exact[: len(got)], strict=True):
            np.testing.assert_array_equal(value, want.astype(np.float32).astype(KINDS[kind]).astype(np.float32))


def test_layers_in_float16_agree_with_onnxruntime() -> None:
    """Convolution, pool, normalizations, recurrent layer, attention: verification holds each to the reference."""
    rng = np.random.default_rng(1)
    weights = {
        **{name: rng.normal(size=size) / 4 for name, size in {"k": (6, 2, 3, 3), "kb": (6,), "w": (1, 12, 9), "r": (1, 12, 3)}.items()},
        **{name: rng.uniform(0.5, 1, size) for name, size in {"s": 6, "m": 6, "scale": 9}.items()},
        "parts": np.array([0, 6, -1]),
    }
    nodes = [
        helper.make_node("Conv", ["h", "k", "kb"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c", "s", "kb", "kb", "m"], ["n"]),
        helper.make_node("Relu", ["n"], ["u"]),
        helper.make_node("MaxPool", ["u"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Reshape", ["p", "parts"], ["rows"]),
        helper.make_node("LayerNormalization", ["rows", "scale"], ["q"]),
        helper.make_node("Transpose", ["q"], ["qt"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["q", "qt"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["share"], axis=-1),
        helper.make_node("MatMul", ["share", "q"], ["made_0"]),
        helper.make_node("LSTM", ["made_0", "w", "r"], ["", "made_1"], hidden_size=3),
        helper.make_node("GlobalAveragePool", ["u"], ["made_2"]),
    ]

    report = convert(net("float16", nodes, ["n", 2, 6, 6], **weights), name="layers").report

    assert len(report.rows) == 3 and all(row.worst <= 4e-3 * row.scale for row in report.rows)


def test_layers_in_bfloat16_agree_with_onnxruntime() -> None:
    """Which has no such kernels: it computes the model in float32, with a rounding behind each operator."""
    rng = np.random.default_rng(2)
    weights = {
        "k": rng.normal(size=(6, 2, 3, 3)) / 4,
        "kb": rng.normal(size=6),
        "scale": rng.uniform(0.5, 1, 16),
        "parts": np.array([0, 6, -1]),
    }
    nodes = [
        helper.make_node("Conv", ["h", "k", "kb"], ["c"]),
        helper.make_node("Reshape", ["c", "parts"], ["rows"]),
        helper.make_node("LayerNormalization", ["rows", "scale"], ["q"]),
        helper.make_node("Softmax", ["q"], ["share"], axis=-1),
        helper.make_node("Mul", ["share", "q"], ["weighed"]),
        helper.make_node("Add", ["weighed", "q"], ["made_0"]),
    ]

    given = net("bfloat16", nodes, ["n", 2, 6, 6], **weights)
    given.opset_import[0].version = 22  # the first whose Conv takes it

    report = convert(given, name="layers_brain").report

    assert "rounded to bfloat16 behind each operator" in report.reference
    assert report.rows[0].worst <= 2.0**-7 * report.rows[0].scale
