"""What a model's file leaves open stays open, or it is said: branches, names of dims, sizes that must be equal."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from check import oracle
from onnx import TensorProto
from zoo import Net

from onnx_bridge import ArgumentError, check, convert
from onnx_bridge.cli import main
from onnx_bridge.errors import InferenceError, UnsupportedModel

FLOAT = TensorProto.FLOAT


def added(left: tuple[int | str, ...], right: tuple[int | str, ...]) -> onnx.ModelProto:
    net = Net("added")
    return net.floats(y=(net("Add", net.input("a", left), net.input("b", right)), ("R", "C")))


def branches(
    condition: Callable[[Net, str], str], then: Callable[[Net, str], str], otherwise: Callable[[Net, str], str]
) -> onnx.ModelProto:
    """y = then(x) if condition(x) else otherwise(x), x [N, K]; y is read by Relu."""
    net = Net("branches")
    x = net.input("x", ("N", "K"))
    graphs = {}
    for name, make in (("then_branch", then), ("else_branch", otherwise)):
        inner = Net(name)
        graphs[name] = inner.graph(**{f"{name}_out": (make(inner, x), FLOAT, None)})
    return net.floats(y=(net("Relu", net("If", condition(net, x), **graphs)), ("N", "Q")))


def width(net: Net, x: str) -> str:
    return net("Gather", net("Shape", x), net.constant(1))


def of_width_8(net: Net, x: str) -> str:
    return net("Equal", width(net, x), net.constant(8))


def positive(net: Net, x: str) -> str:
    return net("Greater", net("ReduceSum", x, keepdims=0), net.constant(0, np.float32))


def dense(net: Net, x: str) -> str:
    """Fits K = 8 only."""
    return net("MatMul", x, net.weight(8, 3))


def ran(model: onnx.ModelProto, shapes: list[tuple[int, int]], sign: float = 1) -> None:
    """Compares with onnxruntime."""
    net, session = convert(model, inputs=[]).compile(), oracle(model)
    for shape in shapes:
        x = sign * np.random.default_rng(shape).uniform(0.5, 1, shape).astype(np.float32)
        theirs = session.run(None, {"x": x})[0]
        ours = net(x)
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_branch_that_sizes_choose_may_have_sizes_of_its_own() -> None:
    """Only the branch is meant for K = 8; the output has the size of the branch that is taken."""
    model = branches(of_width_8, dense, lambda g, x: g("Tanh", x))

    ran(model, [(2, 8), (2, 5), (1, 1)])
    made = convert(model, verify=False, strict=True)
    assert made.report.narrowed == []
    assert any("K must be 8, which is tested where the branch is taken" in note for note in made.report.notes)


def test_comparisons_that_sizes_decide() -> None:
    """And, Or, Not, a limit: the branch is chosen without memory being read; both were compared."""

    def condition(net: Net, x: str) -> str:
        k = width(net, x)
        return net("And", net("Not", net("Less", k, net.constant(3))), net("Or", of_width_8(net, x), net("Less", k, net.constant(6))))

    made = convert(branches(condition, lambda g, x: g("Exp", x), lambda g, x: g("Sin", x)))
    assert {size.split("K = ")[1] for size in made.report.inputs.split(" at ")[1].split("; ")} & {"3", "4", "5", "8"}
    ran(branches(condition, lambda g, x: g("Exp", x), lambda g, x: g("Sin", x)), [(1, k) for k in (1, 2, 3, 5, 6, 7, 8, 9)])


def test_a_branch_that_data_chooses_refuses_what_does_not_fit_it() -> None:
    """The other one takes all sizes."""
    model = branches(positive, lambda g, x: g("Mul", x, g.weight(8)), lambda g, x: g("Neg", x))
    made = convert(model)
    net = made.compile()

    ran(model, [(2, 8)])
    ran(model, [(2, 8), (2, 5), (1, 3)], sign=-1)
    with pytest.raises(InferenceError, match="refuses"):
        net(np.ones((2, 5), np.float32))


def test_a_branch_that_has_too_little_room_refuses() -> None:
    """Sizes that would be negative in one branch only."""

    def cut(g: Net, x: str) -> str:
        """Two columns fewer, and those again as zeros."""
        wide = g("Sub", width(g, x), g.constant(2))
        zeros = g("ConstantOfShape", g("Concat", g("Gather", g("Shape", x), g.constant([0])), g.constant([2]), axis=0))
        shape = g("Concat", g.constant([1]), g("Unsqueeze", wide, g.constant([0])), axis=0)
        kept = g("Expand", g("ReduceMax", x, axes=[1]), shape)
        return g("Concat", kept, zeros, axis=1)

    model = branches(positive, cut, lambda g, x: g("Neg", x))
    made = convert(model, verify=False)
    net = made.compile()

    assert any("K - 2 must not be negative, which is tested where the branch is taken" in note for note in made.report.notes)
    assert net(-np.ones((1, 1), np.float32)).shape == (1, 1)
    assert net(np.ones((1, 3), np.float32)).tolist() == [[1, 0, 0]]
    with pytest.raises(InferenceError, match="refuses"):
        net(np.ones((1, 1), np.float32))


@pytest.mark.parametrize(
    ("left", "right", "says"),
    [
        (("N", 3), (4, 3), "N must be 4"), (("N", 3), ("M", 3), "N must be M"), (("2*N", 3), ("M", 3), "M must be 2 * N"),
        ((None, 3), (4, 3), "a_0 must be 4"), (("N", "K"), ("N", 5), "K must be 5"),
    ],
)  # fmt: skip
def test_what_is_narrowed_is_said_first(left: tuple[int | str, ...], right: tuple[int | str, ...], says: str) -> None:
    """In the report, in the banner; strict refuses it."""
    model = added(left, right)
    made = convert(model, verify=False)

    assert str(made.report).splitlines()[1] == f"  NARROWED: {says}: Add at 'added_Add0' needs it"
    assert f"narrowed   {says}: Add at" in made.header
    with pytest.raises(UnsupportedModel, match=re.escape(says)):
        convert(model, verify=False, strict=True)
    (finding,) = check(model, strict=True)
    assert finding.op == "Add" and says in finding.why


def test_the_command_line_can_ask_for_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "added.onnx"
    onnx.save(added(("N", 3), ("M", 3)), path)

    assert main(["check", str(path)]) == 0
    assert main(["check", str(path), "--strict"]) == 1
    assert "N must be M" in capsys.readouterr().out


def test_what_dims_fixes_is_not_narrowed() -> None:
    made = convert(added(("N", 3), (4, 3)), dims={"N": 4}, verify=False, strict=True)

    assert made.report.narrowed == []


def test_names_are_names() -> None:
    """Two that clean to one C++ identifier stay two; dims= takes the file's spelling, and messages have it."""
    net = Net("named")
    a, b = net.input("a", ("batch-size", "seq len")), net.input("b", ("batch_size", "N/2"))
    model = net.floats(y=(net("Relu", a), ("batch-size", "seq len")), z=(net("Relu", b), ("batch_size", "N/2")))
    made = convert(model)

    assert made.emitted.symbols == {"batch-size": "batch_size", "seq len": "seq_len", "batch_size": "batch_size_2", "N/2": "N_2"}
    assert "std::size_t seq_len = 1;  // seq len" in made.header and "input      a  float32 [batch-size, seq len]" in made.header
    y, z = made.compile()(np.ones((2, 3), np.float32), np.ones((5, 7), np.float32))
    assert y.shape == (2, 3) and z.shape == (5, 7)
    assert convert(model, dims={"batch-size": 2, "N/2": 4}, verify=False).model.symbols == ["seq len", "batch_size"]


