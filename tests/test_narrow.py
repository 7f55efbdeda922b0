"""Numbers of eight bits and less: every code is read, floats of every size are written, all are moved as they are."""

from __future__ import annotations

from collections.abc import Sequence

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
import pytest
from models import model_of
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge import UnsupportedModel, check, convert
from onnx_bridge.ir import dtypes
from onnx_bridge.ir.dtypes import DType

FLOATS8 = ("float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz")
SMALL_FLOATS = ("float4e2m1", "float6e2m3", "float6e3m2")
INTEGERS = ("int4", "uint4", "int2", "uint2")
CODES = np.arange(256, dtype=np.uint8)


def typed(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """The model in an opset."""
    model.opset_import[0].version = opset
    model.ir_version = 11
    return model


def casts(source: DType, targets: Sequence[DType], opset: int = 28, **attributes: object) -> onnx.ModelProto:
    """x as each of some types."""
    nodes = [helper.make_node("Cast", ["x"], [f"y{i}"], to=target.onnx, **attributes) for i, target in enumerate(targets)]
    ends = [helper.make_tensor_value_info("x", source.onnx, ["n"]), *(helper.make_empty_tensor_value_info(n.output[0]) for n in nodes)]
    return typed(model_of(helper.make_graph(nodes, "casts", ends[:1], ends[1:])), opset)


def numbers() -> np.ndarray:
    """Floats around every number, every middle and the ends of all formats, specials, and many more."""
    exact = np.concatenate([CODES.view(dtypes.BY_NAME[name].numpy).astype(np.float32) for name in FLOATS8])
    exact = np.unique(exact[np.isfinite(exact)])
    points = np.concatenate([exact, (exact[1:] + exact[:-1]) / 2])
    around = [np.nextafter(points, np.float32(way)) for way in (-np.inf, np.inf)]
    random = np.random.default_rng(0).integers(0, 2**32, 4000, np.uint32).view(np.float32)
    specials = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 3e38, 448, 464, 57344, 61440, 6, 7.5, 28], np.float32)
    return np.concatenate([points, *around, random, specials]).astype(np.float32)


@pytest.fixture(scope="module")
def decoded() -> dict[str, list[np.ndarray]]:
    """Each code of each type as float32, float16, int32 and bool, from one header a type."""
    targets = [dtypes.float32, dtypes.float16, dtypes.int32, dtypes.bool_]
    found = {}
    for dtype in dtypes.NARROW:
        net = convert(casts(dtype, targets), name=f"from_{dtype.name}", verify=False).compile()
        found[dtype.name] = net(CODES.view(dtype.numpy))
    return found


@pytest.mark.parametrize("dtype", dtypes.NARROW, ids=str)
def test_every_code_is_read(decoded: dict[str, list[np.ndarray]], dtype: DType) -> None:
    """The bits above a code of less than a byte do not matter."""
    codes = CODES & ((1 << dtype.bits) - 1)
    with np.errstate(all="ignore"):
        want = codes.view(dtype.numpy).astype(np.float32)
        as_float, as_half, as_integer, as_bool = decoded[dtype.name]
        np.testing.assert_array_equal(as_float, want)
        np.testing.assert_array_equal(np.signbit(as_float[want == 0]), np.signbit(want[want == 0]))
        np.testing.assert_array_equal(as_half, want.astype(np.float16))
        np.testing.assert_array_equal(as_bool, want != 0)
        small = np.abs(want) < 2**31
        np.testing.assert_array_equal(as_integer[small], want[small].astype(np.int32))


@pytest.mark.parametrize("saturate", [1, 0], ids=["saturates", "overflows"])
def test_floats_are_written_to_the_last_bit(saturate: int) -> None:
    targets = [dtypes.BY_NAME[name] for name in (*FLOATS8, *SMALL_FLOATS)]
    x = numbers()

    made = convert(casts(dtypes.float32, targets, saturate=saturate), name=f"to_floats_{saturate}", verify=False).compile()(x)

    for target, got in zip(targets, made, strict=True):
        most = float(ml_dtypes.finfo(target.numpy).max)
        with np.errstate(all="ignore"):
            want = (np.clip(x, -most, most) if saturate else x).astype(target.numpy)
        nan = np.isnan(want.astype(np.float32))
        assert got.dtype == target.numpy and np.array_equal(np.isnan(got.astype(np.float32)), nan)
        np.testing.assert_array_equal(got.view(np.uint8)[~nan], want.view(np.uint8)[~nan], err_msg=str(target))


