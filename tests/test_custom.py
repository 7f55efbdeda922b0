"""Custom operators: declared once, recognised, saved as one node with a body, run by their functor; those of other packages too."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from packages import installed
from zoo import Net

import onnx_bridge
from onnx_bridge import DeclarationError, custom_op
from onnx_bridge.custom import declare, known, load
from onnx_bridge.custom.functor import FUNCTIONS
from onnx_bridge.ir.roperator import REGISTRY

load()
OURS = sorted(key for key in known() if key[0] == "onnx_bridge")


@pytest.fixture
def declared() -> Iterator[None]:
    """What a test declares is forgotten after it."""
    kept = [(registry, dict(registry)) for registry in (declare._DECLARED, REGISTRY)]
    yield
    for registry, content in kept:
        registry.clear()
        registry.update(content)  # type: ignore[arg-type]


def custom_nodes(model: onnx.ModelProto) -> list[str]:
    return [f"{node.domain}::{node.op_type}" for node in model.graph.node if node.domain]


def runs_as_saved(made: onnx_bridge.Conversion, folder: Path, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    """onnxruntime's answer on the saved .onnx, which must be a valid model."""
    made.save(folder)
    onnx.checker.check_model(str(folder / f"{made.name}.onnx"))
    return onnxruntime.InferenceSession(str(folder / f"{made.name}.onnx")).run(None, feeds)


def pattern_models() -> list[tuple[str, int, int]]:
    return [(f"{d}::{n}", i, opset) for d, n in OURS for i in range(len(known()[d, n].patterns)) for opset in (13, 17, 21)]


@pytest.mark.parametrize(("name", "index", "opset"), pattern_models())
def test_every_pattern_is_recognised(name: str, index: int, opset: int, tmp_path: Path) -> None:
    """What an exporter writes becomes one node of the operator, which runs in onnxruntime as saved, and whose functor agrees."""
    op = known()[tuple(name.split("::"))]  # type: ignore[index]
    pattern = op.patterns[index].function
    net = Net("net", opset)
    x = net("Tanh", net.input("x", ("N", 9)))
    names = {"x": x}
    for node in pattern.node:
        if node.op_type == "Constant":
            number = next((a.f for a in node.attribute if not a.ref_attr_name), 0.75)
            names[node.output[0]] = net.constant([number] if index else number, np.float32)
        else:
            names[node.output[0]] = net(node.op_type, *(names[i] for i in node.input))
    made = onnx_bridge.convert(net.floats(y=(names[pattern.output[0]], ("N", 9))), name="net")

    assert custom_nodes(made.normal) == [name]
    assert f"recognised {name}" in made.report.notes
    feeds = {"x": np.linspace(-9, 9, 27, dtype=np.float32).reshape(3, 9)}
    assert np.abs(runs_as_saved(made, tmp_path, feeds)[0] - made.compile()(feeds["x"])).max() <= 1e-6


def test_what_is_read_elsewhere_is_left_alone() -> None:
    """A sigmoid that is also an output must be computed anyway; x sigmoid(z) is no Swish; nor is a weight times its sigmoid."""
    net = Net("net")
    x, z = net.input("x", ("N", 3)), net.input("z", ("N", 3))
    share = net("Sigmoid", x)
    model = net.floats(y=(net("Mul", x, share), ("N", 3)), share=(share, ("N", 3)), w=(net("Mul", x, net("Sigmoid", z)), ("N", 3)))

    assert custom_nodes(onnx_bridge.convert(model, verify=False).normal) == []


def test_swish_of_onnx_and_of_onnxruntime_take_the_same_kernel() -> None:
    """ai.onnx Swish (24), com.microsoft QuickGelu, and the recognised one: one call in the header."""
    for op, domain, opset, attributes in (("Swish", "", 24, {"alpha": 1.5}), ("QuickGelu", "com.microsoft", 17, {"alpha": 1.5})):
        graph = onnx.helper.make_graph(
            [onnx.helper.make_node(op, ["x"], ["y"], domain=domain, **attributes)], "net",
            [onnx.helper.make_tensor_value_info("x", 1, ["N", 5])], [onnx.helper.make_tensor_value_info("y", 1, ["N", 5])],
        )  # fmt: skip
        opsets = [onnx.helper.make_opsetid("", opset), onnx.helper.make_opsetid("com.microsoft", 1)]
        header = onnx_bridge.convert(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10), verify=False).header

        assert re.search(r"return swish\(\w+, 1\.5f\);", header)


