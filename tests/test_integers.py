"""Operators between dequantised inputs and a quantised output compute with integers: those of onnxruntime's optimised graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from check import oracle, together

from onnx_bridge import convert
from onnx_bridge.lowering.lower import lower
from onnx_bridge.normalize import normalize
from onnx_bridge.optimise import optimise
from onnx_bridge.passes.integers import Integers
from onnx_bridge.references import served
from onnx_bridge.references.silent import are_cut

HEAD = '<ir_version: 9, opset_import: ["" : 17]> g (float[N, 6, 9, 8] x) => (float y)'


def quantised_net(bias_scale: float = 0.0004, relu_zero: int = 0) -> onnx.ModelProto:
    """Conv, Relu, Add, GlobalAveragePool and Gemm, with weights and activations as QuantizeLinear and DequantizeLinear write them."""
    rng = np.random.default_rng(0)
    text = f"""{HEAD} {{
        xq = QuantizeLinear(x, s0, z0)
        xd = DequantizeLinear(xq, s0, z0)
        wd = DequantizeLinear <axis = 0> (w, ws, wz)
        bd = DequantizeLinear(b, bs, bz)
        c = Conv <pads = [1, 1, 1, 1]> (xd, wd, bd)
        r = Relu(c)
        rq = QuantizeLinear(r, s1, z1)
        rd = DequantizeLinear(rq, s1, z1)
        a = Add(rd, xd)
        aq = QuantizeLinear(a, s2, z0)
        ad = DequantizeLinear(aq, s2, z0)
        p = GlobalAveragePool(ad)
        pq = QuantizeLinear(p, s2, z0)
        pd = DequantizeLinear(pq, s2, z0)
        f = Flatten(pd)
        fq = QuantizeLinear(f, s2, z0)
        fd = DequantizeLinear(fq, s2, z0)
        gd = DequantizeLinear(gw, gs, gz)
        m = Gemm <transB = 1> (fd, gd)
        mq = QuantizeLinear(m, s3, z0)
        y = DequantizeLinear(mq, s3, z0)
    }}"""
    model = onnx.parser.parse_model(text)
    values = {
        "s0": np.float32(0.02), "z0": np.uint8(128), "s1": np.float32(0.03), "z1": np.uint8(relu_zero), "s2": np.float32(0.05),
        "s3": np.float32(0.01), "w": rng.integers(-128, 128, (6, 6, 3, 3)).astype(np.int8), "ws": np.full(6, 0.02, np.float32),
        "wz": np.zeros(6, np.int8), "b": rng.integers(-900, 900, 6).astype(np.int32), "bs": np.float32(bias_scale), "bz": np.int32(0),
        "gw": rng.integers(-128, 128, (5, 6)).astype(np.int8), "gs": np.float32(0.01), "gz": np.int8(0),
    }  # fmt: skip
    model.graph.initializer.extend(onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in values.items())
    return model


def kinds(model: onnx.ModelProto) -> list[str]:
    """The operators of a model as it is emitted."""
    normal, _ = normalize(model)
    rmodel = lower(normal, "net")
    optimise(rmodel)
    return [op.op_type for op in rmodel.operators]


def test_a_quantised_net_computes_with_integers() -> None:
    """Nothing but the ends is float32, and every bit is onnxruntime's."""
    model = quantised_net()
    emitted = convert(model, verify=False)
    session = oracle(model)
    run = emitted.compile()
    for n in (1, 3):
        x = np.random.default_rng(n).normal(size=(n, 6, 9, 8)).astype(np.float32)
        got = run(x)

        assert np.array_equal(got, session.run(None, {"x": x})[0])


@pytest.mark.parametrize(("change", "kept"), [({}, []), ({"bias_scale": 0.1}, ["Conv"]), ({"relu_zero": 7}, ["Conv"])])
def test_what_is_no_integer_operator_stays(change: dict[str, float], kept: list[str]) -> None:
    """A bias of another scale than the sums cannot be added to them, and a Relu cuts where the zero point is not the smallest integer."""
    found = kinds(quantised_net(**change))  # type: ignore[arg-type]

    assert ("QLinearConv" not in found) == bool(kept)
    assert {"QLinearAdd", "QLinearGlobalAveragePool", "QGemm"} <= set(found)


