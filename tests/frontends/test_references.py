"""The framework's own answer in the verification: held to onnxruntime's rule; where only it differs, the exporter is to blame."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import pytest
from zoo import Net

import onnx_bridge
from onnx_bridge import Conversion, ExportError, VerificationError
from onnx_bridge.frontends import Exported


def doubled() -> onnx.ModelProto:
    """y = 2 tanh(x)."""
    net = Net("net")
    x = net.input("x", ("batch", 3))
    return net.floats(y=(net("Mul", net("Tanh", x), net.constant(2, np.float32)), ("batch", 3)))


class Framework:
    """Stands for a model of a framework: its exporter gives `model`, its own answer is `answer`."""

    def __init__(self, answer: object, model: onnx.ModelProto | None = None) -> None:
        self.answer, self.model, self.closed = answer, model or doubled(), 0

    def exported(self) -> Exported:
        def close() -> None:
            self.closed += 1

        example = {"x": np.full((2, 3), 0.5, np.float32)}
        return Exported(
            self.model, "Framework 1.0", "its exporter", self.answer, "model", ["a note of its own"], [example], "its log", close  # type: ignore[arg-type]
        )  # fmt: skip


@pytest.fixture(autouse=True)
def frontend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes `convert` take a Framework."""
    origin = importlib.import_module("onnx_bridge.origin")
    monkeypatch.setattr(origin, "framework_of", lambda model: "framework" if isinstance(model, Framework) else None)
    monkeypatch.setattr(origin, "export", lambda model, framework, request: model.exported())


def right(feeds: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
    return [2 * np.tanh(feeds["x"])]


def test_both_references_are_in_the_proof() -> None:
    framework = Framework(right)
    made: Conversion = onnx_bridge.convert(framework)

    assert [row.against.split()[0] for row in made.report.rows] == ["onnxruntime", "Framework"]
    assert "exported from Framework 1.0 by its exporter" in made.report.notes and "a note of its own" in made.report.notes
    assert "and Framework 1.0" in made.header and made.report.log == "its log"
    assert "against" in made.report.table().splitlines()[0]
    assert framework.closed == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda feeds: [2 * np.tanh(feeds["x"]) + np.float32(1e-4)],
        lambda feeds: [2 * np.tanh(feeds["x"]) + np.float32(1e-4) * (len(feeds["x"]) == 17)],
        lambda feeds: [2 * np.tanh(feeds["x"]).reshape(-1)],
        lambda feeds: [2 * np.tanh(feeds["x"]).astype(np.float64)],
        lambda feeds: [np.where(feeds["x"] == 0, np.float32("nan"), 2 * np.tanh(feeds["x"]))],
    ],
    ids=["everywhere", "at one size", "shape", "type", "a NaN"],
)
def test_an_exporter_that_changes_the_model_is_blamed(wrong: object) -> None:
    framework = Framework(wrong)
    with pytest.raises(VerificationError, match="it is the exported model that does not compute what Framework 1.0 does"):
        onnx_bridge.convert(framework)
    assert framework.closed == 1


def test_other_counts_of_outputs() -> None:
    with pytest.raises(VerificationError, match="gives 2 outputs, the exported model 1"):
        onnx_bridge.convert(Framework(lambda feeds: [*right(feeds), *right(feeds)]))


def test_sizes_that_only_the_framework_takes() -> None:
    """An exporter that wrote the example's length down, with a symbolic dim in front of it."""
    net = Net("net")
    table = net("Reshape", net.input("x", ("batch", 3)), net.constant([1, 3]))
    frozen = net.floats(y=(net("Mul", net("Tanh", table), net.constant(2, np.float32)), (1, 3)))

    with pytest.raises(ExportError, match="only consistent with batch = 1"):
        onnx_bridge.convert(Framework(right, frozen))
    assert onnx_bridge.convert(Framework(right, frozen), dims={"batch": 1}, verify=False)


def test_sizes_that_only_onnxruntime_refuses() -> None:
    """A table of nine rows behind a symbolic batch: onnxruntime finds out when it runs."""
    net = Net("net")
    x = net.input("x", ("batch", 3))
    size = net("Squeeze", net("Slice", net("Shape", x), net.constant([0]), net.constant([1])))
    rows = net("Range", net.constant(0), size, net.constant(1))
    zeros = net("Mul", net("Gather", net.weight(9, 3), rows), net.constant(0, np.float32))
    limited = net.floats(y=(net("Add", net("Mul", net("Tanh", x), net.constant(2, np.float32)), zeros), ("batch", 3)))

    with pytest.raises(VerificationError, match="takes inputs that the model exported from it does not"):
        onnx_bridge.convert(Framework(right, limited))


def test_sizes_that_the_framework_refuses_are_left_out() -> None:
    def at_most_nine(feeds: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        if len(feeds["x"]) > 9:
            raise ValueError("too many rows")
        return right(feeds)

    made = onnx_bridge.convert(Framework(at_most_nine))

    assert "batch = 17" not in made.report.inputs and "batch = 3" in made.report.inputs


def test_a_framework_that_refuses_everything() -> None:
    def nothing(feeds: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        raise ValueError("no rows at all")

    framework = Framework(nothing)
    with pytest.raises(ExportError, match="Framework 1.0 refuses inputs of these sizes: no rows at all"):
        onnx_bridge.convert(framework)
    assert framework.closed == 1


def test_without_verification_nothing_is_asked() -> None:
    def nothing(feeds: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        raise AssertionError

    assert "not compared" in str(onnx_bridge.convert(Framework(nothing), verify=False).report)
