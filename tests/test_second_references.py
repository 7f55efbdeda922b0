"""The references of files that onnxruntime does not take: the model lifted, and onnx.reference, where it is known to be right."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from test_deaths import split
from zoo import Net

from onnx_bridge import convert
from onnx_bridge.errors import VerificationError
from onnx_bridge.references.chain import References
from onnx_bridge.references.oracle import Oracle
from onnx_bridge.references.refusal import Refusal
from onnx_bridge.references.second import Evaluated, Lifted
from onnx_bridge.references.types import in_double

RNG = np.random.default_rng(0)
ROIS = np.array([[0, 1, 1, 9, 7], [1, -9, -3, 2, 20], [1, 6, 6, 6, 6], [0, 3.3, 2.7, 12.2, 11]], np.float32)


def recurrent(op_type: str, gates: int, *, layout: int = 1, initial: bool = True, **attributes: object) -> onnx.ModelProto:
    """x [n, t, 5] (or [t, n, 5]) and initial states -> op_type -> all states and the last ones."""
    shapes = {"w": (1, gates * 4, 5), "r": (1, gates * 4, 4), "b": (1, gates * 8)}
    weights = [numpy_helper.from_array(RNG.standard_normal(shape).astype(np.float32), name) for name, shape in shapes.items()]
    states = ["h", "c"][: 1 + (op_type == "LSTM")] if initial else []
    node = helper.make_node(op_type, ["x", "w", "r", "b", "", *states], ["y", "last"], hidden_size=4, layout=layout, **attributes)
    turned = (lambda *dims: [dims[1], dims[0], *dims[2:]]) if layout else lambda *dims: list(dims)
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, turned("t", "n", 5))]
    ends += [helper.make_tensor_value_info(name, TensorProto.FLOAT, turned(1, "n", 4)) for name in states]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("y", "last")]
    graph = helper.make_graph([node], "layer", ends, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(("op_type", "gates"), [("RNN", 1), ("GRU", 3), ("LSTM", 4)])
def test_the_batch_first_turned(op_type: str, gates: int) -> None:
    """layout = 1, which onnxruntime has no kernels for, is turned, and held to onnx.reference."""
    shapes = {"x": (3, 6, 5), "h": (3, 1, 4), "c": (3, 1, 4)}
    names = ["x", "h", "c"][: 2 + (op_type == "LSTM")]
    with closing(Lifted(recurrent(op_type, gates))) as lifted:
        y, last = lifted({name: RNG.standard_normal(shapes[name]).astype(np.float32) for name in names})

    assert y.shape == (3, 6, 1, 4) and np.array_equal(y[:, -1], last)
    assert any(note.startswith("onnx.reference") and "agrees with onnxruntime" in note for note in lifted.notes)


def test_the_batch_first() -> None:
    report = convert(recurrent("RNN", 1)).report

    assert report.passed and report.reference.endswith("on the model with the time first in its recurrent layers")
    assert any(note.startswith("onnx.reference") and "agrees with onnxruntime" in note for note in report.notes)
    assert any("onnxruntime cannot be asked" in note and "layout" in note for note in report.notes)


def test_a_file_that_onnxruntime_dies_of() -> None:
    report = convert(split("a", "", "b"), name="split").report

    assert report.passed and report.reference.startswith("onnx.reference")
    assert any("its process ended with signal 11" in note for note in report.notes)
    assert f"against {report.reference}" in report.proof()[0]


def test_without_any_reference() -> None:
    """The class and the advice are those of a comparison that cannot be, not of an exporter."""
    model = helper.make_model(helper.make_graph([helper.make_node("Frobnicate", ["x"], ["y"])], "odd", split("a").graph.input, []))
    with closing(References(model)) as references, pytest.raises(VerificationError) as caught:
        references.answer({"x": np.zeros((1, 6), np.float32)})

    assert all(part in str(caught.value) for part in ("nothing to compare", "onnxruntime, ", "onnx.reference, ", "verify=False"))


def test_references_that_contradict_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Evaluated, "__call__", lambda *_: [np.zeros((3, 2, 1, 4), np.float32), np.zeros((3, 1, 4), np.float32)])
    with closing(Lifted(recurrent("RNN", 1, initial=False))) as lifted, pytest.raises(VerificationError, match="contradict each other"):
        lifted({"x": RNG.standard_normal((3, 2, 5)).astype(np.float32)})


@pytest.mark.parametrize("double", [False, True], ids=["float", "double"])
@pytest.mark.parametrize(
    ("op_type", "gates", "said"),
    [
        ("LSTM", 4, {"direction": "reverse"}),
        ("LSTM", 4, {"activations": ["HardSigmoid", "Softsign", "ScaledTanh"], "activation_alpha": [0.3, 0.7],
                     "activation_beta": [0.4, 0.8]}),
        ("LSTM", 4, {"clip": 0.5, "input_forget": 1}),
        ("GRU", 3, {"clip": 0.5}),
        ("GRU", 3, {"linear_before_reset": 1, "activations": ["Sigmoid", "LeakyRelu"], "activation_alpha": [0.5]}),
        ("GRU", 3, {"direction": "reverse", "activations": ["HardSigmoid", "Elu"], "activation_alpha": [0.3, 0.5]}),
        ("RNN", 1, {"activations": ["Affine"], "activation_alpha": [0.3], "activation_beta": [0.1]}),
        ("RNN", 1, {"activations": ["ThresholdedRelu"], "activation_alpha": [0.5], "clip": 1.0}),
        ("RNN", 1, {"activations": ["Relu"], "direction": "reverse", "clip": 2.0}),
    ],
    ids=str,
)  # fmt: skip
def test_recurrent_layers_of_every_form(op_type: str, gates: int, said: dict[str, object], double: bool) -> None:
    """Of sequences with lengths of their own, one of them empty: what stands for those of onnx.reference, and onnxruntime."""
    model = recurrent(op_type, gates, layout=0, **said)
    model.graph.node[0].input[4] = "lengths"
    model.graph.input.append(helper.make_tensor_value_info("lengths", TensorProto.INT32, ["n"]))
    shapes = {"x": (6, 4, 5), "h": (1, 4, 4), "c": (1, 4, 4)}
    names = ["x", "h", "c"][: 2 + (op_type == "LSTM")]
    feeds = {name: RNG.standard_normal(shapes[name]).astype(np.float32) for name in names}
    feeds["lengths"] = np.array([6, 0, 3, 1], np.int32)

    with closing(Evaluated(model, double)) as evaluated, closing(Oracle(model)) as oracle:
        for ours, theirs in zip(evaluated(feeds), oracle(feeds), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-5)


def node(op_type: str, *given: np.ndarray, opset: int = 17, shape: tuple[int, ...] = (2, 3, 4, 5), **attributes: object) -> onnx.ModelProto:
    """x and constants -> op_type -> y."""
    constants = [numpy_helper.from_array(value, f"c{index}") for index, value in enumerate(given)]
    kind = TensorProto.INT64 if op_type == "OneHot" else TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node(op_type, ["x", *(tensor.name for tensor in constants)], ["y"], **attributes)], "one",
        [helper.make_tensor_value_info("x", kind, shape)], [helper.make_empty_tensor_value_info("y")], constants,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


CHANNELS = [RNG.uniform(0.5, 2, 3).astype(np.float32) for _ in range(4)]


@pytest.mark.parametrize(
    "model",
    [
        node("BatchNormalization", *CHANNELS, opset=7), node("BatchNormalization", *CHANNELS, opset=9),
        node("BatchNormalization", *CHANNELS),
        node("LRN", size=3, alpha=0.5), node("LRN", size=5, shape=(1, 7, 2, 2)), node("MeanVarianceNormalization"),
        node("MeanVarianceNormalization", axes=[0, 1]), node("GlobalMaxPool", shape=(2, 3, 4)), node("GlobalMaxPool"),
        node("Softmax", opset=11), node("LogSoftmax", opset=11, axis=2), node("Hardmax", opset=11, axis=2), node("Softmax", axis=1),
        node("LpNormalization", p=1, axis=1), node("LpNormalization"), node("OneHot", np.array([4]), np.array([0, 1], np.float32), axis=1),
        node("GlobalLpPool", p=3, opset=21), node("GlobalLpPool", shape=(2, 3, 4), opset=21),
        *(node("Resize", np.zeros(0, np.float32), np.array([1, 1, 0.6, 0.6], np.float32), opset=19, shape=(1, 1, 4, 8), mode=mode,
               coordinate_transformation_mode="align_corners") for mode in ("linear", "cubic")),
        node("MaxRoiPool", ROIS, opset=21, pooled_shape=[3, 2], spatial_scale=0.5, shape=(2, 3, 9, 7)),
    ],
    ids=lambda model: f"{model.graph.node[0].op_type}-{model.opset_import[0].version}",
)  # fmt: skip
@pytest.mark.parametrize("double", [False, True], ids=["float", "double"])
def test_what_onnx_reference_gets_wrong_is_put_right(model: onnx.ModelProto, double: bool) -> None:
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    whole = model.graph.node[0].op_type == "OneHot"
    x = RNG.integers(-4, 4, shape) if whole else (RNG.standard_normal(shape) * 3).astype(np.float32)

    with closing(Evaluated(model, double)) as evaluated, closing(Oracle(model)) as oracle:
        (ours,), (theirs,) = evaluated({"x": x}), oracle({"x": x})

    assert ours.dtype == (np.float64 if double else np.float32)
    np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6)


def branches() -> onnx.ModelProto:
    """float32 in all places where it can stand: initializers, constants of several forms, casts, made tensors, inner graphs."""
    net = Net("branches")
    x = net.input("x", ("N", 3))
    one = net("Constant", value_float=0.1)
    many = net("Constant", value_floats=[0.1, 0.2, 0.3])
    zeros = net("ConstantOfShape", net("Shape", x))
    whole = net("Cast", net("Cast", x, to=TensorProto.DOUBLE), to=TensorProto.FLOAT)
    inner = Net("inner")
    then = inner.graph(then=(inner("Mul", whole, inner.constant(0.1, np.float32)), TensorProto.FLOAT, None))
    other = Net("other")
    otherwise = other.graph(otherwise=(other("Identity", whole), TensorProto.FLOAT, None))
    chosen = net("If", net.constant(True, np.bool_), then_branch=then, else_branch=otherwise)
    return net.floats(y=(net("Add", net("Add", chosen, net("Mul", many, one)), zeros), ("N", 3)))


def test_a_model_in_double() -> None:
    """To the last place of a double, which one float32 in between would spoil."""
    x = RNG.standard_normal((2, 3)).astype(np.float32)
    tenths = np.array([0.1, 0.2, 0.3], np.float32).astype(np.float64)

    with closing(Evaluated(branches(), double=True)) as evaluated:
        (y,) = evaluated({"x": x})

    np.testing.assert_allclose(y, x.astype(np.float64) * tenths[0] + tenths * tenths[0], rtol=1e-15)
    assert in_double(branches()).graph.output[0].type.tensor_type.elem_type == TensorProto.DOUBLE


@pytest.mark.parametrize("axes", [[0, 2, 3], [2]], ids=str)
def test_halves_are_normalised_in_float32(axes: list[int]) -> None:
    """MeanVarianceNormalization, whose body in onnx takes none: as a half 1e-9 is 0, and the square of 300 is infinite."""
    x = np.concatenate([RNG.standard_normal((1, 2, 3, 4)) * 300, np.ones((1, 2, 3, 4))]).astype(np.float16)
    model = node("MeanVarianceNormalization", opset=13, axes=axes)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = TensorProto.FLOAT16
    wide = x.astype(np.float64)
    centred = wide - wide.mean(tuple(axes), keepdims=True)
    exact = centred / (np.sqrt(np.square(centred).mean(tuple(axes), keepdims=True)) + 1e-9)

    with pytest.raises(Refusal), closing(Oracle(model)):
        pass
    with closing(Evaluated(model)) as evaluated:
        (y,) = evaluated({"x": x})

    assert y.dtype == np.float16
    np.testing.assert_allclose(y, exact, rtol=1e-3, atol=1e-6)
    assert convert(model).report.passed
