"""A few damaged models; `python scripts/fuzz.py --count 10000` tries many more. And what it has found, one case a kind."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, ModelProto, TensorProto, helper, numpy_helper, parser

from onnx_bridge import InvalidModel, UnsupportedModel, convert
from onnx_bridge.errors import InternalError
from onnx_bridge.ir.roperator import REGISTRY
from onnx_bridge.lowering import lower

sys.path.insert(0, str(Path(__file__).parent.parent / "scripts"))

import fuzz
import mutants
import seeds


def sanitizers() -> bool:
    """Whether a library can be built with them, and be loaded into Python."""
    try:
        return all(Path(file).is_absolute() for file in fuzz.preloaded().split())
    except (OSError, subprocess.CalledProcessError):
        return False


def test_damaged_models_are_refused_or_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred mutants: no exception but a BridgeError, no header that does not compile, no report of a sanitizer."""
    if not sanitizers():
        pytest.skip("the compiler has no address sanitizer that Python can load")
    monkeypatch.setenv("ONNX_BRIDGE_CACHE", str(tmp_path / "cache"))
    fuzzer = fuzz.Fuzzer(20, tmp_path / "faults")

    fuzzer.run(range(200))

    assert [(fault.index, fault.signature, fault.detail[-500:]) for fault in fuzzer.faults] == []
    assert fuzzer.counts["ran"] > 20 and fuzzer.counts["refused: InvalidModel"] > 20 and fuzzer.counts["refused: UnsupportedModel"] > 20


def test_mutants_are_always_the_same() -> None:
    given = [net(helper.make_node("Relu", ["x"], ["y"])).SerializeToString()]

    made = [mutants.mutant(given, 1, index) for index in range(50)]

    assert made == [mutants.mutant(given, 1, index) for index in range(50)] and len(set(made)) > 25


def test_every_operator_is_among_what_is_damaged() -> None:
    """Of every domain; and what is no operator's case is sound before it is damaged."""
    given = [ModelProto.FromString(data) for data in seeds.seeds()]
    assert set(REGISTRY) - set().union(*map(seeds.operators_of, given)) == set()
    for model in seeds.others():
        convert(model, verify=False)
    assert {model.graph.name for model in map(ModelProto.FromString, seeds.seeds(["Scan", "SequenceAt"]))} >= {"cumulate", "listed"}


