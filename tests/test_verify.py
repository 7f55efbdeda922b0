"""Verification: faults that are planted turn it red and are named; what is allowed, and what the report says."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import pytest
from faults import plant
from zoo import ZOO, Net

from onnx_bridge import convert
from onnx_bridge.errors import VerificationError
from onnx_bridge.ir import dims
from onnx_bridge.ir.roperator import ROperator, Writer
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.judge import CONDITIONING, RELATIVE, difference
from onnx_bridge.kernel_operators.softmax import SoftmaxRows
from onnx_bridge.operators.transpose import Transpose
from onnx_bridge.references.chain import References
from onnx_bridge.references.refusal import Refusal
from onnx_bridge.runtime.isolated import IsolatedModel
from onnx_bridge.verify import Oracle, Report
from onnx_bridge.verify.check import verify
from onnx_bridge.verify.inputs import feeds
from onnx_bridge.verify.report import Row

#: What a kernel says, what it is made to say, the model, and the tensor that is the first to differ.
FAULTS = {
    "relu": ("return larger(vec{}, x); }", "return larger(splat(-0.25f), x); }", "mlp", "mlp_Relu1"),
    "a product without its first term": ("for (Size i = 0; i < K; i++) {", "for (Size i = 1; i < K; i++) {", "mlp", "mlp_Relu1"),
    "softmax's sum": ("splat(1.f / sum)", "splat(1.f / (sum + 1e-3f))", "mlp", "y"),
    "the largest of a window": ("return larger(chain, x);", "return larger(chain, x) + 1e-3f;", "conv_net", "conv_net_MaxPool3"),
    "a mean": ("const float mean = ", "const float mean = 1e-3f + ", "transformer", "transformer_LayerNormalization2"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_wrong_kernel(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    good, bad, name, tensor = FAULTS[fault]
    plant(monkeypatch, good, bad)

    with pytest.raises(VerificationError) as caught:
        convert(ZOO[name](), name=name)

    report = caught.value.report
    assert isinstance(report, Report) and not report.passed
    assert f"the first tensor that differs is {tensor!r}" in report.suspect
    assert report.suspect in str(caught.value) and report.table() in str(caught.value)
    assert "FAILS" in report.table()


def square() -> onnx.ModelProto:
    """x [N, 4, 4], turned, then a softmax of each column."""
    net = Net("square")
    turned = net("Transpose", net("Tanh", net.input("x", ("N", 4, 4))), perm=[0, 2, 1])
    h = net("Softmax", turned, axis=1)
    return net.floats(y=(net("Mul", h, turned), ("N", 4, 4)))


@pytest.mark.parametrize(
    ("operator", "attribute", "bad", "tensor"),
    [(SoftmaxRows, "rows", (dims.symbol("N") * 4, 4, 1), "square_Softmax2"), (Transpose, "perm", [0, 1, 2], "square_Transpose1")],
)
def test_swapped_axis(monkeypatch: pytest.MonkeyPatch, operator: type[ROperator], attribute: str, bad: object, tensor: str) -> None:
    """Of a square, so that no shape betrays it."""
    emit = operator.emit

    def swapped(self: ROperator, cpp: Writer) -> None:
        good = getattr(self, attribute)
        setattr(self, attribute, bad)
        emit(self, cpp)
        setattr(self, attribute, good)

    monkeypatch.setattr(operator, "emit", swapped)

    with pytest.raises(VerificationError, match=f"the first tensor that differs is {tensor!r}"):
        convert(square(), name="square")


def test_stale_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator that gives its output the shape of its input: what follows reads beyond what there is."""
    net = Net("stale")
    turned = net("Transpose", net.input("x", ("N", 2, 3)), perm=[0, 2, 1])
    model = net.floats(y=(net("Tanh", turned), ("N", "A", "B")))
    convert(model, name="stale")

    def types(self: Transpose, x: Tensor) -> Type:
        return x.type

    monkeypatch.setattr(Transpose, "types", types)
    monkeypatch.setenv("ONNX_BRIDGE_VALIDATE", "0")  # it would be found before anything runs

    with pytest.raises(VerificationError, match="the compiled code ended its process with signal 11, SIGSEGV.* on inputs x float32"):
        convert(model, name="stale")


