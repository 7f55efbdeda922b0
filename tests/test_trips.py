"""Loops that end by a condition on a counter: how many turns they take is a size, as large as their scan outputs."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from check import Prepared, compile_all, oracle
from onnx import TensorProto
from zoo import Net

from onnx_bridge import convert
from onnx_bridge.errors import InferenceError, UnsupportedModel
from onnx_bridge.ir import dims
from onnx_bridge.lowering import lower
from onnx_bridge.normalize import normalize
from onnx_bridge.operators.cases import case

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def counting(
    compare: str = "Less",
    start: int = 0,
    step: int = 1,
    *,
    first: bool = True,
    trips: int | None = 2**63 - 1,
    limit: str = "size",
    both: bool = False,
    as_float: bool = False,
) -> onnx.ModelProto:
    """Rows i * sum(x), i from `start` in steps, for as long as i `compare` n holds; n is the rows of x, an input, or a constant.

    `first`: the condition is tested before the first turn, too, as tf2onnx and JAX's exporter write while loops. `both`: and one on the
    number of the turn. `as_float`: in floats, as tf2onnx writes it.
    """
    net = Net("counting")
    x = net.input("x", ("N", 3))
    n = {
        "size": lambda: net("Gather", net("Shape", x), net.constant(0)),
        "input": lambda: net.input("n", (), INT64),
        "constant": lambda: net.constant(4),
    }[limit]()

    def holds(g: Net, counter: str) -> str:
        pair = [g("Cast", name, to=FLOAT) for name in (counter, n)] if as_float else [counter, n]
        on = g(compare, *pair)
        return g("And", g("Less", "turn", g.constant(3)), g("Identity", on)) if both and g is body else on

    begin = net.constant(start)
    body = Net("body")
    body.input("turn", (), INT64), body.input("on", (), BOOL)
    body.input("i", (), INT64)
    row = body("Mul", body("ReduceSum", x, body.constant([0]), keepdims=0), body("Cast", "i", to=FLOAT))
    after = body("Add", body.constant(step), "i") if step > 0 else body("Sub", "i", body.constant(-step))
    graph = body.graph(goes_on=(holds(body, after), BOOL, ()), next=(after, INT64, ()), rows=(row, FLOAT, (3,)))
    count = "" if trips is None else net.constant(trips)
    last, rows = net.many("Loop", count, holds(net, begin) if first else "", begin, outputs=2, body=graph)
    return net.model(last=(last, INT64, ()), rows=(rows, FLOAT, ("T", 3)))


CASES = {
    "while": {}, "from 2 by 3": {"start": 2, "step": 3}, "not tested first": {"first": False}, "no trip count": {"trips": None},
    "at most 5": {"trips": 5}, "up to and with": {"compare": "LessOrEqual", "step": 2}, "floats": {"as_float": True},
    "downwards": {"compare": "Greater", "start": 9, "step": -2}, "downwards to": {"compare": "GreaterOrEqual", "start": 9, "step": -1},
    "two conditions": {"both": True}, "both, first": {"both": True, "first": False}, "constant": {"limit": "constant", "step": 3},
    "input": {"limit": "input"}, "input, not first": {"limit": "input", "first": False, "start": -3, "step": 2},
}  # fmt: skip


def test_trips() -> None:
    """As onnxruntime: turns, none included, and the last counter, for limits around the first turns."""
    rng = np.random.default_rng(3)
    models = {label: counting(**said) for label, said in CASES.items()}  # type: ignore[arg-type]
    headers = [
        Prepared(f"trips_{i}", case(), model, convert(model, name=f"trips_{i}", verify=False).emitted, [])
        for i, model in enumerate(models.values())
    ]
    for (label, model), net in zip(models.items(), compile_all(headers), strict=True):
        session = oracle(model)
        for n in (0, 1, 2, 3, 5, 8, 10):
            feeds = {"x": rng.integers(-4, 5, (max(n, 1) if "input" in label else n, 3)).astype(np.float32), "n": np.array(n)}
            feeds = {value.name: feeds[value.name] for value in model.graph.input}
            for ours, theirs in zip(net.run(feeds), session.run(None, feeds), strict=True):
                assert ours.shape == theirs.shape and np.array_equal(ours, theirs), (label, n)


def test_the_plan_holds_what_is_said() -> None:
    """No trip count of 2**63 - 1 reaches the memory plan."""
    made = convert(counting(), verify=False)

    assert [str(size) for size in made.model.outputs[1].shape] == ["N", "3"]
    assert "9223372036854775807" not in made.header


def test_a_counter_that_runs_away_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match="never ends"):
        convert(counting(first=False, compare="Less", step=-1), verify=False)


def test_a_counter_that_may_be_never_less_takes_the_room_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """i > N at the end of a turn: one turn, or no end where N is 0, which the caller's room is then."""
    model = counting(first=False, compare="Greater")
    made = convert(model, name="never_less", verify=False)
    room = made.model.outputs[1].shape[0]

    assert dims.symbols(room) <= set(made.model.found) and len(made.model.bounds) == 1
    net, x = made.compile(), np.ones((3, 3), np.float32)
    for ours, theirs in zip(net.run({"x": x}), oracle(model).run(None, {"x": x}), strict=True):
        assert ours.shape == theirs.shape and np.array_equal(ours, theirs)

    monkeypatch.setenv("ONNX_BRIDGE_GIBIBYTES", "0.001")
    with pytest.raises(InferenceError, match=r"or more: a call would take \d{7} bytes .* more than the 1073741 that the machine"):
        net.run({"x": np.ones((0, 3), np.float32)})
    most = max(net._bounds.values())
    assert 12 * most < 1073741 < 24 * most  # and all of the memory was tried


