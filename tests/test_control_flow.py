"""If and Loop against onnxruntime: `convert` compares on its own inputs and on those that are given here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import onnx
import pytest
from check import oracle
from onnx import TensorProto
from zoo import Net, Shape

from onnx_bridge import convert
from onnx_bridge.conversion import Conversion
from onnx_bridge.errors import UnsupportedModel
from onnx_bridge.lowering.body import DEEP

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL

#: What a turn of a loop makes: the condition (none: it goes on), what it hands on, the scan outputs with their shapes.
Turn: TypeAlias = tuple[str, list[str], dict[str, tuple[str, Shape]]]


def agrees(model: onnx.ModelProto, *given: dict[str, object]) -> Conversion:
    """Converts a model and holds each of the given inputs against onnxruntime once more, shapes and types as well."""
    feeds = [
        {i.name: np.asarray(f[i.name], onnx.helper.tensor_dtype_to_np_dtype(i.type.tensor_type.elem_type)) for i in model.graph.input}
        for f in given
    ]
    made = convert(model, name=model.graph.name, inputs=feeds)
    net, session = made.compile(), oracle(model)
    for feed in feeds:
        for ours, theirs in zip(net.run(feed), session.run(None, feed), strict=True):
            assert ours.shape == np.shape(theirs) and ours.dtype == np.asarray(theirs).dtype
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    return made


X = np.array([[1, -2, 3], [-4, 5, -6]], np.float32)


def either(condition: Callable[[Net, str], str], then: Callable[[Net, str], str], otherwise: Callable[[Net, str], str]) -> onnx.ModelProto:
    """y = then(x) if condition(x) else otherwise(x), x [N, 3]."""
    net = Net("either")
    x = net.input("x", ("N", 3))
    branches = {}
    for name, make in (("then_branch", then), ("else_branch", otherwise)):
        inner = Net(name)
        branches[name] = inner.graph(**{f"{name}_out": (make(inner, x), FLOAT, ("N", 3))})
    return net.floats(y=(net("If", condition(net, x), **branches), ("N", 3)))


def positive(net: Net, x: str) -> str:
    """Whether the sum of x is."""
    return net("Greater", net("ReduceSum", x, keepdims=0), net.constant(0, np.float32))


def test_if_takes_both_branches() -> None:
    """What both read, of the outer graph and of the inputs, is there; an operator of either is in the header."""
    made = agrees(either(positive, lambda g, x: g("Exp", x), lambda g, x: g("Mul", x, g.weight(3))), {"x": X}, {"x": -X}, {"x": X[:1]})

    assert "then_branch_Exp0" in made.header and "else_branch_Mul0" in made.header


def test_if_gives_an_outer_tensor_as_it_is() -> None:
    agrees(either(positive, lambda g, x: g("Identity", x), lambda g, x: g("Neg", x)), {"x": X}, {"x": -X})


@pytest.mark.parametrize("known", [True, False])
def test_if_of_a_constant_keeps_one_branch(known: bool) -> None:
    model = either(lambda g, x: g.constant(known, np.bool_), lambda g, x: g("Exp", x), lambda g, x: g("Cos", x))

    made = agrees(model, {"x": X})

    assert ("then_branch_Exp0" in made.header, "else_branch_Cos0" in made.header) == (known, not known)


@pytest.mark.parametrize("condition", ["known", "data"])
def test_branches_give_as_many_outputs_as_the_node_has(condition: str) -> None:
    """onnx's checker does not look into it."""
    decides = (lambda g, x: g.constant(True, np.bool_)) if condition == "known" else positive
    model = either(decides, lambda g, x: g("Exp", x), lambda g, x: g("Cos", x))
    (node,) = [node for node in model.graph.node if node.op_type == "If"]
    for attribute in node.attribute:
        attribute.g.output.add().CopyFrom(attribute.g.output[0])

    with pytest.raises(UnsupportedModel, match="a branch gives 2 outputs, and the node has 1"):
        convert(model, name="either", verify=False)


