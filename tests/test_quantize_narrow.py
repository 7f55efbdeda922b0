"""QuantizeLinear and DequantizeLinear to and from numbers of eight bits and less, by tensor, channel and block; quotients of 16 bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from models import model_of
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge import check, convert
from onnx_bridge.ir import dtypes
from onnx_bridge.ir.dtypes import DType

FLOATS = ("float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "float4e2m1", "float6e2m3", "float6e3m2")
INTEGERS = ("int4", "uint4", "int2", "uint2")
#: The shapes of x and of its scales, and how those lie along it.
FORMS: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, int]]] = {
    "tensor": ((3, 41), (), {}),
    "rows": ((3, 5, 7), (5,), {"axis": 1}),
    "columns": ((3, 41), (41,), {"axis": -1}),
    "blocks": ((3, 20), (3, 3), {"axis": 1, "block_size": 8}),
    "block_rows": ((5, 19), (3, 19), {"axis": 0, "block_size": 2}),
}


def along(scale: np.ndarray, x: np.ndarray, axis: int = 1, block_size: int = 0) -> np.ndarray:
    """Scales as an array that broadcasts to x."""
    if block_size:
        return np.take(scale, np.arange(x.shape[axis]) // block_size, axis)
    return scale.reshape([-1 if at == axis % x.ndim else 1 for at in range(x.ndim)]) if scale.ndim else scale


def drawn(form: str) -> tuple[np.ndarray, np.ndarray]:
    """Numbers, those beyond the ends of all formats and specials among them, and scales."""
    shape, of_scale, _ = FORMS[form]
    rng = np.random.default_rng(len(form))
    x = rng.uniform(-30, 30, shape).astype(np.float32)
    x.reshape(-1)[:8] = np.nan, np.inf, -np.inf, 0.0, 1e30, -1e30, 2.5, -0.0
    return x, rng.uniform(0.4, 3, of_scale).astype(np.float32)


def wanted(x: np.ndarray, scale: np.ndarray, zero: np.ndarray | None, dtype: DType, saturate: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Codes as numbers, and what they stand for; x is a quotient already where scale is 1."""
    with np.errstate(all="ignore"):
        quotient = np.asarray(x / scale, np.float32)
        if dtype.is_float:
            most = float(ml_dtypes.finfo(dtype.numpy).max)
            q = (np.clip(quotient, -most, most) if saturate else quotient).astype(dtype.numpy).astype(np.float32)
            if dtype.bits < 8:  # which have no NaN: tiny_types.hxx makes it a zero
                q = np.where(np.isnan(quotient), np.float32(0), q)
            return q, q * scale
        low, high = dtype.limits
        shift = 0 if zero is None else zero.astype(np.float32)
        held = np.where(np.isnan(quotient), low - shift, np.clip(quotient, low - shift, high - shift))
        q = np.rint(held) + shift
        return q.astype(np.float32), np.asarray((q - shift) * scale, np.float32)


def graph_of(names: Sequence[str], forms: Sequence[str], opset: int, run_time: bool, **attributes: Any) -> onnx.ModelProto:
    """q_... = x by scales, y_... = what q_... stands for, of each type in each form. Integers have zero points."""
    nodes, inputs, outputs, constants = [], [], [], []
    for form in forms:
        x, scale = drawn(form)
        inputs.append(helper.make_tensor_value_info(f"x_{form}", TensorProto.FLOAT, x.shape))
        inputs.append(helper.make_tensor_value_info(f"scale_{form}", TensorProto.FLOAT, scale.shape))
        constants.append(numpy_helper.from_array(scale, f"scale_{form}"))
        for name in names:
            end, kind = f"{form}_{name}", dtypes.BY_NAME[name]
            read, quantise = [f"scale_{form}"], {**FORMS[form][2], **attributes}
            if kind.is_integer:
                read.append(f"zero_{end}")
                inputs.append(helper.make_tensor_value_info(f"zero_{end}", kind.onnx, scale.shape))
                constants.append(numpy_helper.from_array(np.ones(scale.shape).astype(kind.numpy), f"zero_{end}"))
            else:
                quantise["output_dtype"] = kind.onnx
            nodes.append(helper.make_node("QuantizeLinear", [f"x_{form}", *read], [f"q_{end}"], **quantise))
            nodes.append(helper.make_node("DequantizeLinear", [f"q_{end}", *read], [f"y_{end}"], **FORMS[form][2]))
            outputs += [f"q_{end}", f"y_{end}"] if run_time else [f"y_{end}"]
    given = inputs if run_time else [info for info in inputs if info.name.startswith("x")]
    ends = [helper.make_empty_tensor_value_info(name) for name in outputs]
    model = model_of(helper.make_graph(nodes, "quantised", given, ends, [] if run_time else constants))
    model.opset_import[0].version, model.ir_version = opset, 11
    return model


