"""Nodes that contradict ONNX: each is a finding that names the node; and what escapes a stage is said to be ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import pytest
from models import dense_net, model_of
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge import InferenceError, InternalError, RModel, check, convert
from onnx_bridge.ir import UnsupportedForm
from onnx_bridge.ir.dtypes import int32
from onnx_bridge.ir.tensor import ShapeError
from onnx_bridge.operators.clip import Clip
from onnx_bridge.operators.gemm import Gemm
from onnx_bridge.operators.label_encoder import LabelEncoder
from onnx_bridge.operators.lrn import LRN
from onnx_bridge.operators.pointwise import TABLE


def net(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Sequence[int | str]],
    outputs: Sequence[str] = ("y",),
    weights: Mapping[str, np.ndarray] | None = None,
    types: Mapping[str, int] | None = None,
) -> onnx.ModelProto:
    """A model of float inputs, unless `types` has another one."""
    kinds = dict(types or {})
    graph = helper.make_graph(
        list(nodes),
        "nodes",
        [helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), list(shape)) for name, shape in inputs.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in (weights or {}).items()],
    )
    return model_of(graph)


def findings(model: onnx.ModelProto) -> str:
    """What stands in the way, as one text."""
    return "\n".join(map(str, check(model)))


def a_tensor_attribute_that_holds_none() -> onnx.NodeProto:
    node = helper.make_node("ConstantOfShape", ["s"], ["y"], "it")
    node.attribute.add(name="value", type=onnx.AttributeProto.TENSOR)
    return node


X = {"x": ("N", 3)}


@pytest.mark.parametrize(
    ("node", "says"),
    [
        (helper.make_node("Gemm", ["x", ""], ["y"], "it"), r"Gemm at 'it': input 1 \('B'\) is missing"),
        (helper.make_node("Gemm", ["x"], ["y"], "it"), r"Gemm at 'it': input 1 \('B'\) is missing"),
        (helper.make_node("Abs", [""], ["y"], "it"), r"Abs at 'it': input 0 \('X'\) is missing"),
        (helper.make_node("Concat", ["x", "", "x"], ["y"], "it", axis=0), r"Concat at 'it': input 1 \('inputs'\) is missing"),
        (helper.make_node("Relu", ["x", "x"], ["y"], "it"), "it has 2 inputs, at most 1 are allowed"),
        (helper.make_node("Relu", ["x"], ["y", "z"], "it"), "it has 2 outputs, at most 1 are allowed"),
        (helper.make_node("Cast", ["x"], ["y"], "it"), "attribute 'to' is missing"),
        (helper.make_node("Softmax", ["x"], ["y"], "it", axis="one"), "attribute 'axis' is of kind STRING; ONNX has INT"),
        (helper.make_node("Softmax", ["x"], ["y"], "it", alpha=1.0), "attribute 'alpha' is not one of opset"),
        (a_tensor_attribute_that_holds_none(), "attribute 'value' is a TENSOR that holds none"),
        (helper.make_node("LSTM", ["x3", "w", "r"], ["y"], "it", hidden_size=2, activations=["Tanh", "Tan", "Tanh"]), "activation 'Tan'"),
        (helper.make_node("Resize", ["x", "", "", "one"], ["y"], "it"), "sizes"),
        (helper.make_node("LayerNormalization", ["d", "e"], ["y", "m"], "it"), "output 1 is not one that it gives here"),
    ],
    ids=lambda value: value.op_type if isinstance(value, onnx.NodeProto) else "",
)
def test_what_contradicts_onnx_is_a_finding(node: onnx.NodeProto, says: str) -> None:
    inputs = {**X, "s": (1,), "x3": ("T", "N", 3), "d": ("N", 3), "e": (3,)}
    weights = {"w": np.ones((1, 8, 3), np.float32), "r": np.ones((1, 8, 2), np.float32), "one": np.array([1])}
    types = {"s": TensorProto.INT64, "d": TensorProto.DOUBLE, "e": TensorProto.DOUBLE}

    found = check(net([node], inputs, list(node.output), weights, types))

    assert found and all(finding.node == "it" for finding in found)
    assert re.search(says, "\n".join(map(str, found)))


def test_bounds_of_integers_are_no_attributes() -> None:
    """Clip has them for floats, and before opset 11; in an RModel that is built by hand nothing else says so."""
    model = RModel("net")
    x = model.add_input_tensor_info("x", int32, [3])

    with pytest.raises(ShapeError, match="bounds that are attributes are for floats"):
        model.add_operator(Clip.make("clip", min=0.0), [x.name], ["y"])


def test_lists_of_attributes_hold_what_they_should() -> None:
    """Also where the file's schema has no such attribute: this one is of version 1."""
    with pytest.raises(ShapeError, match=r"'classes_strings' must be of the type list\[str\]"):
        LabelEncoder(opset=2).set_attributes({"classes_strings": [1.0, 2.0]})


def test_everything_is_found_at_once() -> None:
    nodes = [helper.make_node("Relu", ["x", "x"], ["a"], "first"), helper.make_node("Cast", ["x"], ["b"], "second")]

    assert [finding.node for finding in check(net(nodes, X, ["a", "b"]))] == ["first", "second"]