def test_if_of_a_shape_keeps_one_branch() -> None:
    """Shape arithmetic that has a value at conversion decides then."""

    def of_rank_3(net: Net, x: str) -> str:
        return net("Equal", net("Gather", net("Shape", x), net.constant(1)), net.constant(3))

    made = agrees(either(of_rank_3, lambda g, x: g("Exp", x), lambda g, x: g("Cos", x)), {"x": X})

    assert "then_branch_Exp0" in made.header and "else_branch_Cos0" not in made.header


def test_if_in_if_and_several_outputs() -> None:
    net = Net("nested")
    x = net.input("x", ("N", 3))
    h = net("Tanh", x)
    inner_then, inner_else, then, otherwise = Net("a"), Net("b"), Net("c"), Net("d")
    small = then("Less", then("ReduceMax", h, keepdims=0), then.constant(0.9, np.float32))
    inner = then(
        "If", small,
        then_branch=inner_then.graph(a_out=(inner_then("Exp", h), FLOAT, ("N", 3))),
        else_branch=inner_else.graph(b_out=(inner_else("Sub", h, x), FLOAT, ("N", 3))),
    )  # fmt: skip
    branches = {
        "then_branch": then.graph(c_out=(inner, FLOAT, ("N", 3)), c_sum=(then("ReduceSum", h, keepdims=0), FLOAT, ())),
        "else_branch": otherwise.graph(
            d_out=(otherwise("Abs", h), FLOAT, ("N", 3)), d_sum=(otherwise("ReduceMax", x, keepdims=0), FLOAT, ())
        ),
    }
    y, total = net.many("If", positive(net, x), outputs=2, **branches)

    agrees(
        net.floats(y=(net("Add", y, h), ("N", 3)), total=(total, ())), {"x": X / 20}, {"x": -X / 20}, {"x": np.abs(X)}, {"x": -np.abs(X)}
    )


def test_if_of_two_shapes_that_data_decides() -> None:
    """The output has the rank of the branch that is taken."""
    net = Net("shapes")
    x = net.input("x", ("N", 3))
    a, b = Net("a"), Net("b")
    graphs = {
        "then_branch": a.graph(a_out=(a("Exp", x), FLOAT, ("N", 3))),
        "else_branch": b.graph(b_out=(b("ReduceSum", x, keepdims=0), FLOAT, ())),
    }
    model = net.floats(y=(net("If", positive(net, x), **graphs), ("A", "B")))

    made = convert(model, name="shapes")
    net = made.compile()
    for x_value in (np.full((2, 3), 0.5, np.float32), np.full((2, 3), -0.5, np.float32)):
        (y,) = net.run({"x": x_value})
        np.testing.assert_allclose(y, np.exp(x_value) if x_value[0, 0] > 0 else x_value.sum(), rtol=1e-6)
        assert y.shape == ((2, 3) if x_value[0, 0] > 0 else ())


# ---- Loop


def body(name: str, carried: dict[str, Shape], turn: Callable[[Net], Turn]) -> onnx.GraphProto:
    """A loop's body; `carried` are its inputs with their shapes."""
    net = Net(name)
    net.input(f"{name}_turn", (), INT64)
    net.input(f"{name}_on", (), BOOL)
    for key, shape in carried.items():
        net.input(key, shape)
    on, after, scans = turn(net)
    outputs: dict[str, tuple[str, int, Shape | None]] = {f"{name}_goes_on": (on or f"{name}_on", BOOL, ())}
    outputs.update(
        {f"{name}_next{i}": (tensor, FLOAT, shape) for i, (tensor, shape) in enumerate(zip(after, carried.values(), strict=True))}
    )
    return net.graph(**outputs, **{key: (tensor, FLOAT, shape) for key, (tensor, shape) in scans.items()})


