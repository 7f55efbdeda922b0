"""Who is believed where answers differ: framework, onnxruntime, the model in float64; and what sizes that were refused do to a proof."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

import numpy as np
import onnx
import pytest
from faults import plant
from zoo import ZOO, Net

from onnx_bridge import convert
from onnx_bridge.errors import InferenceError, VerificationError
from onnx_bridge.frontends import Exported
from onnx_bridge.references.oracle import Oracle
from onnx_bridge.references.refusal import Refusal
from onnx_bridge.verify import calls as calling
from onnx_bridge.verify.arbiter import Arbiter, Errors
from onnx_bridge.verify.believed import judged
from onnx_bridge.verify.calls import Call, Framework
from onnx_bridge.verify.report import Row
from onnx_bridge.verify.rows import Compared

# ---- the logic alone

CALL = Call({}, {"N": 1}, [], {}, None, None)
FRAMEWORK = Framework("Keras 3", lambda feeds: [])


def found(against: str, differs: bool) -> Compared:
    return Compared(Row("y", 1, 1, 1.0, 1.0, 0.5, 0.0, not differs, against=against), [CALL] if differs else [])


class Says(Arbiter):
    """An arbiter that was told what it finds, by reference."""

    def __init__(self, **errors: Errors) -> None:
        self.said, self.asked = errors, 0

    def errors(self, call: Call, index: int, against: str) -> Errors:
        self.asked += 1
        return self.said[against.split()[0]]


NEAR, FAR = Errors(1e-5, 1e-5, 2e-5), Errors(1e-3, 1e-5, 2e-5)


@pytest.mark.parametrize(
    ("onnxruntime", "keras", "alone", "errors", "passes", "says"),
    [
        pytest.param(False, False, False, {}, [True, True], "", id="all agree"),
        pytest.param(True, False, False, {}, [True, True], "Keras 3 and the header agree; onnxruntime 1 is", id="outvoted"),
        pytest.param(True, False, True, {"onnxruntime": FAR}, [False, True], "away", id="agrees only by the movement of onnxruntime"),
        pytest.param(False, True, True, {}, [True, False], "", id="the exporter"),
        pytest.param(True, True, True, {"onnxruntime": FAR}, [False, False], "header is 0.001 away, the reference 1e-05", id="both differ"),
        pytest.param(True, True, True, {"onnxruntime": NEAR, "Keras": NEAR}, [True, True], "allowed 2e-05", id="as near as both"),
        pytest.param(
            True, True, True, {"onnxruntime": NEAR, "Keras": Errors(1e-5, 1.0, 2.0)}, [True, False], "allowed", id="another function"
        ),
        pytest.param(True, True, True, {"onnxruntime": Errors(untold="no time")}, [False, False], "nothing: no time", id="nobody knows"),
    ],
)
def test_who_is_believed(onnxruntime: bool, keras: bool, alone: bool, errors: Mapping[str, Errors], passes: list[bool], says: str) -> None:
    def compare(against: str, by_itself: bool) -> Compared:
        return found(against, onnxruntime if against != FRAMEWORK.name else alone if by_itself else keras)

    rows = judged(["onnxruntime 1"], FRAMEWORK, compare, Says(**errors), 0)

    assert [one.row.against for one in rows] == ["onnxruntime 1", "Keras 3"]
    assert [one.row.passed for one in rows] == passes == [not one.failed for one in rows]
    assert says in rows[0].row.decided


@pytest.mark.parametrize(("errors", "passes"), [(NEAR, True), (FAR, False), (Errors(untold="it took too long"), False)])
def test_the_arbiter_alone(errors: Errors, passes: bool) -> None:
    arbiter = Says(onnxruntime=errors)
    (one,) = judged(["onnxruntime 1"], None, lambda against, _: found(against, True), arbiter, 0)
    assert one.row.passed == passes == (not one.failed) and one.row.decided == str(errors) and str(errors) in str(one.row)

    (one,) = judged(["onnxruntime 1"], None, lambda against, _: found(against, False), arbiter, 0)
    assert one.row.passed and not one.row.decided


# ---- float64


def tanh() -> onnx.ModelProto:
    net = Net("net")
    return net.floats(y=(net("Tanh", net.input("x", ("N", 3))), ("N", 3)))


X = np.array([[0.3, -2, 0.01]], np.float32)
TRUTH = np.tanh(X.astype(np.float64))


@pytest.mark.parametrize(
    ("ours", "theirs", "accepted", "says"),
    [
        (TRUTH * (1 + 3e-5), TRUTH * (1 - 2e-5), True, "allowed 3.9e-05"),
        (TRUTH * (1 + 6e-5), TRUTH * (1 - 2e-5), False, "header is 5.8e-05 away, the reference 1.9e-05"),
        (TRUTH * (1 + 2e-4), TRUTH * (1 + 1e-4), True, "away"),
        (TRUTH + 0.3 + 1e-4, TRUTH + 0.3, False, "onnx.reference is 0.3 from the reference, farther than rounding explains"),
        (TRUTH[:, :2], TRUTH, False, "roundings of float32 alone"),
        (np.where(X < 0, np.nan, TRUTH), TRUTH, False, "roundings of float32 alone"),
        (TRUTH, np.where(X < 0, np.nan, TRUTH), True, "the reference inf"),
        (TRUTH + 0.3 * (X < 0), np.where(X < 0, np.inf, TRUTH), False, "header is 0.3 away, the reference inf"),
        (np.where(X < 0, np.inf, TRUTH), np.where(X < 0, np.nan, TRUTH), False, "roundings of float32 alone"),
    ],
    ids=["near", "not near", "the better of two", "another function", "shape", "a NaN", "its NaN", "its infinity", "both"],
)
def test_errors_against_float64(ours: np.ndarray, theirs: np.ndarray, accepted: bool, says: str) -> None:
    call = Call({"x": X}, {"N": 1}, [ours.astype(np.float32)], {"onnxruntime 1": [theirs.astype(np.float32)]}, None, None)
    with closing(Arbiter(tanh(), winograd=False)) as arbiter:
        errors = arbiter.errors(call, 0, "onnxruntime 1")

    assert errors.accepted == accepted and says in str(errors)


def test_each_call_is_held_to_its_own_truth() -> None:
    """Calls go when a reference is replaced by the next; a new one may lie in memory where another was."""

    def made(factor: int) -> Call:
        x = X * np.float32(factor)
        truth = np.tanh(x.astype(np.float64))
        ours, theirs = (np.asarray(truth * error, np.float32) for error in (1 + 6e-5, 1 - 2e-5))
        return Call({"x": x}, {"N": 1}, [ours], {"onnxruntime 1": [theirs]}, None, None)

    with closing(Arbiter(tanh(), winograd=False)) as arbiter:
        first = [made(1) for _ in range(16)]
        assert not any(arbiter.errors(call, 0, "onnxruntime 1").accepted for call in first)
        del first[:]
        assert not any(arbiter.errors(call, 0, "onnxruntime 1").accepted for call in [made(2) for _ in range(64)])


def test_behind_winograd_four_times() -> None:
    call = Call({"x": X}, {}, [(TRUTH * (1 + 6e-5)).astype(np.float32)], {"o": [(TRUTH * (1 - 2e-5)).astype(np.float32)]}, None, None)
    for winograd in (False, True):
        with closing(Arbiter(tanh(), winograd)) as arbiter:
            assert arbiter.errors(call, 0, "o").accepted == winograd


def test_a_small_relative_error_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ten-thousandth: float64 is asked, and sides with onnxruntime."""
    plant(monkeypatch, "return larger(vec{}, x); }", "return larger(vec{}, x) * 1.0001f; }")

    with pytest.raises(VerificationError, match="from the model in float64 the header is .* away") as caught:
        convert(ZOO["mlp"](), name="mlp")
    assert not caught.value.report.passed  # type: ignore[attr-defined]