@pytest.mark.parametrize(
    ("dims", "says"),
    [
        ({"batch": 1}, "has no size 'batch' (its open sizes are 'M', 'N')"), ({"N": "3"}, "'N' must be a whole number from 1 on, not '3'"),
        ({"N": 2.5}, "not 2.5"), ({"N": 0}, "not 0"), ({"N": True}, "not True"), ({"N": -1}, "not -1"), ({3: 4}, "has no size 3"),
        ({"2*N": 4}, "'2*N' is an expression; give a size for 'N'"), (["N"], "a mapping from names to sizes is meant"),
    ],
)  # fmt: skip
def test_dims_are_checked(dims: object, says: str) -> None:
    with pytest.raises(ArgumentError) as refusal:
        convert(added(("2*N", 3), ("M", 3)), dims=dims, verify=False)  # type: ignore[arg-type]
    assert says in str(refusal.value)
    assert convert(added(("N", 3), ("N", 3)), dims={"N": np.int64(2)}, verify=False).model.symbols == []


def test_sizes_that_data_decides_are_refused_with_what_decides() -> None:
    """All of them at once, each with its layer, the input that decides, and where that comes from."""
    net = Net("data")
    x = net.input("x", ("N", 3))
    k = net("Cast", net("ReduceMax", x, keepdims=0), to=TensorProto.INT64)
    rows = net("Unsqueeze", k, net.constant([0]))
    tiled = net("Tile", x, net("Concat", rows, net.constant([1]), axis=0))
    shaped = net("ConstantOfShape", rows)
    model = net.floats(y=(tiled, ("A", 3)), z=(shaped, ("B",)))

    tile, filled = check(model)
    assert (tile.node, filled.node) == ("data_Tile4", "data_ConstantOfShape5")
    assert "its input 1, 'data_Concat3', is computed by Concat at 'data_Concat3', from 'x'" in tile.why
    assert "its input 0, 'data_Unsqueeze2'," in filled.why and "dims=" in filled.advice and "run-time size" in filled.advice