def test_trip_count_that_is_an_input() -> None:
    """It is a size of the call: scan outputs have it; no turns give the initial state and nothing scanned."""
    net = Net("counted")
    trips, state = net.input("trips", (), INT64), net.input("state", ("N", 3))

    def turn(g: Net) -> Turn:
        moved = g("Tanh", g.dense("now", 3, 3))
        step = g("Cast", "counted_body_turn", to=FLOAT)
        return "", [moved], {"seen": (g("Add", moved, step), ("N", 3)), "before": (g("ReduceSum", "now", keepdims=0), ())}

    last, seen, before = net.many("Loop", trips, "", state, outputs=3, body=body("counted_body", {"now": ("N", 3)}, turn))
    model = net.floats(last=(last, ("N", 3)), path=(seen, ("T", "N", 3)), sums=(before, ("T",)))

    made = agrees(model, {"trips": 5, "state": X}, {"trips": 1, "state": X}, {"trips": 2, "state": X[:1]})
    last_, path, sums = made.compile().run({"trips": np.array(0), "state": X})  # onnxruntime calls the scanned [0, 0, 3]: it has seen no N
    assert path.shape == (0, 2, 3) and sums.shape == (0,) and np.array_equal(last_, X)


@pytest.mark.parametrize("limited", [True, False], ids=["for and while", "while"])
def test_condition(limited: bool) -> None:
    """Doubles x for as long as its sum is below 100; a condition that does not hold at first leaves x."""
    net = Net("doubling")
    x = net.input("x", ("N", 3))

    def below(g: Net, h: str) -> str:
        return g("Less", g("ReduceSum", h, keepdims=0), g.constant(100, np.float32))

    def turn(g: Net) -> Turn:
        doubled = g("Add", "now", "now")
        return below(g, doubled), [doubled], {}

    graph = body("doubling_body", {"now": ("N", 3)}, turn)
    model = net.floats(y=(net("Loop", net.constant(4) if limited else "", below(net, x), x, body=graph), ("N", 3)))

    made = convert(model, name="doubling", verify=False)
    net_, session = made.compile(), oracle(model)
    for value in (np.abs(X), np.abs(X) * 100, np.abs(X) / 10, np.abs(X[:1])):
        given = {"x": value.astype(np.float32)}
        assert np.array_equal(net_.run(given)[0], session.run(None, given)[0])


def test_carried_tensors_change_places() -> None:
    """x, y = y, x + y: neither is overwritten before it is read; and a third that no turn changes."""
    net = Net("swap")
    x, y, step = net.input("x", (3,)), net.input("y", (3,)), net.input("step", (3,))
    graph = body(
        "swap_body", {"a": (3,), "b": (3,), "same": (3,)},
        lambda g: ("", ["b", g("Add", g("Add", "a", "b"), "same"), "same"], {"scan": ("a", (3,))}),
    )  # fmt: skip
    a, b, same, scan = net.many("Loop", net.constant(5), "", x, y, step, outputs=4, body=graph)
    model = net.floats(a=(a, (3,)), b=(b, (3,)), same=(same, (3,)), scan=(scan, (5, 3)))

    agrees(model, {"x": X[0], "y": X[1], "step": [0.5, 0.25, 0]}, {"x": X[0], "y": X[0], "step": X[1]})


@pytest.mark.parametrize("trips", [0, 1, 2, 3])
def test_plain_swap(trips: int) -> None:
    net = Net("swap")
    x, y = net.input("x", (3,)), net.input("y", (3,))
    a, b = net.many(
        "Loop", net.constant(trips), "", x, y, outputs=2, body=body("swap_body", {"a": (3,), "b": (3,)}, lambda g: ("", ["b", "a"], {}))
    )

    made = agrees(net.floats(a=(a, (3,)), b=(b, (3,))), {"x": X[0], "y": X[1]})

    assert np.array_equal(made.compile()(X[0], X[1])[trips % 2], X[0])


