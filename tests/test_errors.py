"""Models that nobody vouches for: each is refused with one error that says what and where, or converted into correct C++."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest
from models import dense_net, model_of, one_node
from onnx import TensorProto, helper, numpy_helper
from test_names import HOSTILE

import onnx_bridge
from onnx_bridge import BridgeError, InvalidModel, ToolchainError, UnsupportedModel, check, convert, errors
from onnx_bridge.references.oracle import Oracle
from onnx_bridge.references.refusal import Refusal
from onnx_bridge.toolchain import find_compiler

# ---- files


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"not a model at all", "not an ONNX model"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not an ONNX model"),
        (onnx.ModelProto(ir_version=8).SerializeToString(), "no graph"),
    ],
    ids=["empty", "text", "picture", "no graph"],
)
def test_a_file_that_is_no_model(content: bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match=says) as caught:
        convert(written(tmp_path / "m.onnx", content))
    assert "m.onnx" in str(caught.value)


def test_a_graph_without_outputs_computes_nothing() -> None:
    """onnx's checker takes it; a header of it did not compile."""
    with pytest.raises(InvalidModel, match="has no outputs"):
        convert(model_of(helper.make_graph([], "nothing", [], [])))


def defaulted(declared: list[int | str], kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
    """y = x + b, where b is an input with a default of shape [4]."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4]), helper.make_tensor_value_info("b", kind, declared)]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4])]
    default = numpy_helper.from_array(np.arange(4, dtype=np.float32), "b")
    return model_of(helper.make_graph([helper.make_node("Add", ["x", "b"], ["y"])], "sum", inputs, outputs, [default]))


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (defaulted([3]), r"'b' is declared \[3\], the initializer that is its default is \[4\]"),
        (defaulted([4, 1]), r"'b' is declared \[4, 1\]"),
        (defaulted([4], TensorProto.DOUBLE), "'b' is declared DOUBLE, the initializer that is its default is FLOAT"),
    ],
    ids=["size", "rank", "type"],
)
def test_a_default_must_fit_its_input(model: onnx.ModelProto, says: str) -> None:
    """As onnxruntime has it; the declared shape was forgotten."""
    with pytest.raises(Refusal):
        Oracle(model)
    with pytest.raises(InvalidModel, match=says):
        check(model)


@pytest.mark.parametrize("declared", [[4], ["n"], [-1]], ids=str)
def test_a_default_that_fits_its_input(declared: list[int | str]) -> None:
    assert not check(defaulted(declared))


@pytest.mark.parametrize(("domain", "used"), [("", "Relu"), ("ai.onnx.ml", "Scaler")], ids=["ai.onnx", "ai.onnx.ml"])
def test_an_opset_that_nobody_knows_yet(domain: str, used: str) -> None:
    """The newest schemas were taken for those of opset 99. A domain that no node is of may be as new as it likes."""
    model = one_node("Relu")
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 99))
    assert not check(model)

    model.graph.node[0].op_type, model.graph.node[0].domain = used, domain
    next(entry for entry in model.opset_import if entry.domain == domain).version = 99
    with pytest.raises(UnsupportedModel, match=f"is of opset 99 of {domain or 'ai.onnx'}; the newest that onnx .* defines is") as caught:
        convert(model)
    assert "older opset" in str(caught.value)


def test_names_of_dims_are_text() -> None:
    """protobuf hands out what is not UTF-8 as bytes."""
    raw = dense_net().SerializeToString()
    assert raw.count(b"\x12\x01N") >= 1  # the dim N, field 2

    with pytest.raises(InvalidModel, match="is not UTF-8"):
        convert(raw.replace(b"\x12\x01N", b"\x12\x01\xff"))


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    """A file cut anywhere gives an error of ours, never a traceback from inside and never a header of half a model."""
    whole = dense_net().SerializeToString()
    refused = 0
    for length in range(0, len(whole), 3):
        try:
            check(written(tmp_path / "cut.onnx", whole[:length]))
        except BridgeError:
            refused += 1
    assert refused >= len(range(0, len(whole), 3)) - 2  # what is cut may be a field that nobody needs


def test_flipped_bytes_are_refused_or_harmless(tmp_path: Path) -> None:
    """Damage gives an error of ours, or a model that is sound."""
    whole = dense_net().SerializeToString()
    rng = np.random.default_rng(1)
    for _ in range(300):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 2):
            damaged[place] = rng.integers(0, 256)
        with suppress(BridgeError):
            check(bytes(damaged))


@pytest.mark.parametrize("model", ["no/such/file.onnx", Path("no/such/file.onnx"), 7, None])
def test_no_model_at_all(model: object) -> None:
    with pytest.raises(InvalidModel, match="cannot read the model|a model is a path"):
        convert(model)  # type: ignore[arg-type]


# ---- external data


def external(folder: Path, location: str, content: bytes | None = None, **info: str) -> Path:
    """A model in `folder` whose weights lie in `location`."""
    model = dense_net()
    tensor = model.graph.initializer[0]
    raw = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **info}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    folder.mkdir(exist_ok=True)
    if content != b"":
        written(folder / location if not Path(location).is_absolute() else Path(location), raw if content is None else content)
    return written(folder / "m.onnx", model.SerializeToString())


def test_external_data_is_read(tmp_path: Path) -> None:
    assert check(external(tmp_path / "here", "weights.bin")) == []


@pytest.mark.parametrize("location", ["../weights.bin", "sub/../../weights.bin"])
def test_external_data_may_not_leave_the_folder(location: str, tmp_path: Path) -> None:
    (tmp_path / "here" / "sub").mkdir(parents=True)

    with pytest.raises(InvalidModel, match="leaves the model's folder"):
        check(external(tmp_path / "here", location))


def test_external_data_may_not_be_absolute(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="leaves the model's folder"):
        check(external(tmp_path / "here", str(tmp_path / "weights.bin")))


def test_external_data_may_not_leave_by_a_link(tmp_path: Path) -> None:
    path = external(tmp_path / "here", "weights.bin")
    outside = tmp_path / "outside.bin"
    (tmp_path / "here" / "weights.bin").rename(outside)
    (tmp_path / "here" / "weights.bin").symlink_to(outside)

    with pytest.raises(InvalidModel, match="leaves the model's folder"):
        check(path)


@pytest.mark.parametrize(
    ("content", "info", "says"),
    [
        (b"", {}, "there is no such file"),
        (b"abc", {}, "the file has 3"),
        (None, {"offset": "4"}, "24 bytes at 4"),
        (None, {"length": "9999999999999"}, "9999999999999 bytes"),
    ],
    ids=["missing", "short", "offset", "length"],
)
def test_external_data_must_fit(content: bytes | None, info: dict[str, str], says: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match=says):
        check(external(tmp_path / "here", "weights.bin", content, **info))


# ---- what is not supported


def test_all_unknown_operators_are_named_at_once() -> None:
    nodes = [
        helper.make_node("Frobnicate", ["x"], ["a"], "first", domain="odd"),
        helper.make_node("Relu", ["a"], ["b"], "between"),
        helper.make_node("Transmogrify", ["b"], ["c"], "second", domain="odd"),
        helper.make_node("Frobnicate", ["x"], ["y"], "third", domain="odd"),
        helper.make_node("Add", ["c", "y"], ["z"], "sum"),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N"]) for name in ("x", "z")]

    findings = check(model_of(helper.make_graph(nodes, "odd", ends[:1], ends[1:]), "odd"))

    assert [(f.op, f.node) for f in findings] == [("odd.Frobnicate", "first"), ("odd.Transmogrify", "second"), ("odd.Frobnicate", "third")]
    assert all("not supported" in f.why and f.advice for f in findings)


def test_convert_refuses_what_check_finds() -> None:
    model = one_node("Frobnicate", domain="odd")

    with pytest.raises(UnsupportedModel, match="1 thing stands in the way") as caught:
        convert(model)
    assert list(caught.value.findings) == check(model)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (one_node("Trilu", dtype=TensorProto.STRING), "is of type string, which is not supported"),
        (one_node("Identity", dtype=TensorProto.COMPLEX64), "is of type complex64, which is not supported"),
        (one_node("Relu", shape=None), "shape"),
        (one_node("Softmax", axis=7), "axis"),
    ],
    ids=["string", "complex", "no rank", "axis"],
)
def test_a_form_that_is_not_supported(model: onnx.ModelProto, says: str) -> None:
    try:
        found = "\n".join(map(str, check(model)))
    except InvalidModel as error:
        found = str(error)

    assert says in found


@pytest.mark.parametrize(
    "break_it",
    [
        lambda m: m.graph.node[0].input.__setitem__(0, "nowhere"),
        lambda m: m.graph.node[1].output.__setitem__(0, "elsewhere"),
        lambda m: m.graph.initializer[0].dims.__setitem__(0, 4),
        lambda m: m.graph.initializer[0].dims.__setitem__(0, -3),
        lambda m: m.graph.node.extend([m.graph.node[0]]),
        lambda m: m.graph.initializer[1].ClearField("raw_data"),
        lambda m: m.graph.input[0].type.tensor_type.shape.dim[1].__setattr__("dim_value", -5),
        lambda m: m.graph.node[0].attribute.append(helper.make_attribute("frobnicate", 1)),
        lambda m: m.graph.input[0].type.tensor_type.shape.dim.add(),
    ],
    ids=["input", "output", "size", "negative", "twice", "no data", "negative dim", "attribute", "rank"],
)
def test_a_model_that_contradicts_itself(break_it: Callable[[onnx.ModelProto], object]) -> None:
    model = dense_net()
    break_it(model)

    with pytest.raises((InvalidModel, UnsupportedModel)) as caught:
        convert(model)
    assert str(caught.value).strip()


def test_a_model_of_terabytes_is_refused_before_memory_is_taken() -> None:
    """Sizes are looked at before anything of that size is made."""
    huge = TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=[1 << 20, 1 << 20], raw_data=b"abcd")
    model = dense_net()
    model.graph.initializer[0].CopyFrom(huge)

    with pytest.raises(InvalidModel):
        convert(model)


def test_a_large_stride_costs_no_more_than_a_small_one() -> None:
    """The phases of a transposed convolution are counted by its taps: this one has two, of 2147483647."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 2, 1])
    w = numpy_helper.from_array(np.ones((1, 1, 1, 2), np.float32), "w")
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[1, 2**31 - 1])
    graph = helper.make_graph([node], "net", [x], [helper.make_empty_tensor_value_info("y")], [w])

    made = convert(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), name="net", verify=False)

    assert str(made.model.outputs[0].type) == "float32 [1, 1, 2, 2]"