def test_the_reference_is_exact_on_every_processor() -> None:
    """Sums of two products of bytes beyond int16, which onnxruntime cuts off where there is no VNNI unless it is told not to."""
    text = """<ir_version: 9, opset_import: ["" : 17]> g (float[N, 32] x) => (float y) {
        xq = QuantizeLinear(x, s, z)
        xd = DequantizeLinear(xq, s, z)
        wd = DequantizeLinear(w, s, wz)
        m = MatMul(xd, wd)
        q = QuantizeLinear(m, t, z)
        y = DequantizeLinear(q, t, z)
    }"""
    model = onnx.parser.parse_model(text)
    w = np.where(np.arange(32 * 20).reshape(32, 20) % 3 > 0, 127, -128).astype(np.int8)
    values = {"s": np.float32(0.01), "t": np.float32(0.1), "z": np.uint8(0), "w": w, "wz": np.int8(0)}
    model.graph.initializer.extend(onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in values.items())
    x = np.full((3, 32), 2.55, np.float32) - np.arange(96, dtype=np.float32).reshape(3, 32) / 200

    report = convert(model, inputs=[{"x": x}]).report

    assert report.rows[0].worst == 0


def test_reference_where_onnxruntime_cuts_sums() -> None:
    """Of an int8 factor that is an input, on processors without VNNI; there onnx.reference is asked instead."""
    text = '<ir_version: 8, opset_import: ["" : 17]> g (uint8[M, 40] a, int8[40, N] b) => (int32[M, N] y) { y = MatMulInteger(a, b) }'
    model = onnx.parser.parse_model(text)
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (5, 40)).astype(np.uint8), rng.integers(-128, 128, (40, 19)).astype(np.int8)

    made = convert(model)

    assert np.array_equal(made.compile()(a, b), a.astype(np.int32) @ b.astype(np.int32))
    assert made.report.reference.startswith("onnx.reference" if are_cut(model) else "onnxruntime")


def test_int8_by_int8_has_a_reference() -> None:
    """onnxruntime cannot load such a convolution where it is asked for exact sums, on processors without VNNI."""
    text = """<ir_version: 8, opset_import: ["" : 17]> g (int8[N, 16, 7, 7] x) => (int8 y)
        <float s = {0.05}, int8 z = {3}, float t = {0.9}> { y = QLinearConv <pads = [1, 1, 1, 1]> (x, s, z, w, v, o, t, z) }"""
    model = onnx.parser.parse_model(text)
    rng = np.random.default_rng(1)
    weights = {"w": rng.integers(-128, 128, (8, 16, 3, 3)).astype(np.int8), "v": np.full(8, 0.01, np.float32), "o": np.zeros(8, np.int8)}
    model.graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in weights.items())

    assert "onnxruntime" in convert(model).report.reference


#: What computes with integers where onnxruntime has one type for its inputs and its output.
OF_ONE_TYPE = {
    "Softmax": "Softmax(xd)", "Sigmoid": "Sigmoid(xd)", "LeakyRelu": "LeakyRelu(xd)", "Add": "Add(xd, vd)", "Mul": "Mul(xd, vd)",
    "Concat": "Concat <axis = 1> (xd, vd)", "AveragePool": "AveragePool <kernel_shape = [2, 3]> (xd)",
    "GlobalAveragePool": "GlobalAveragePool(xd)",
}  # fmt: skip