def test_types_outside_the_schema_are_named() -> None:
    """Operator, input, the type found, the types that it may have."""
    where = helper.make_node("Where", ["x", "x", "x"], ["y"], "choose")

    assert findings(net([where], X)) == "Where at 'choose': input 'condition' is of type float32; ONNX allows bool"

    mixed = helper.make_node("Mul", ["x", "k"], ["y"], "scale")
    assert "inputs 'A' and 'B' must have one type, got float32 and float64" in findings(net([mixed], X, weights={"k": np.ones(3)}))


def test_types_that_are_not_computed_are_named() -> None:
    """The input, the type found, the types that it may have."""
    net = RModel("norm")
    net.add_input_tensor_info("x", "bool", (1, 2, 5))

    with pytest.raises(UnsupportedForm, match=r"input 0 \(x\) is of type bool, which is not supported; it may be float32"):
        net.add_operator(LRN.make(size=3), ["x"], ["y"])


STATES = [
    ("h", (1, 1, 2), "B must be 1"),  # the batch is then 1, and that is said: nothing is read beyond the state
    ("h", (1, "Q", 2), "must be"),
    ("h", (2, "B", 2), "initial_h must be"),
    ("c", (1, "B", 5), "initial_c must be"),
    ("c", (1, 2), "initial_c must be"),
    ("lengths", ("Q",), "must be"),
    ("lengths", (2, "B"), "sequence_lens must be"),
]


@pytest.mark.parametrize(("name", "shape", "says"), STATES)
def test_states_of_recurrent_layers_have_the_layer_s_sizes(name: str, shape: tuple[int | str, ...], says: str) -> None:
    """A state of another shape is refused, or the sizes are unified, with a note."""
    inputs = {"x": ("T", "B", 3), "lengths": ("B",), "h": (1, "B", 2), "c": (1, "B", 2), name: shape}
    node = helper.make_node("LSTM", ["x", "w", "r", "", "lengths", "h", "c"], ["y"], "it", hidden_size=2)
    weights = {"w": np.ones((1, 8, 3), np.float32), "r": np.ones((1, 8, 2), np.float32)}
    model = net([node], inputs, weights=weights, types={"lengths": TensorProto.INT32})
    refused = check(model)

    narrowed = [] if refused else convert(model, name="states", verify=False).report.narrowed
    assert any(says in line for line in (*map(str, refused), *narrowed))


def test_an_output_that_is_listed_twice() -> None:
    """Both are there, each in memory of its own; onnxruntime has them, too."""
    model = net([helper.make_node("Relu", ["x"], ["y"], "it")], X, ["y", "y", "x"])

    made = convert(model, name="twice")

    x = np.array([[-1, 2, 3]], np.float32)
    first, second, third = made.compile().run({"x": x})
    np.testing.assert_array_equal(first, np.maximum(x, 0))
    np.testing.assert_array_equal(second, first)
    np.testing.assert_array_equal(third, x)
    assert "output y is listed again: as y_2" in made.report.notes


def test_what_escapes_the_lowering_names_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setattr(Gemm, "values", broken)
    for face in (check, lambda model: convert(model, name="broken")):
        with pytest.raises(InternalError, match=r"IndexError: list index out of range .*Gemm at 'dense'.*fault of onnx_bridge") as caught:
            face(dense_net())
        assert caught.value.stage == "lower"
        assert isinstance(caught.value.__cause__, IndexError)


def test_what_escapes_another_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors that only the lowering understands do not reach users from other stages either."""

    def broken(*_: object) -> None:
        raise ShapeError("sizes 1 and 2 do not agree")

    monkeypatch.setattr(TABLE["Relu"], "expression", broken)
    with pytest.raises(InternalError, match="at the stage 'emit'"):
        convert(dense_net(), name="broken")


def test_pieces_are_no_more_than_the_axis() -> None:
    """Pieces of an equal size that are more than there is would be read beyond the end; where the axis is open that is a condition."""
    split = helper.make_node("Split", ["x"], ["a", "b", "c"], "cut", axis=0, num_outputs=3)
    fixed = net([split], {"x": (1, 2)}, ["a", "b", "c"])
    fixed.opset_import[0].version = 18
    assert "3 pieces of 1 are more than the 1 of the axis" in findings(fixed)

    open_ = net([split], {"x": ("N", 2)}, ["a", "b", "c"])
    open_.opset_import[0].version = 18
    compiled = convert(open_, name="pieces", verify=False).compile()
    with pytest.raises(InferenceError):
        compiled.run({"x": np.ones((1, 2), np.float32)})
    assert [piece.shape for piece in compiled.run({"x": np.ones((5, 2), np.float32)})] == [(2, 2), (2, 2), (1, 2)]


def test_a_name_of_a_mode_is_no_c() -> None:
    """Text of a model reaches C++ only as one of the words that are known."""
    resize = helper.make_node("Resize", ["x", "", "scales"], ["y"], "it", mode="nearest", nearest_mode="floor; evil()")

    assert "nearest_mode 'floor; evil()' is not known" in findings(
        net([resize], {"x": (1, 1, 2, 2)}, weights={"scales": np.ones(4, np.float32) * 2})
    )