def test_trip_count_from_a_shape() -> None:
    """As many turns as rows: the size of the scan output is the symbol of the input."""
    net = Net("rows")
    x = net.input("x", ("N", 3))

    def turn(g: Net) -> Turn:
        row = g("Gather", x, "rows_body_turn", axis=0)
        total = g("Add", "total", row)
        return "", [total], {"sums": (total, (3,))}

    zeros = net.constant(np.zeros(3), np.float32)
    last, sums = net.many(
        "Loop", net("Gather", net("Shape", x), net.constant(0)), "", zeros, outputs=2, body=body("rows_body", {"total": (3,)}, turn)
    )

    made = agrees(net.floats(last=(last, (3,)), sums=(sums, ("N", 3))), {"x": X}, {"x": X[:1]}, {"x": X[:0]})

    assert np.array_equal(made.compile()(X)[1], np.cumsum(X, 0))


def test_if_in_loop_and_loop_in_if() -> None:
    net = Net("mixed")
    x = net.input("x", ("N", 3))

    def turn(g: Net) -> Turn:
        up, down = Net("up"), Net("down")
        branches = {
            "then_branch": up.graph(up_out=(up("Mul", "now", up.weight(3)), FLOAT, ("N", 3))),
            "else_branch": down.graph(down_out=(down("Sub", "now", x), FLOAT, ("N", 3))),
        }
        h = g("If", positive(g, "now"), **branches)
        return "", [h], {"path": (h, ("N", 3))}

    last, path = net.many("Loop", net.constant(4), "", x, outputs=2, body=body("mixed_body", {"now": ("N", 3)}, turn))
    inner, plain = Net("inner"), Net("plain")
    loop = inner(
        "Loop", inner.constant(3), "", last, body=body("inner_body", {"h": ("N", 3)}, lambda g: ("", [g("Tanh", g("Add", "h", x))], {}))
    )
    branches = {
        "then_branch": inner.graph(inner_out=(loop, FLOAT, ("N", 3))),
        "else_branch": plain.graph(plain_out=(plain("Neg", last), FLOAT, ("N", 3))),
    }
    y = net("If", positive(net, x), **branches)

    agrees(net.floats(y=(y, ("N", 3)), path=(path, (4, "N", 3))), {"x": X}, {"x": -X}, {"x": X[1:]})


def test_loop_in_loop() -> None:
    net = Net("deep")
    x = net.input("x", ("N", 3))

    def turn(g: Net) -> Turn:
        inner = body("inner", {"h": ("N", 3)}, lambda i: ("", [i("Sin", i("Add", "h", "now"))], {"waves": ("h", ("N", 3))}))
        h, waves = g.many("Loop", g.constant(3), "", "now", outputs=2, body=inner)
        return "", [h], {"all_waves": (waves, (3, "N", 3))}

    last, waves = net.many("Loop", net.constant(2), "", x, outputs=2, body=body("outer", {"now": ("N", 3)}, turn))

    agrees(net.floats(last=(last, ("N", 3)), waves=(waves, (2, 3, "N", 3))), {"x": X})


def test_one_loop_after_another() -> None:
    """Their variables do not stand in each other's way."""
    net = Net("two")
    h = net.input("x", ("N", 3))
    for name in ("first", "second"):
        graph = body(name, {f"{name}_now": ("N", 3)}, lambda g: ("", [g("Sin", f"{g.name}_now")], {}))
        h = net("Loop", net.constant(3), "", h, body=graph)

    agrees(net.floats(y=(h, ("N", 3))), {"x": X})


@pytest.mark.parametrize("trips", [2**63 - 1, None], ids=str)
def test_scan_outputs_of_a_loop_that_data_ends_without_a_limit(trips: int | None) -> None:
    """There are as many rows as turns: the caller says how many there is room for, and Python makes room for more."""
    net = Net("early")
    x = net.input("x", (3,))

    def turn(g: Net) -> Turn:
        h = g("Add", "now", g.constant([1, 0, 0], np.float32))
        return g("Less", g("ReduceSum", h, keepdims=0), g.constant(600, np.float32)), [h], {"path": (h, (3,))}

    graph = body("early_body", {"now": (3,)}, turn)
    count = "" if trips is None else net.constant(trips)
    last, path = net.many("Loop", count, net.constant(True, np.bool_), x, outputs=2, body=graph)
    model = net.floats(last=(last, (3,)), path=(path, ("T", 3)))

    agrees(model, {"x": np.zeros(3, np.float32)}, {"x": np.full(3, 500, np.float32)})
    assert convert(model, verify=False).compile()(np.zeros(3, np.float32))[1].shape == (600, 3)