#: How a quantised tensor ends: as an output, as one that is dequantised, too, dequantised once, and for two readers.
ENDS = {
    "output": ("int8 y", "y = QuantizeLinear(m, t, z)"),
    "both": ("int8 y, float u", "y = QuantizeLinear(m, t, z) u = DequantizeLinear(y, t, z)"),
    "once": ("float y", "q = QuantizeLinear(m, t, z) y = DequantizeLinear(q, t, z)"),
    "twice": ("float y, float u", "q = QuantizeLinear(m, t, z) d = DequantizeLinear(q, t, z) y = Neg(d) u = Abs(d)"),
}


def of_one_type(operator: str, end: str, bytes_given: bool) -> onnx.ModelProto:
    """An operator between int8 that is an input, or quantised, and one of the ends."""
    outputs, tail = ENDS[end]
    kind, of = ("int8", ("x", "v")) if bytes_given else ("float", ("xq", "vq"))
    head = "" if bytes_given else "xq = QuantizeLinear(x, s, z) "
    head += f"xd = DequantizeLinear({of[0]}, s, z) "
    if "vd" in OF_ONE_TYPE[operator]:
        head += ("" if bytes_given else "vq = QuantizeLinear(v, o, z) ") + f"vd = DequantizeLinear({of[1]}, o, z)"
    second = f", {kind}[9, 5, 6, 21] v" if "vd" in OF_ONE_TYPE[operator] else ""
    text = f"""<ir_version: 9, opset_import: ["" : 17]> g ({kind}[9, 5, 6, 21] x{second}) => ({outputs})
        <float s = {{0.031}}, float o = {{0.02}}, float t = {{{0.00390625 if operator == "Softmax" else 0.023}}}, int8 z = {{-7}}>
        {{ {head} m = {OF_ONE_TYPE[operator]} {tail} }}"""
    return onnx.parser.parse_model(text)


@pytest.mark.parametrize("operator", OF_ONE_TYPE)
def test_integers_where_onnxruntime_has_them(operator: str, tmp_path: Path) -> None:
    """It makes uint8 of int8 that has one reader, and computes with floats what is of two types then; averages round as the type is."""
    models = [of_one_type(operator, end, given) for end in ENDS for given in (False, True)]
    rng = np.random.default_rng(5)
    feeds, wanted, exact = {}, [], []
    for index, model in enumerate(models):
        file = tmp_path / f"{index}.onnx"
        options = onnxruntime.SessionOptions()
        options.log_severity_level, options.optimized_model_filepath = 4, str(file)
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        floats = operator in {node.op_type for node in onnx.load(file).graph.node}
        assert floats == (operator in lowered(model)), (operator, index)
        of_bytes = model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.INT8
        drawn = [rng.integers(-128, 128, (9, 5, 6, 21)).astype(np.int8) for _ in model.graph.input]
        given = {i.name: d if of_bytes else d * np.float32(0.031) for i, d in zip(model.graph.input, drawn, strict=True)}
        feeds |= {f"c{index}_{name}": value for name, value in given.items()}
        answers = session.run(None, given)
        wanted += answers
        exact += [not (floats and "Average" in operator)] * len(answers)  # floats are added in another order

    got = convert(together(models, "ends"), verify=False).compile().run(feeds)

    for ours, theirs, same in zip(got, wanted, exact, strict=True):
        assert ours.dtype == theirs.dtype and (not same or np.array_equal(ours, theirs))


def lowered(model: onnx.ModelProto) -> list[str]:
    """The operators behind the passes over ONNX's: before kernels are chosen."""
    rmodel = lower(normalize(model)[0], "net")
    Integers().call(rmodel)
    return [op.op_type for op in rmodel.operators]


def test_a_session_that_refuses_exact_sums_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever onnxruntime says to that: of a QLinearConv in a Scan, that it would replace a tensor."""
    asked: list[str] = []
    plain = served._session

    def refusing(model: str | bytes, optimised: bool, exact: str) -> object:
        asked.append(exact)
        if exact == "1":
            raise RuntimeError("Attempt to replace the existing tensor")
        return plain(model, optimised, exact)

    monkeypatch.setattr(served, "_session", refusing)

    served.session(quantised_net().SerializeToString())

    assert asked == ["1", "0"]