def test_the_users_model_is_not_touched() -> None:
    model = dense_net()
    before = model.SerializeToString(deterministic=True)

    check(model)
    convert(model, verify=False)

    assert model.SerializeToString(deterministic=True) == before


# ---- names


#: All that a careful user's build complains about, trigraphs and comments that go on included.
STRICT = ["-O0", "-Wall", "-Wextra", "-Wpedantic", "-Wtrigraphs", "-Wcomment", "-Werror"]


def test_hostile_names_of_things() -> None:
    """Whatever inputs, outputs, weights, nodes and dims are called: the header compiles without a warning and computes what it should."""
    names = [name for name in HOSTILE if name]
    weight = np.array([1, -2, 0.5], np.float32)
    nodes = [helper.make_node("Mul", [name, f"{name}w"], [f"{name}y"], name) for name in names]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [name, 3]) for name in names]
    outputs = [helper.make_tensor_value_info(f"{name}y", TensorProto.FLOAT, [name, 3]) for name in names]
    weights = [numpy_helper.from_array(weight * (i + 1), f"{name}w") for i, name in enumerate(names)]

    made = convert(model_of(helper.make_graph(nodes, "hostile", inputs, outputs, weights)), verify=False)
    made.header.encode("ascii")
    net = made.compile(flags=STRICT)
    x = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    answers = net.run(dict.fromkeys(names, x))

    assert net.input_names == names
    assert net.output_names == [f"{name}y" for name in names]
    for i, answer in enumerate(answers):
        np.testing.assert_array_equal(answer, x * (weight * (i + 1)))