def test_slices_at_the_number_of_a_turn() -> None:
    """What a turn cuts out is of a size that does not hang on its number; nor does what it carries."""
    net = Net("window")
    x, h = net.input("x", (5, 3)), net.input("h", (1, 3))

    def turn(g: Net) -> Turn:
        place = g("Unsqueeze", "window_body_turn", g.constant([0]))
        row = g("Slice", x, place, g("Add", place, g.constant([1])), g.constant([0]))
        now = g("Add", "now", row)
        return "", [now], {"rows": (now, (1, 3))}

    last, rows = net.many("Loop", net.constant(4), "", h, outputs=2, body=body("window_body", {"now": (1, 3)}, turn))
    values = np.arange(15, dtype=np.float32).reshape(5, 3)
    agrees(net.floats(last=(last, (1, 3)), rows=(rows, (4, 1, 3))), {"x": values, "h": values[:1]})


def test_a_branch_of_which_a_part_is_known() -> None:
    """The condition is known from a size, so is what the only branch gives for one of its outputs."""
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]>
        g (float[2, n] x) => (float[2, n] y) <float[1] half = {0.5}, int64 zero = {0}, int64 two = {2}> {
            shape = Shape(x)
            rows = Gather(shape, zero)
            is_two = Equal(rows, two)
            known, scaled = If(is_two) <
                then_branch = t () => (float[1] a, float[2, n] b) { a = Identity(half) b = Mul(x, half) },
                else_branch = e () => (float[1] c, float[2, n] d) { c = Neg(half) d = Neg(x) }>
            sum = Add(scaled, known)
            y = Exp(sum)
        }"""
    )
    agrees(model, {"x": np.ones((2, 3), np.float32)})


def test_what_is_carried_must_keep_its_sizes() -> None:
    net = Net("growing")
    x = net.input("x", ("N", 3))
    graph = body("growing_body", {"now": ("Q", 3)}, lambda g: ("", [g("Concat", "now", x, axis=0)], {}))
    model = net.floats(y=(net("Loop", net.constant(2), "", x, body=graph), ("M", 3)))

    changes = r"'now' changes from float32 \[N, 3\] to float32 \[2 \* N, 3\] \(rows that each turn adds may be a scan output"
    with pytest.raises(UnsupportedModel, match=changes):
        convert(model, verify=False)


def hanging(deep: int) -> onnx.ModelProto:
    """Loops in one another, each of which adds the elements of x as many times as the number of its turn says."""
    net = Net("hanging")
    x = net.input("x", (5,))

    def inside(level: int, outer: Net, now: str) -> str:
        name = f"level{level}"

        def turn(g: Net) -> Turn:
            repeated = g("Tile", x, g("Unsqueeze", f"{name}_turn", g.constant([0])))
            h = g("Add", f"{name}_now", g("ReduceSum", repeated, keepdims=0))
            return "", [h if level == deep else inside(level + 1, g, h)], {}

        return outer("Loop", outer.constant(2), "", now, body=body(name, {f"{name}_now": ()}, turn))

    return net.floats(y=(inside(1, net, net.constant(0, np.float32)), ()))


def test_sizes_that_hang_on_turns_of_loops_in_loops() -> None:
    """A graph that holds six others, one in the other, is lowered a second time, with its turn as a size; one that holds more is not."""
    agrees(hanging(DEEP + 1), {"x": np.arange(1, 6)})

    with pytest.raises(UnsupportedModel, match=r"Tile at 'level1_Tile1'[^$]*Loop at 'hanging_Loop0': its body"):
        convert(hanging(DEEP + 2), verify=False)