def test_without_verification_nothing_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, *FAULTS["relu"][:2])
    monkeypatch.setattr(References, "answer", None)
    monkeypatch.setattr(IsolatedModel, "__init__", None)

    made = convert(ZOO["mlp"](), name="mlp", verify=False)

    assert not made.report.passed and made.report.rows == [] and made.report.proof() == []
    assert "not compared with anything" in str(made.report)
    assert "//   proof      none: converted without verification\n" in made.header


def test_proof_travels_in_the_header() -> None:
    made = convert(ZOO["plain"](), name="plain")

    assert made.report.passed
    for line in made.report.proof():
        assert line in made.header
    assert f"against {made.report.reference}, 4 sets of inputs" in made.header


def test_given_inputs_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that only the caller's inputs show: tanh beyond 50."""
    begin = "ONNX_BRIDGE_INLINE vec tanh(vec x)\n{\n"
    plant(monkeypatch, begin, f"{begin}   if (x[0] > 70.f) return vec{{}};\n")
    convert(ZOO["plain"](), name="plain")

    with pytest.raises(VerificationError, match="squashed"):
        convert(ZOO["plain"](), name="plain", inputs=[{"x": np.full((2, 5), 9, np.float32)}])


# ---- what is allowed


class Answers:
    """Stands for a compiled model and for onnxruntime: each gives what it is told to."""

    name = "onnxruntime 0"
    output_names = ["y"]
    notes: list[str] = []
    refusals: list[object] = []

    def __init__(self, y: object, moved: float = 0.0) -> None:
        self.y, self.moved, self.asked = np.asarray(y), moved, 0

    def run(self, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        return [self.y]

    def filled(self, feeds: Mapping[str, np.ndarray], fill: int) -> list[np.ndarray]:
        return [self.y]

    __call__ = run

    def answer(self, feeds: Mapping[str, np.ndarray]) -> tuple[Answers, list[np.ndarray]]:
        return self, [self.y]

    def doubts(self) -> None:
        """It is believed."""

    def sizes_of(self, feeds: Mapping[str, np.ndarray]) -> dict[str, int]:
        return {}

    def conditioning(self, feeds: Mapping[str, np.ndarray], wanted: list[np.ndarray]) -> list[float]:
        self.asked += 1
        return [self.moved]


def compared(got: object, wanted: object, moved: float = 0.0) -> tuple[Row, Answers]:
    """The row of a report for an output that is `got` where the reference gives `wanted`."""
    report, reference = Report("one"), Answers(wanted, moved)
    model = convert(ZOO["plain"](), name="plain", verify=False).model
    verify(model, Answers(got), reference, report)  # type: ignore[arg-type]
    (row,) = report.rows
    assert report.passed == row.passed
    return row, reference


Y = np.array([1, -8, 0.5], np.float32)


@pytest.mark.parametrize("gap", [0.0, 0.9, -0.9])
def test_rounding_is_allowed(gap: float) -> None:
    row, reference = compared(Y + np.float32(gap * RELATIVE * 8), Y)

    assert row.passed and not row.conditioning and reference.asked == 0
    assert row.scale == 8 and row.allowed == RELATIVE * 8 and row.worst == pytest.approx(abs(gap) * RELATIVE * 8, rel=0.05)
    assert row.equal == 1 if gap == 0 else row.equal < 1


def test_more_than_rounding_is_not() -> None:
    row, reference = compared(Y + np.float32(1.2 * RELATIVE * 8), Y)

    assert not row.passed and reference.asked > 0


def test_conditioning_allows_what_the_reference_moves_itself() -> None:
    gap = 1e-3
    row, _ = compared(Y + np.float32(gap), Y, moved=1.1 * gap / CONDITIONING)
    assert row.passed and row.conditioning and row.allowed == pytest.approx(1.1 * gap)
    row, _ = compared(Y + np.float32(gap), Y, moved=0.9 * gap / CONDITIONING)
    assert not row.passed and row.conditioning


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("got", "wanted"),
    [
        pytest.param(np.array([1, 2]), np.array([1, 3]), id="integers"),
        pytest.param(np.array([True]), np.array([False]), id="bools"),
        pytest.param(Y[:2], Y, id="size"),
        pytest.param(Y.astype(np.float64), Y, id="type"),
        pytest.param(Y[None], Y, id="rank"),
        pytest.param(floats(np.nan, 1), floats(0, 1), id="a NaN of ours"),
        pytest.param(floats(0, 1), floats(np.nan, 1), id="a NaN of theirs"),
        pytest.param(floats(np.inf, 1), floats(-np.inf, 1), id="signs of infinities"),
        pytest.param(floats(3e38, 1), floats(np.inf, 1), id="no infinity"),
    ],
)
def test_never_allowed(got: np.ndarray, wanted: np.ndarray) -> None:
    """Whatever the conditioning."""
    row, _ = compared(got, wanted, moved=1.0)

    assert not row.passed