BODY = """
    Bend <scale: float = 0.5, power: float> (x, z) => (y) {
        number = Constant <value_float: float = @scale> ()
        slope = CastLike (number, x)
        other = Constant <value_float: float = @power> ()
        shift = CastLike (other, x)
        scaled = Mul (slope, x)
        shifted = Add (scaled, shift)
        bent = Tanh (shifted)
        y = Mul (bent, z)
    }
"""


def bend_model() -> onnx.ModelProto:
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Bend", ["x", "z"], ["y"], "bend", domain="test.physics", power=0.25)], "net",
        [onnx.helper.make_tensor_value_info("x", 1, ["N", 5]), onnx.helper.make_tensor_value_info("z", 1, [5])],
        [onnx.helper.make_tensor_value_info("y", 1, ["N", 5])],
    )  # fmt: skip
    opsets = [onnx.helper.make_opsetid("", 18), onnx.helper.make_opsetid("test.physics", 1)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9)


@pytest.mark.parametrize("functor", ["tanh(scale * x + power) * z", None], ids=["functor", "body"])
def test_an_operator_of_the_users_own(functor: str | None, declared: None, tmp_path: Path) -> None:
    """Two inputs that broadcast, an attribute with and one without a default; with a functor, and by its body alone."""
    custom_op("test.physics::Bend", BODY, functor=functor)
    model = bend_model()
    onnx_bridge.custom.complete(model)
    made = onnx_bridge.convert(model, name="net")
    rng = np.random.default_rng(1)
    x, z = rng.standard_normal((4, 5)).astype(np.float32), rng.standard_normal(5).astype(np.float32)

    assert custom_nodes(made.normal) == ["test.physics::Bend"]
    assert np.abs(made.compile()(x, z) - np.tanh(0.5 * x + 0.25) * z).max() < 1e-6
    assert np.abs(runs_as_saved(made, tmp_path, {"x": x, "z": z})[0] - np.tanh(0.5 * x + 0.25) * z).max() < 1e-6


def test_a_functor_that_is_wrong_is_found(declared: None) -> None:
    """The functor is compared with the body: a wrong one is refused."""
    custom_op("test.physics::Bend", BODY, functor="tanh(scale * x - power) * z")
    model = bend_model()
    onnx_bridge.custom.complete(model)

    with pytest.raises(onnx_bridge.VerificationError):
        onnx_bridge.convert(model, name="net")


def test_a_function_of_the_model_with_our_name_is_its_own_matter() -> None:
    """A model that calls another function onnx_bridge::Swish gets its own function, not ours."""
    model = bend_model()
    model.functions.append(onnx.parser.parse_function('<domain: "onnx_bridge", opset_import: ["": 18]> Swish (x) => (y) { y = Tanh (x) }'))
    model.opset_import.append(onnx.helper.make_opsetid("onnx_bridge", 1))
    del model.graph.node[:], model.graph.input[1:]
    model.graph.node.append(onnx.helper.make_node("Swish", ["x"], ["y"], domain="onnx_bridge"))

    x = np.linspace(-2, 2, 10, dtype=np.float32).reshape(2, 5)
    assert np.abs(onnx_bridge.convert(model, name="net").compile()(x) - np.tanh(x)).max() < 1e-6


@pytest.mark.parametrize(
    ("name", "body", "functor", "says"),
    [
        ("Bend", BODY, None, "domain::Name"),
        ("test.physics::Other", BODY, None, "called 'Bend'"),
        ("test.physics::Bend", "Bend (x) => (y) { y = ", None, "not ONNX's text"),
        ("test.physics::Bend", 3, None, "not int"),
        ("test.physics::Bend", BODY, "x +", "no expression"),
        ("test.physics::Bend", BODY, "system(x)", "calls 'system'"),
        ("test.physics::Bend", BODY, "x * nothing", "nothing"),
        ("test.physics::Bend", BODY, "swish(x, z)", "something else than a number"),
        ("test.physics::Bend", BODY, "tanh(x, z)", "takes 1"),
        ("test.physics::Bend", BODY, "x.real", "x.real"),
        ("onnx_bridge::Swish", "Swish (x) => (y) { y = Tanh (x) }", None, "declared already"),
    ],
)  # fmt: skip
def test_declarations_that_cannot_be(name: str, body: object, functor: str | None, says: str, declared: None) -> None:
    with pytest.raises(DeclarationError, match=says):
        custom_op(name, body, functor=functor)