@pytest.mark.parametrize("saturate", [1, 0], ids=["saturates", "overflows"])
@pytest.mark.parametrize("mode", ["up", "down", "nearest"])
def test_powers_of_two_as_onnxruntime_rounds_them(mode: str, saturate: int) -> None:
    edges = np.array([2.0**127, 1.5 * 2.0**127, 1.2 * 2.0**127, 3e38, 2.0**-127, 1.5 * 2.0**-127, 1.1 * 2.0**-127, 1e-39], np.float32)
    powers = np.ldexp(np.float32(1), np.arange(-126, 128))
    x = np.concatenate([numbers(), edges, powers, np.float32(1.5) * powers[:-1]])
    model = casts(dtypes.float32, [dtypes.float8e8m0], 25, saturate=saturate, round_mode=mode)
    there_and_back = onnx.ModelProto()
    there_and_back.CopyFrom(model)
    there_and_back.graph.node.append(helper.make_node("Cast", ["y0"], ["z"], to=TensorProto.FLOAT))
    there_and_back.graph.output[0].CopyFrom(helper.make_empty_tensor_value_info("z"))
    wanted = onnxruntime.InferenceSession(there_and_back.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]

    made = convert(model, name=f"powers_{mode}_{saturate}", verify=False).compile()(x)

    np.testing.assert_array_equal(made.astype(np.float32), wanted)


@pytest.mark.parametrize("source", ["float32", "float16", "float64", "int32", "int8", "uint8", "int64", "bool"])
def test_integers_are_written_as_onnxruntime_does(source: str) -> None:
    kind = dtypes.BY_NAME[source]
    x = np.array([-9.7, -8.5, -2.5, -1.5, -0.6, 0.5, 0.4999, 1.5, 2.5, 7.6, 9, 17, 300, 1e10, np.nan, np.inf, -np.inf, *range(-40, 40)])
    with np.errstate(all="ignore"):
        x = x.astype(kind.numpy) if kind.is_float else np.arange(-300, 300).astype(kind.numpy)
    targets = [dtypes.BY_NAME[name] for name in INTEGERS]
    model = casts(kind, targets, 25)
    there_and_back = onnx.ModelProto()
    there_and_back.CopyFrom(model)
    for index, output in enumerate(there_and_back.graph.output):
        there_and_back.graph.node.append(helper.make_node("Cast", [f"y{index}"], [f"z{index}"], to=TensorProto.FLOAT))
        output.CopyFrom(helper.make_empty_tensor_value_info(f"z{index}"))
    wanted = onnxruntime.InferenceSession(there_and_back.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})

    made = convert(model, name=f"integers_of_{source}", verify=False).compile()(x)

    for target, got, want in zip(targets, made, wanted, strict=True):
        np.testing.assert_array_equal(got.astype(np.float32), want, err_msg=str(target))
        byte = np.int8 if target.name.startswith("int") else np.uint8
        np.testing.assert_array_equal(got.view(byte), want.astype(byte), err_msg="a byte is the number itself")