def test_what_no_memory_holds_is_refused() -> None:
    net = Net("huge")
    x = net.input("x", ("N", 1))
    model = net.floats(y=(net("Expand", x, net.constant([1, 1 << 50])), ("N", 1 << 50)))

    with pytest.raises(UnsupportedModel, match="larger than any memory"):
        convert(model, verify=False)


@pytest.mark.parametrize(("trips", "on"), [("int64[0] t = {}", "bool b = {1}"), ("int64 t = {2}", "bool[2] b = {1, 1}")])
def test_a_trip_count_and_a_condition_are_one_element(trips: str, on: str) -> None:
    model = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["": 18]>
        net (float[N] x) => (float[N] y) <{trips}, {on}> {{
            y = Loop (t, b, x) <body: graph = body (int64 i, bool go, float[N] last) => (bool still, float[N] next) {{
                next = Neg (last)
                still = Identity (go)
            }}>
        }}""")
    with pytest.raises(UnsupportedModel, match="must be one element"):
        convert(model, verify=False)


def test_an_input_that_must_be_one_number() -> None:
    """A trip count that the model fixes, or dims=: another number is refused, not ignored."""
    made = convert(counting(limit="input"), dims={"n": 4}, verify=False)

    assert made.model.symbols == ["N"]
    net = made.compile()
    assert net.run({"x": np.ones((2, 3), np.float32), "n": np.array(4)})[1].shape == (4, 3)
    with pytest.raises(InferenceError, match="refuses"):
        net.run({"x": np.ones((2, 3), np.float32), "n": np.array(5)})


@pytest.mark.parametrize("kind", ["Add", "And"])
def test_what_is_doubled_over_and_over_is_looked_at_once(kind: str) -> None:
    """Forty doublings of the counter, or of the condition: 2 to the 40 steps where each is looked at as often as it is read."""
    net = Net("doubled")
    x = net.input("x", (3,))
    body = Net("body")
    body.input("turn", (), INT64), body.input("on", (), BOOL)
    counter = "turn"
    for _ in range(40 if kind == "Add" else 0):
        counter = body("Add", counter, counter)
    on = body("Less", counter, body.constant(3 * 2**40 if kind == "Add" else 3))
    for _ in range(40 if kind == "And" else 0):
        on = body("And", on, on)
    graph = body.graph(goes_on=(on, BOOL, ()), rows=(body("Neg", x), FLOAT, (3,)))
    rows = net("Loop", net.constant(2**63 - 1), "", body=graph)

    conversion = convert(net.model(rows=(rows, FLOAT, ("T", 3))), verify=False)

    assert conversion.model.outputs[0].shape == (4, 3)


@pytest.mark.parametrize("kind", ["Add", "And", "Identity"])
def test_what_is_far_away_is_no_counter(kind: str) -> None:
    """A chain of 1500 operators before the condition is what data decides; it is no recursion without end."""
    net = Net("far")
    x = net.input("x", (3,))
    body = Net("body")
    body.input("turn", (), INT64), body.input("on", (), BOOL)
    counter, one = "turn", body.constant(1)
    for _ in range(1500 if kind == "Add" else 0):
        counter = body("Add", counter, one)
    on = body("Less", counter, body.constant(3))
    for _ in range(1500 if kind == "And" else 0):
        on = body("And", on, body("Less", "turn", body.constant(2)))
    for _ in range(1500 if kind == "Identity" else 0):
        on = body("Identity", on)
    graph = body.graph(goes_on=(on, BOOL, ()), rows=(body("Neg", x), FLOAT, (3,)))
    model = net.model(rows=(net("Loop", net.constant(2**63 - 1), "", body=graph), FLOAT, ("T", 3)))

    made = lower(normalize(model)[0], "far")
    (turns,) = made.found or [None]
    if kind == "Identity":  # nothing is computed: it is followed without going deeper
        assert made.outputs[0].shape == (4, 3) and turns is None
    else:
        assert dims.symbols(made.outputs[0].shape[0]) == {turns} and len(made.bounds) == 1
