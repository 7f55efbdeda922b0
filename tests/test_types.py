"""Types: every element type of ONNX has its row; values that are no tensors have types; what nothing computes is refused by name."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from models import model_of
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge import InvalidModel, UnsupportedModel, check, convert
from onnx_bridge.emit.weights import Packing
from onnx_bridge.ir import Tensor, dtypes
from onnx_bridge.ir.tensor import ShapeError, Type
from onnx_bridge.ir.values import SequenceType
from onnx_bridge.lowering.declared import value_type
from onnx_bridge.normalize.read import _raw_bytes

INT64, FLOAT, STRING = TensorProto.INT64, TensorProto.FLOAT, TensorProto.STRING


@pytest.mark.parametrize(("name", "code"), [pair for pair in TensorProto.DataType.items() if pair[1]], ids=lambda part: str(part))
def test_every_element_type_has_a_row(name: str, code: int) -> None:
    """ONNX's own name, numpy type and packing."""
    dtype = dtypes.BY_ONNX[code]

    assert name == dtype.schema.upper()
    if dtype is not dtypes.string:
        assert dtype.numpy == helper.tensor_dtype_to_np_dtype(code)
        if dtype.bits != 6:
            zeros = numpy_helper.from_array(np.zeros(8, dtype.numpy))
            assert len(zeros.raw_data) * dtype.packing == 8 * dtype.size
    assert dtypes.of(np.zeros(3, dtype.numpy)) is dtype
    assert dtypes.name_of(code) == dtype.name


@pytest.mark.parametrize("dtype", [dtype for dtype in dtypes.ALL if dtype is not dtypes.string], ids=str)
def test_the_weights_file_holds_any_of_them(dtype: dtypes.DType) -> None:
    array = np.ones((2, 3), dtype.numpy)

    packing = Packing()
    packing.add("w", array)
    image = packing.image("any")

    assert image.data[image.header_bytes :][: array.nbytes] == array.tobytes()


def test_an_older_ml_dtypes_lacks_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """0.3, which TensorFlow 2.15 insists on. What it lacks is stored as bytes, which bytes of their own are not taken for."""
    for name in ("float4_e2m1fn", "float6_e2m3fn", "float6_e3m2fn", "float8_e8m0fnu", "int2", "uint2"):
        monkeypatch.delattr(ml_dtypes, name)
    older = types.ModuleType("older")
    monkeypatch.setitem(sys.modules, "older", older)  # where dataclasses look for what annotations mean
    exec(compile(Path(dtypes.__file__).read_text(), dtypes.__file__, "exec"), vars(older))

    assert [dtype.name for dtype in older.ALL] == [dtype.name for dtype in dtypes.ALL]
    assert (older.float4e2m1.numpy, older.int2.numpy, older.int4.numpy) == (np.uint8, np.int8, ml_dtypes.int4)
    assert older.of(np.zeros(1, np.uint8)) is older.uint8 and older.of(np.zeros(1, np.int8)) is older.int8


@pytest.mark.parametrize(
    ("kind", "count"), [("BFLOAT16", 6), ("FLOAT8E5M2", 3), ("INT4", 2), ("UINT2", 1), ("FLOAT", 12)], ids=lambda part: str(part)
)
def test_raw_data_is_as_long_as_its_type_says(kind: str, count: int) -> None:
    """In files of their own, too: elements of four bits were taken for bytes there."""
    tensor = onnx.TensorProto(name="w", data_type=TensorProto.DataType.Value(kind), dims=[3])

    assert _raw_bytes(tensor) == count
    with pytest.raises(InvalidModel, match="has the unknown type 99"):
        _raw_bytes(onnx.TensorProto(name="w", data_type=99, dims=[3]))


def test_values_that_are_no_tensors() -> None:
    """Sequences, optionals and maps, in one another, as a file declares them."""
    tensor = helper.make_tensor_type_proto
    cases = {
        "float32 [2, 3]": tensor(FLOAT, [2, 3]),
        "a sequence of float32 [?]": helper.make_sequence_type_proto(tensor(FLOAT, ["N"])),
        "an optional a sequence of string [4]": helper.make_optional_type_proto(helper.make_sequence_type_proto(tensor(STRING, [4]))),
        "a map from int64 to float32 [...]": helper.make_map_type_proto(INT64, tensor(FLOAT, None)),
    }

    assert [str(value_type(proto)) for proto in cases.values()] == list(cases)


def test_who_needs_a_tensor_says_so() -> None:
    with pytest.raises(ShapeError, match=r"'s' is a sequence of float32 \[2\]; only tensors are supported here"):
        _ = Tensor("s", SequenceType(Type(dtypes.float32, (2,)))).shape


@pytest.mark.parametrize(
    ("proto", "says"),
    [
        (helper.make_sequence_type_proto(helper.make_tensor_type_proto(FLOAT, [2])), r"'x' is a sequence of float32 \[2\]"),
        (helper.make_tensor_type_proto(STRING, [2]), r"'x' is string \[2\]"),
        (helper.make_tensor_type_proto(TensorProto.COMPLEX64, [2]), r"'x' is complex64 \[2\]"),
    ],
    ids=["sequence", "string", "complex"],
)
@pytest.mark.parametrize("read", [True, False], ids=["read", "given on"])
def test_what_nothing_computes_is_refused_by_name(proto: onnx.TypeProto, says: str, read: bool) -> None:
    """By the operator that reads it; by the header, where none does."""
    x, y = onnx.ValueInfoProto(name="x", type=proto), helper.make_empty_tensor_value_info("y")
    nodes = [helper.make_node("Abs", ["x"], ["y"])] if read else []
    made = model_of(helper.make_graph(nodes, "ends", [x], [y if read else x]))
    if not read and "complex" not in says:  # headers take and give the others
        convert(made, verify=False)
        return

    with pytest.raises(UnsupportedModel, match="is of type|only tensors|ONNX allows" if read else says):
        convert(made, verify=False)


def test_what_an_operator_would_make_is_refused_by_name() -> None:
    cast = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.COMPLEX64)
    ends = [helper.make_tensor_value_info("x", FLOAT, [3]), helper.make_empty_tensor_value_info("y")]

    (finding,) = check(model_of(helper.make_graph([cast], "eight", ends[:1], ends[1:])))

    assert finding.why == "its output would be of type complex64, which is not supported"


def test_bfloat16_is_numbers_at_the_face() -> None:
    """Arrays of ml_dtypes; arrays of uint16 are taken as bits, for those who have no such type."""
    ends = [helper.make_tensor_value_info(name, TensorProto.BFLOAT16, ["N"]) for name in "xy"]
    weight = numpy_helper.from_array(np.array([1.5], ml_dtypes.bfloat16), "w")
    model = model_of(helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "brain", ends[:1], ends[1:], [weight]))
    x = np.array([1, -2.5, 300], ml_dtypes.bfloat16)
    net = convert(model, name="brain").compile()

    for given in (x, x.view(np.uint16)):
        y = net(given)
        assert y.dtype == ml_dtypes.bfloat16 and np.array_equal(y, x + np.array([1.5], ml_dtypes.bfloat16))