@pytest.mark.parametrize("name", ["int", "std", "and", "Model", "onnx_bridge", "main", "x", "", "a\nb", "naïve", "??/", '"'], ids=repr)
def test_hostile_names_of_models(name: str, tmp_path: Path) -> None:
    """Whatever the model or its file is called: both faces compile."""
    made = convert(dense_net(), name=name, verify=False)
    header = made.save(tmp_path)
    session, use = f"TMVA_SOFIE_{made.name}::Session", tmp_path / "use.cpp"
    use.write_text(f'#include "{header.name}"\n{session} make() {{ return {session}(); }}\n')

    find_compiler().run(["-std=c++17", "-fsyntax-only", *STRICT, str(use)])

    assert header.parent == tmp_path


# ---- the tree of errors


def test_the_tree_is_drawn_as_it_is() -> None:
    """The docstring of errors.py draws every error, and each is public and a BridgeError."""
    found = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}

    assert all(issubclass(getattr(errors, name), BridgeError) for name in found)
    assert all(name in str(errors.__doc__) for name in found)
    assert found <= set(onnx_bridge.__all__)


def test_no_compiler_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ToolchainError, match="no C\\+\\+17 compiler found.*no-such-compiler"):
        convert(dense_net(), verify=False).compile(compiler="no-such-compiler")


def test_a_compiler_that_refuses_is_quoted() -> None:
    with pytest.raises(ToolchainError, match="failed with status.*\n.*frobnicate"):
        convert(dense_net(), verify=False).compile(flags=["-frobnicate"])