@pytest.mark.parametrize("y", [[np.nan, 1], [np.inf, -np.inf], [0.0], [], [-0.0, 1e-40]])
def test_equal_is_equal(y: list[float]) -> None:
    row, reference = compared(np.array(y, np.float32), np.array(y, np.float32))

    assert row.passed and row.worst == 0 and row.equal == 1 and reference.asked == 0


def test_difference_ignores_what_is_the_same_everywhere() -> None:
    a = np.array([np.inf, np.nan, 1, 2], np.float32)

    assert difference(a, a) == 0
    assert difference(a, np.array([np.inf, np.nan, 1, 2.5], np.float32)) == 0.5
    assert difference(a, np.array([np.inf, 0, 1, 2], np.float32)) == np.inf


def test_oracle_knows_an_ill_conditioned_model() -> None:
    """A sum that cancels moves by as much as its large term rounds; a product with a weight does not."""

    def moved(large: float) -> float:
        net = Net("sums")
        x = net.input("x", (3,))
        h = net("Sub", net("Add", x, net.constant(large, np.float32)), net("Mul", x, net.constant(large, np.float32)))
        oracle, feeds = Oracle(net.floats(y=(h, (3,)))), {"x": np.array([1, 0.999, 1.001], np.float32)}
        wanted = oracle(feeds)
        return oracle.conditioning(feeds, wanted)[0] / float(np.abs(wanted[0]).max())

    assert moved(2) < 1e-6 < 1e-5 < moved(3000)


def test_oracle_refuses_in_words() -> None:
    with pytest.raises(Refusal, match="onnxruntime, the reference, refuses inputs of these sizes"):
        Oracle(ZOO["plain"]())({"x": np.zeros((2, 6), np.float32)})


# ---- the report


def test_report_says_what_was_compared() -> None:
    good = Row("y", 3, 30, 2e-7, 1.0, 1e-5, 0.5, True)
    bad = Row("longer_name", 3, 6, 0.25, 4.0, 1e-4, 0.0, False, True, "N = 3")
    suspect = "the first tensor that differs is 'h'"
    report = Report("net", ["pass fuse"], [good, bad], "onnxruntime 1", {"emit": 0.5}, suspect, "3 sets of inputs")

    lines = report.table().splitlines()
    assert lines[0].split() == ["output", "calls", "values", "worst", "allowed", "max", "|y|", "equal", "bits"]
    assert lines[1].split() == ["y", "3", "30", "2e-07", "1e-05", "1", "50.0", "%", "ok"]
    assert lines[2].split() == ["longer_name", "3", "6", "0.25", "0.0001*", "4", "0.0", "%", "FAILS", "at", "N", "=", "3"]
    assert lines[3].startswith("* set by the model's own conditioning")
    assert not report.passed and Report("net", rows=[good]).passed and not Report("net").passed
    text = str(report)
    for part in ("net\n", "  pass fuse\n", "compared with onnxruntime 1, 3 sets of inputs:", report.table(), report.suspect, "emit 0.50 s"):
        assert part in text
    assert report.proof() == ["against onnxruntime 1, 3 sets of inputs", str(good), str(bad)]
    assert "allowed 0.0001 (set by the model's own conditioning)" in str(bad) and "50.0 % equal bits" in str(good)


def test_floats_that_index_are_whole_numbers_in_range() -> None:
    """As an Embedding of Keras takes them: rows that there are, not normally distributed ones."""
    net = Net("net")
    rows = net("Cast", net.input("rows", ("N", 3)), to=onnx.TensorProto.INT64)
    made = convert(net.floats(y=(net("Gather", net.weight(5, 2), net("Abs", rows)), ("N", 3, 2))), verify=False)

    given = feeds(made.model, {"N": 9}, "wide", 0)["rows"]
    assert given.dtype == np.float32 and set(given.ravel()) == {0, 1, 2, 3, 4}


def test_a_model_of_scalars_is_compared() -> None:
    """An input without axes is an array without axes, not a number: onnxruntime takes no numbers."""
    net = Net("net")
    made = convert(net.floats(y=(net("Tanh", net.input("x", ())), ())), name="net")

    assert made.report.passed and made.report.rows[0].values >= 4