def test_a_function_must_fit_its_operator(declared: None) -> None:
    op = custom_op("test.physics::Bend", BODY)

    with pytest.raises(DeclarationError, match="inputs x, z"):
        op(lambda x: x)
    with pytest.raises(DeclarationError, match="scale, power"):
        op(lambda x, z, slope: x)


def test_the_functions_of_functors_are_those_of_the_kernels() -> None:
    takes = {name: (function.takes, function.numbers) for name, function in FUNCTIONS.items()}

    assert takes["exp"] == (1, 0) and takes["where"] == (3, 0) and takes["elu"] == (1, 1) and takes["max"] == (2, 0)


PACKAGE = """
    from onnx_bridge import custom_op

    soft_cube = custom_op(
        "their.package::SoftCube",
        '''
        SoftCube <scale: float = 1.0> (x) => (y) {
            number = Constant <value_float: float = @scale> ()
            slope = CastLike (number, x)
            square = Mul (x, x)
            cube = Mul (square, x)
            scaled = Mul (slope, cube)
            y = Tanh (scaled)
        }
        ''',
        functor="tanh(scale * (x * x * x))",
        patterns=["(x) => (y) { square = Mul (x, x) cube = Mul (square, x) y = Tanh (cube) }"],
    )
"""


def test_an_operator_of_another_package(tmp_path: Path) -> None:
    """Found through its entry point: recognised, listed, one node in the saved model, its functor in the header."""
    environment = installed(tmp_path, textwrap.dedent(PACKAGE), "soft_cube")
    net = Net("net")
    x = net.input("x", ("N", 4))
    square = net("Mul", x, x)
    onnx.save(net.floats(y=(net("Tanh", net("Mul", square, x)), ("N", 4))), tmp_path / "cube.onnx")
    command = [sys.executable, "-m", "onnx_bridge"]
    ran = subprocess.run(
        [*command, "convert", "cube.onnx", "-o", "out"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    listed = subprocess.run([*command, "ops"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)

    assert ran.returncode == 0, ran.stderr
    assert "recognised their.package::SoftCube" in ran.stdout and "SoftCube" in listed.stdout
    saved = onnx.load(tmp_path / "out" / "cube.onnx")
    assert custom_nodes(saved) == ["their.package::SoftCube"]
    feeds = {"x": np.linspace(-2, 2, 8, dtype=np.float32).reshape(2, 4)}
    assert np.abs(onnxruntime.InferenceSession(saved.SerializeToString()).run(None, feeds)[0] - np.tanh(feeds["x"] ** 3)).max() < 1e-6


def test_a_package_that_breaks_is_named(tmp_path: Path) -> None:
    environment = installed(tmp_path, "import nothing_of_this_name", "soft_cube")
    onnx.save(bend_model(), tmp_path / "bend.onnx")
    command = [sys.executable, "-m", "onnx_bridge", "check", "bend.onnx"]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert ran.returncode == 1
    assert "soft_cube" in ran.stderr and "their-package" in ran.stderr and "nothing_of_this_name" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_default_of_a_models_own_function_counts() -> None:
    """A model's own function, called without an attribute that has a default, which onnx's inliner forgets."""
    model = bend_model()
    onnx.checker.check_model(model)
    text = BODY.replace("Bend <scale", '<domain: "test.physics", opset_import: ["": 18]> Bend <scale')
    model.functions.append(onnx.parser.parse_function(text))
    x, z = np.linspace(-2, 2, 10, dtype=np.float32).reshape(2, 5), np.arange(5, dtype=np.float32)

    assert np.abs(onnx_bridge.convert(model, name="net").compile()(x, z) - np.tanh(0.5 * x + 0.25) * z).max() < 1e-6