def equal(got: np.ndarray, want: np.ndarray, what: str) -> None:
    """With -0 another number than 0."""
    got = got.astype(np.float32)
    np.testing.assert_array_equal(got, want, err_msg=what)
    same = ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(got[same]), np.signbit(want[same]), err_msg=what)


@pytest.mark.parametrize("saturate", [1, 0], ids=["saturates", "overflows"])
def test_every_type_in_every_form(saturate: int) -> None:
    """The bits above a zero point's code do not matter; those above what is written are its sign's."""
    names = (*FLOATS, *INTEGERS) if saturate else FLOATS[:4]
    forms = list(FORMS) if saturate else ["tensor", "columns"]
    model = graph_of(names, forms, 28, True, saturate=saturate)
    net = convert(model, name=f"quantised_{saturate}", verify=False).compile()
    rng, feeds, zeros = np.random.default_rng(3), {}, {}
    for form in forms:
        feeds[f"x_{form}"], feeds[f"scale_{form}"] = drawn(form)
        for name in INTEGERS if saturate else ():
            kind = dtypes.BY_NAME[name]
            numbers = np.asarray(rng.integers(*kind.limits, FORMS[form][1], endpoint=True))
            zeros[f"{form}_{name}"] = numbers
            noise = np.asarray(rng.integers(0, 256, numbers.shape) << kind.bits)
            feeds[f"zero_{form}_{name}"] = np.asarray(numbers & ((1 << kind.bits) - 1) | noise).astype(np.uint8)

    made = dict(zip([output.name for output in model.graph.output], net(**feeds), strict=True))

    for form in forms:
        x, scale, lie = feeds[f"x_{form}"], feeds[f"scale_{form}"], FORMS[form][2]
        for name in names:
            kind, end = dtypes.BY_NAME[name], f"{form}_{name}"
            zero = along(zeros[end], x, **lie) if end in zeros else None
            codes, numbers = wanted(x, along(scale, x, **lie), zero, kind, bool(saturate))
            q = made[f"q_{end}"]
            assert q.dtype == kind.numpy
            if kind.is_integer:
                q = q.view(np.int8 if name.startswith("int") else np.uint8)
                np.testing.assert_array_equal(q, codes, err_msg=end)
                np.testing.assert_array_equal(made[f"y_{end}"], numbers, err_msg=end)
            elif kind.bits < 8:
                np.testing.assert_array_equal(q.astype(np.float32), codes, err_msg=end)
            else:
                equal(q, codes, end)
                equal(made[f"y_{end}"], numbers, end)


def test_they_are_verified_against_onnxruntime() -> None:
    made = convert(graph_of(("float8e4m3fn", "float8e5m2fnuz", "int4", "uint4"), list(FORMS)[:3], 21, False), name="quantised_21")
    assert made.report.passed


def test_they_are_verified_against_onnx_reference() -> None:
    made = convert(graph_of(("float4e2m1", "float6e3m2", "int2", "uint2"), list(FORMS), 28, False), name="quantised_28")
    assert made.report.passed