def fast_variance() -> onnx.ModelProto:
    """A layer normalisation that takes E[x^2] - E[x]^2 for the variance, of numbers far from 0: the header does not lose the digits."""
    net = Net("fast")
    x = net("Add", net.input("x", ("N", 16)), net.constant(100, np.float32))
    mean = net("ReduceMean", x, axes=[-1])
    variance = net("Sub", net("ReduceMean", net("Mul", x, x), axes=[-1]), net("Mul", mean, mean))
    scale = net("Mul", net("Reciprocal", net("Sqrt", net("Add", variance, net.constant(1e-3, np.float32)))), net.weight(16, low=0.5))
    return net.floats(y=(net("Add", net("Mul", net("Sub", x, mean), scale), net.weight(16)), ("N", 16)))


def test_a_header_nearer_to_the_truth_is_accepted() -> None:
    """As magika's models are: what differs is onnxruntime's own error, and the report has the three numbers."""
    report = convert(fast_variance(), name="fast").report

    (row,) = report.rows
    assert report.passed and row.passed and "from the model in float64 the header is" in row.decided
    assert row.decided in report.table() and any(row.decided in line for line in report.proof())


# ---- a framework


class Model:
    """Stands for a model of a framework: its exporter gives `model`, its own answer is `answer`."""

    def __init__(self, model: onnx.ModelProto, answer: Callable[[Mapping[str, np.ndarray]], Sequence[np.ndarray]]) -> None:
        self.model, self.answer = model, answer

    def exported(self) -> Exported:
        return Exported(self.model, "Framework 1.0", "its exporter", self.answer, "net", [], [], "", lambda: None)