@pytest.mark.parametrize("dtype", [dtype for dtype in dtypes.NARROW if dtype.bits != 6], ids=str)  # which are cast and quantised only
def test_they_are_moved_and_verified(dtype: DType) -> None:
    """By every operator that may; a constant of the type among them. A chain of casts rounds at each."""
    number = np.array(1).astype(dtype.numpy)
    nodes = [
        helper.make_node("Identity", ["x"], ["i"]),
        helper.make_node("Transpose", ["i"], ["t"], perm=[1, 0]),
        helper.make_node("Pad", ["t", "pads", "one"], ["p"]),
        helper.make_node("Unsqueeze", ["p", "axis"], ["u"]),
        helper.make_node("Flatten", ["u"], ["f"]),
        helper.make_node("Shape", ["f"], ["shape"]),
        helper.make_node("Reshape", ["f", "flat"], ["moved"]),
        helper.make_node("Cast", ["p"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["wide", "third"], ["smaller"]),
        helper.make_node("Cast", ["smaller"], ["rounded"], to=dtype.onnx),
        helper.make_node("Cast", ["rounded"], ["back"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["back", "third"], ["numbers"]),
        helper.make_node("Identity", ["one"], ["known"]),
    ]
    constants = {"pads": np.array([1, 0, 0, 2]), "one": number, "axis": np.array([0]), "flat": np.array([-1]), "third": np.float32(1 / 3)}
    ends = [helper.make_tensor_value_info("x", dtype.onnx, ["n", 4])]
    outputs = [helper.make_empty_tensor_value_info(name) for name in ("moved", "shape", "numbers", "known")]
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    model = typed(model_of(helper.make_graph(nodes, "moved", ends, outputs, weights)), 25)
    if dtype.name in INTEGERS:  # onnx.reference truncates there, which onnxruntime does not
        del model.graph.node[8:12], model.graph.output[2]

    net = convert(model, name=f"moved_{dtype.name}").compile()

    x = np.arange(12).reshape(3, 4).astype(dtype.numpy)
    for given in (x, x.view(np.uint8)):
        moved = net(given)[0]
        wanted = np.pad(x.astype(np.float32).T, [(1, 0), (0, 2)], constant_values=1).reshape(-1)
        assert moved.dtype == dtype.numpy
        np.testing.assert_array_equal(moved.astype(np.float32), wanted)


def test_bits_under_another_type() -> None:
    """Of every width; a byte that is not 0 is true, and integers of four bits get the sign of their own type."""
    wide = [("float32", "int32"), ("float64", "uint64"), ("bfloat16", "float16"), ("float8e5m2", "uint8"), ("uint8", "bool")]
    pairs = [*wide, ("int4", "uint4"), ("uint4", "int4"), ("uint2", "int2")]
    for source, target in pairs:
        node = helper.make_node("BitCast", ["x"], ["y"], to=dtypes.BY_NAME[target].onnx)
        ends = [helper.make_tensor_value_info("x", dtypes.BY_NAME[source].onnx, ["n"]), helper.make_empty_tensor_value_info("y")]
        model = typed(model_of(helper.make_graph([node], "bits", ends[:1], ends[1:])), 26)
        size = dtypes.BY_NAME[source].size
        x = np.random.default_rng(1).integers(0, 256, 24 * size, np.uint8)
        x = x & ((1 << min(8, dtypes.BY_NAME[source].bits)) - 1)
        x[:size] = 0
        wanted = x.view(dtypes.BY_NAME[target].numpy)

        got = convert(model, name=f"bits_{source}", verify=False).compile()(x.view(dtypes.BY_NAME[source].numpy))

        if target in INTEGERS:
            byte = np.int8 if target.startswith("int") else np.uint8
            np.testing.assert_array_equal(got.view(byte), wanted.astype(byte))
        else:
            np.testing.assert_array_equal(got.view(np.uint8), wanted.view(np.uint8) if target != "bool" else x != 0)


def test_no_operator_calculates_with_them() -> None:
    model = casts(dtypes.float8e5m2, [dtypes.float32])
    model.graph.node[0].CopyFrom(helper.make_node("Abs", ["x"], ["y0"]))

    with pytest.raises(UnsupportedModel, match="ONNX allows"):
        convert(model, verify=False)


def test_widths_that_differ_are_refused() -> None:
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3]), helper.make_empty_tensor_value_info("y")]
    node = helper.make_node("BitCast", ["x"], ["y"], to=TensorProto.INT8)

    (finding,) = check(typed(model_of(helper.make_graph([node], "bits", ends[:1], ends[1:])), 26))

    assert "8 bits" in finding.why and "32" in finding.why


@pytest.mark.parametrize("dtype", ["float8e4m3fn", "float8e5m2"])
def test_nans_and_infinities_of_codes_are_found(dtype: str) -> None:
    kind = dtypes.BY_NAME[dtype]
    nodes = [helper.make_node("IsNaN", ["x"], ["nan"]), helper.make_node("IsInf", ["x"], ["inf"], detect_negative=0)]
    ends = [helper.make_tensor_value_info("x", kind.onnx, ["n"]), *(helper.make_empty_tensor_value_info(name) for name in ("nan", "inf"))]
    x = CODES.view(kind.numpy)

    nan, inf = convert(typed(model_of(helper.make_graph(nodes, "found", ends[:1], ends[1:])), 25), name=f"found_{dtype}").compile()(x)

    np.testing.assert_array_equal(nan, np.isnan(x.astype(np.float32)))
    np.testing.assert_array_equal(inf, x.astype(np.float32) == np.inf)