def test_a_fault_is_counted_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What convert() should not have raised: a file, and a line that shows it again."""
    data = net(helper.make_node("Relu", ["x"], ["y"])).SerializeToString()
    assert fuzz.outcome(data)[0] == "accepted" and fuzz.outcome(b"x" * 10)[0] == "refused: InvalidModel"
    monkeypatch.setattr(fuzz, "seeds", lambda *_: [data])
    monkeypatch.setattr(fuzz, "convert", lambda *_, **__: {}["no such key"])
    fuzzer = fuzz.Fuzzer(1, tmp_path)
    word, signature, detail = fuzz.outcome(data)

    fuzzer.fault(3, f"running: {signature}", detail)

    assert word == "fault" and signature.startswith("KeyError") and len(fuzzer.faults) == 1
    assert "--only 3" in (tmp_path / "faults.txt").read_text(encoding="utf-8") and (tmp_path / "1_3.onnx").is_file()


# ---- what was found


def net(*nodes: onnx.NodeProto, weights: dict[str, np.ndarray] | None = None, opset: int = 20) -> ModelProto:
    """Nodes on x [2, 3]; the last one's first output is that of the model."""
    initializers = [numpy_helper.from_array(value, name) for name, value in (weights or {}).items()]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])
    graph = helper.make_graph(nodes, "g", [x], [helper.make_empty_tensor_value_info(nodes[-1].output[0])], initializers)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1), helper.make_opsetid("onnx_bridge", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def empty_tensor() -> TensorProto:
    return helper.make_tensor("t", TensorProto.INT64, [0], [])


def typed(kind: int) -> ModelProto:
    model = net(helper.make_node("Add", ["x", "w"], ["y"]), weights={"w": np.float32([1, 2, 3])})
    model.graph.initializer[0].data_type = kind
    return model


def short() -> ModelProto:
    model = net(helper.make_node("Add", ["x", "w"], ["y"]))
    model.graph.initializer.append(TensorProto(name="w", data_type=1, dims=[3], float_data=[1.0]))
    return model


def inside() -> ModelProto:
    return parser.parse_model("""<ir_version: 8, opset_import: ["": 17]> net (float[2] x, int64 n) => (float[2] y, float[2] inner) {
        y = Loop (n, "", x) <body: graph = b (int64 i, bool on, float[2] a) => (bool still, float[2] inner) {
            inner = Neg (a)
            still = Identity (on) }> }""")


def sparse(sizes: list[int]) -> ModelProto:
    values = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    made = helper.make_sparse_tensor(values, helper.make_tensor("i", TensorProto.INT64, [1], [2**40]), sizes)
    return net(helper.make_node("Constant", [], ["w"], sparse_value=made), helper.make_node("Add", ["x", "w"], ["y"]))


REFUSED: dict[str, tuple[Callable[[], ModelProto], type[Exception], str]] = {
    "attribute of a later opset, of another kind": (
        lambda: net(helper.make_node("Resize", ["x", "s"], ["y"], antialias=empty_tensor()), weights={"s": np.float32([1, 2])}, opset=10),
        UnsupportedModel,
        "'antialias' is of kind TENSOR",
    ),
    "attribute that no schema knows, of another kind": (
        lambda: net(
            helper.make_node("FusedConv", ["x", "w"], ["y"], domain="com.microsoft", activation=1.0), weights={"w": np.ones((1, 1), "f")}
        ),
        UnsupportedModel,
        "'activation' must be of the type str",
    ),
    "attribute of a custom operator, of another kind": (
        lambda: net(helper.make_node("Swish", ["x"], ["y"], domain="onnx_bridge", alpha=[1.0, 2.0])),
        UnsupportedModel,
        "'alpha' must be a number",
    ),
    "text that is none, where patterns are compared": (
        lambda: net(helper.make_node("Div", ["x", "x"], ["y"], delete=b"\xff")),
        UnsupportedModel,
        "'delete' is not one of opset",
    ),
    "domain that nobody imports": (
        lambda: net(helper.make_node("NonZero", ["x"], ["y"], domain="*/ int main() {")),
        UnsupportedModel,
        "NonZero at",
    ),
    "element type that ONNX has not": (lambda: typed(99), InvalidModel, "element type 99"),
    "element type that says nothing": (lambda: typed(0), InvalidModel, "element type 0"),
    "strings as bytes": (lambda: typed(TensorProto.STRING), InvalidModel, "cannot be read"),
    "fewer numbers than the shape": (short, InvalidModel, r"\[3\] cannot be read"),
    "transform that is too long": (
        lambda: net(
            helper.make_node("Unsqueeze", ["x", "last"], ["u"]),
            helper.make_node("DFT", ["u", "n"], ["y"], axis=0),
            weights={"n": np.int64(2**31), "last": np.int64([2])},
            opset=17,
        ),
        UnsupportedModel,
        "2147483648 numbers",
    ),
    "blocked images of nothing": (
        lambda: net(helper.make_node("ReorderOutput", [], ["y"], domain="com.microsoft.nchwc")),
        UnsupportedModel,
        "ReorderOutput at",
    ),
    "more starts than there are axes": (
        lambda: parser.parse_model("""<ir_version: 8, opset_import: ["": 17]> n (float[2,3] x, int64[4611686018427387904] s) => (float y) {
            y = Slice (x, s, s) }"""),
        UnsupportedModel,
        "starts are 4611686018427387904 numbers, x has 2 axes",
    ),
    "output that only a body makes": (inside, InvalidModel, "'inner' is not an output of any node"),
    "sparse tensor that is too large": (lambda: sparse([2**50]), InvalidModel, "would take|checker finds"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_found_and_refused(name: str) -> None:
    make, error, says = REFUSED[name]

    with pytest.raises(error, match=says):
        convert(make(), verify=False)


def test_an_output_that_only_a_body_makes_is_found_without_the_checker() -> None:
    with pytest.raises(UnsupportedModel, match="'inner' is no input and no initializer, and no node makes it"):
        lower(inside(), "net")


def test_found_and_accepted() -> None:
    """Optional ends that are written as "", outputs that nobody named, constants whose product overflows, without a warning of numpy."""
    huge = {name: np.float32([3e38, 1, 1]) for name in ("s", "b", "m")} | {"v": np.float32([1e-6, 1, 1])}
    models = [
        net(helper.make_node("Min", ["x", ""], ["y"])),
        net(helper.make_node("Constant", [], ["y"], value=1)),  # onnxruntime takes it, too
        net(helper.make_node("TopK", ["x", "k"], ["y", ""]), weights={"k": np.int64([1])}),
        net(helper.make_node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"]), weights=huge),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for model in models:
            convert(model, verify=False)


def test_found_of_a_layer_without_rows() -> None:
    """A batch of 0 that is a constant: scratch memory of 0 bytes is none that a plan has a place for."""
    rng = np.random.default_rng(1)
    weights = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in {"w": (1, 4, 3), "r": (1, 4, 4)}.items()}
    model = net(helper.make_node("RNN", ["x", "w", "r"], ["y"], hidden_size=4), weights=weights)
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 0, 3]))

    assert convert(model, verify=False).compile()(np.zeros((2, 0, 3), np.float32)).shape == (2, 1, 0, 4)


def test_found_of_an_input_of_open_length() -> None:
    """Values that are sizes, of an input whose length other nodes decide: neither is the other, nor a size of the input "shape_1"."""
    nodes = [helper.make_node("Add", ["shape", "two"], ["sum"]), helper.make_node("Expand", ["shape_1", "sum"], ["y"])]
    model = net(*nodes, weights={"two": np.int64([0, 0])})
    del model.graph.input[:]
    model.graph.input.append(helper.make_tensor_value_info("shape_1", TensorProto.FLOAT, [1, 1]))
    model.graph.input.append(helper.make_tensor_value_info("shape", TensorProto.INT64, [-1]))

    made = convert(model, verify=False).compile()
    for sizes in ([5, 3], [2, 2], [1, 7]):
        assert made(np.ones((1, 1), np.float32), np.int64(sizes)).shape == tuple(sizes)


def test_a_fault_is_said_in_few_words() -> None:
    assert len(str(InternalError("emit", KeyError("x" * 9000)))) < 800


def test_found_in_a_loop() -> None:
    """A body may stack more than the node hands out."""
    inside = [helper.make_node("Identity", ["on"], ["still"]), helper.make_node("Relu", ["now"], ["next"])]
    ends = [helper.make_tensor_value_info(name, kind, []) for name, kind in (("turn", 7), ("on", 9), ("now", 1))]
    outputs = [helper.make_empty_tensor_value_info(name) for name in ("still", "next", "next", "next")]
    body = helper.make_graph(inside, "body", ends, outputs)
    weights = {"n": np.int64(3), "go": np.bool_(True)}
    model = net(helper.make_node("Loop", ["n", "go", "x"], ["y", "path"], body=body), weights=weights)

    assert convert(model, verify=False).model.outputs
    assert model.graph.node[0].attribute[0].type == AttributeProto.GRAPH