@pytest.fixture
def _frontend(monkeypatch: pytest.MonkeyPatch) -> None:
    origin = importlib.import_module("onnx_bridge.origin")
    monkeypatch.setattr(origin, "framework_of", lambda model: "framework" if isinstance(model, Model) else None)
    monkeypatch.setattr(origin, "export", lambda model, framework, request: model.exported())


def handed_on() -> onnx.ModelProto:
    """A Scan with a state that its body gives back as it is: onnxruntime 1.31 gives zeros in its place."""
    body = Net("body")
    kept, state, row = (body.input(name, (3,)) for name in ("kept_in", "state_in", "row"))
    total = body("Add", body("Mul", state, kept), row)
    inner = body.graph(state_out=(total, onnx.TensorProto.FLOAT, (3,)))
    inner.output.insert(0, onnx.helper.make_tensor_value_info(kept, onnx.TensorProto.FLOAT, (3,)))
    net = Net("scan")
    kept, state, rows = net.input("kept", (3,)), net.input("state", (3,)), net.input("rows", ("T", 3))
    same, last = net.many("Scan", kept, state, rows, outputs=2, body=inner, num_scan_inputs=1)
    return net.floats(same=(same, (3,)), last=(last, (3,)))


def test_a_reference_that_contradicts_itself() -> None:
    """Memory that nobody wrote moves from call to call: it would excuse any difference."""
    report = convert(handed_on(), name="scan").report

    assert report.passed and report.reference.startswith("onnx.reference") and all(row.worst < 1e-4 for row in report.rows)
    assert any("onnxruntime" in note and "it contradicts itself" in note for note in report.notes)