@pytest.mark.parametrize(("precision", "kind"), [(TensorProto.FLOAT16, np.float16), (TensorProto.BFLOAT16, ml_dtypes.bfloat16)])
def test_quotients_of_sixteen_bits(precision: int, kind: type) -> None:
    """Both operands are rounded, and the quotient; to integers, and to floats."""
    x = np.random.default_rng(5).uniform(-200, 200, (7, 67)).astype(np.float32)
    scale, zero = np.random.default_rng(6).uniform(0.5, 3, 67).astype(np.float32), np.arange(67).astype(np.uint8)
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["a"], precision=precision),
        helper.make_node("QuantizeLinear", ["x", "one", "offset"], ["b"], precision=precision),
        helper.make_node("QuantizeLinear", ["x", "scale"], ["c"], precision=precision, output_dtype=TensorProto.FLOAT8E5M2),
    ]
    constants = {"scale": scale, "one": np.float32(0.7), "zero": zero, "offset": np.int8(3)}
    known = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 67]), *map(helper.make_empty_tensor_value_info, "abc")]
    model = model_of(helper.make_graph(nodes, "precision", ends[:1], ends[1:], known))
    model.opset_import[0].version, model.ir_version = 25, 11

    a, b, c = convert(model, name=f"precision_{precision}", verify=False).compile()(x)

    def quotient(by: np.ndarray) -> np.ndarray:
        rounded = x.astype(kind).astype(np.float32) / by.astype(kind).astype(np.float32)
        return rounded.astype(kind).astype(np.float32)

    one = np.float32(1)
    np.testing.assert_array_equal(a, wanted(quotient(scale), one, zero, dtypes.uint8)[0])
    np.testing.assert_array_equal(b, wanted(quotient(np.float32(0.7)), one, np.int8(3), dtypes.int8)[0])
    np.testing.assert_array_equal(c.astype(np.float32), wanted(quotient(scale), one, None, dtypes.float8e5m2)[0])
    assert (a != wanted(x / scale, one, zero, dtypes.uint8)[0]).any()  # rounding matters


def test_scales_that_are_powers_of_two_and_integers() -> None:
    x = np.random.default_rng(5).uniform(-200, 200, (7, 37)).astype(np.float32)
    powers = np.ldexp(np.float32(1), np.arange(37) - 9).astype(dtypes.float8e8m0.numpy)
    whole = np.arange(1, 38).astype(np.int32)
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "powers"], ["a"], output_dtype=TensorProto.FLOAT8E4M3FN),
        helper.make_node("QuantizeLinear", ["x", "whole"], ["b"], output_dtype=TensorProto.INT8),
        helper.make_node("DequantizeLinear", ["a", "powers"], ["c"], output_dtype=TensorProto.FLOAT),
        helper.make_node("DequantizeLinear", ["b", "powers"], ["d"], output_dtype=TensorProto.FLOAT16),
    ]
    kinds = {"x": TensorProto.FLOAT, "powers": TensorProto.FLOAT8E8M0, "whole": TensorProto.INT32}
    inputs = [helper.make_tensor_value_info(name, kind, ["n", 37] if name == "x" else [37]) for name, kind in kinds.items()]
    model = model_of(helper.make_graph(nodes, "powers", inputs, [*map(helper.make_empty_tensor_value_info, "abcd")]))
    model.opset_import[0].version, model.ir_version = 25, 11

    a, b, c, d = convert(model, name="powers", verify=False).compile()(x, powers, whole)

    by = powers.astype(np.float32)
    codes, numbers = wanted(x, by, None, dtypes.float8e4m3fn)
    np.testing.assert_array_equal(a.astype(np.float32), codes)
    np.testing.assert_array_equal(b, wanted(x, whole.astype(np.float32), None, dtypes.int8)[0])
    np.testing.assert_array_equal(c, numbers)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(d, (b.astype(np.float32) * by).astype(np.float16))


@pytest.mark.parametrize("name", ["float8e4m3fn", "float4e2m1"])
def test_zero_points_of_floats_are_zero(name: str) -> None:
    kind = dtypes.BY_NAME[name]
    for op_type, source in (("QuantizeLinear", TensorProto.FLOAT), ("DequantizeLinear", kind.onnx)):
        ends = [helper.make_tensor_value_info("x", source, [3, 4]), helper.make_empty_tensor_value_info("y")]
        for number, faults in ((0, 0), (1, 1)):
            known = [numpy_helper.from_array(np.float32(2), "s"), numpy_helper.from_array(np.asarray(number).astype(kind.numpy), "z")]
            model = model_of(helper.make_graph([helper.make_node(op_type, ["x", "s", "z"], ["y"])], "zero", ends[:1], ends[1:], known))
            model.opset_import[0].version, model.ir_version = 25, 11

            found = check(model)

            assert len(found) == faults and all("must be 0" in finding.why for finding in found)