@pytest.mark.usefixtures("_frontend")
def test_the_framework_outvotes_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    """An onnxruntime that is off by a tenth at one size."""
    true = Oracle.__call__

    def off(self: Oracle, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        return [y + np.float32(0.1) * (len(y) == 17) for y in true(self, feeds)]

    monkeypatch.setattr(Oracle, "__call__", off)
    monkeypatch.setattr(Oracle, "conditioning", lambda self, feeds, wanted: [0.0])
    assert convert(tanh(), name="net").report.rows[0].decided.startswith("from the model in float64")

    report = convert(Model(tanh(), lambda feeds: [np.tanh(feeds["x"])]), name="net").report

    assert report.passed and [row.passed for row in report.rows] == [True, True]
    assert report.rows[0].decided == f"Framework 1.0 and the header agree; {report.rows[0].against} is the one that differs"
    assert report.rows[0].worst > 0.09 and not report.rows[1].decided


def test_a_framework_that_refuses_nudged_inputs_does_not_move() -> None:
    """A check of its own, such as that a row adds up to one, must not end the verification."""

    def picky(feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        if feeds["x"][0] != 0.5:
            raise ValueError("not a half")
        return [feeds["x"]]

    x = np.full(1, 0.5, np.float32)
    framework = Framework("Framework 1.0", picky)
    call = Call({"x": x}, {}, [x], {framework.name: [x]}, None, framework)

    assert call.moved(framework.name) == [0.0]


@pytest.mark.usefixtures("_frontend")
def test_a_framework_is_a_reference_where_onnxruntime_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise Refusal("onnxruntime", "model", "no kernel")

    chain = importlib.import_module("onnx_bridge.references.chain")
    monkeypatch.setattr(chain, "Oracle", none)
    monkeypatch.setattr(chain, "Evaluated", none)

    report = convert(Model(tanh(), lambda feeds: [np.tanh(feeds["x"])]), name="net").report
    assert report.passed and report.reference == "Framework 1.0"
    assert "onnxruntime cannot be asked: no kernel" in report.notes
    with pytest.raises(VerificationError, match="differ"):
        convert(Model(tanh(), lambda feeds: [np.tanh(feeds["x"]) + np.float32(1e-3)]), name="net")
    with pytest.raises(VerificationError, match="nothing to compare"):
        convert(tanh(), name="net")


# ---- sizes that were refused


def table(rows: int) -> onnx.ModelProto:
    """y [batch, 6]: a row of a table beside each row of x. onnxruntime finds out when it runs that there are not so many."""
    net = Net("table")
    x = net.input("x", ("batch", 3))
    size = net("Squeeze", net("Slice", net("Shape", x), net.constant([0]), net.constant([1])))
    chosen = net("Gather", net.weight(rows, 3), net("Range", net.constant(0), size, net.constant(1)))
    return net.floats(y=(net("Concat", net("Tanh", x), chosen, axis=1), ("batch", 6)))


def test_refused_sizes_are_said() -> None:
    made = convert(table(9), name="table")

    (line,) = made.report.refused
    assert made.report.passed and line.startswith("onnxruntime refuses batch = 17")
    assert "(Concat 'table_Concat6': " in line and "ONNXRuntimeError" not in line and "onnxruntime_src" not in line
    assert f"NOT COMPARED: {line}" in str(made.report) and f"//              not compared: {line[:100]}" in made.header
    assert "batch = 3" in made.report.inputs and "batch = 17" not in made.report.inputs


def test_one_size_of_an_open_one_is_no_proof() -> None:
    says = r"only batch = 1 could be compared, though the model leaves it open: onnxruntime refuses batch = 3 .*dims=\{'batch': 1\}"
    with pytest.raises(VerificationError, match=says):
        convert(table(1), name="table")

    assert convert(table(1), name="table", dims={"batch": 1}).report.passed


def test_other_sizes_are_looked_for_before_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "sizes_to_try", lambda model: iter([{"batch": 1}, {"batch": 50}, {"batch": 60}]))
    report = convert(table(9), name="table").report

    assert report.passed and report.refused[0].startswith("onnxruntime refuses batch = 50; batch = 60 (")
    assert report.rows[0].samples == 5


def test_inputs_that_the_reference_refuses() -> None:
    with pytest.raises(InferenceError, match="inputs= that are not compared: onnxruntime, the reference, refuses"):
        convert(table(9), name="table", inputs=[{"x": np.zeros((12, 3), np.float32)}])


@pytest.mark.usefixtures("_frontend")
def test_a_framework_that_takes_one_size() -> None:
    def one_row(feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        if len(feeds["x"]) != 1:
            raise ValueError("one row, please")
        return [np.tanh(feeds["x"])]

    with pytest.raises(VerificationError, match=r"only N = 1 .* Framework 1.0 refuses N = 3 \(one row, please\)"):
        convert(Model(tanh(), one_row), name="net")
