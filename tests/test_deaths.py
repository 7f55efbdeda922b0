"""Verification outlives what it compares: a header or an onnxruntime that dies, hangs or writes where it must not."""

from __future__ import annotations

from functools import partial

import numpy as np
import onnx
import pytest
from faults import plant
from onnx import TensorProto, helper, numpy_helper
from zoo import ZOO, Net

from onnx_bridge import convert
from onnx_bridge.errors import VerificationError
from onnx_bridge.graphs import write_model
from onnx_bridge.references.sessions import Sessions
from onnx_bridge.verify import Oracle

RELU = "return larger(vec{}, x); }"


@pytest.mark.parametrize(
    ("fault", "seconds", "says"),
    [
        pytest.param("*reinterpret_cast<volatile int*>(8) = 0;", "60", "signal 11, SIGSEGV", id="touches what is not there"),
        pytest.param("std::abort();", "60", "signal 6, SIGABRT", id="aborts"),
        pytest.param("for (volatile int i = 0; i < 1;) {}", "1", r"no answer in 1 s \(\$ONNX_BRIDGE_SECONDS\)", id="never ends"),
    ],
)
def test_a_header_that_dies(monkeypatch: pytest.MonkeyPatch, fault: str, seconds: str, says: str) -> None:
    """It is said which of the two died, of what, and of which inputs."""
    plant(monkeypatch, RELU, f"{fault} {RELU}")
    monkeypatch.setenv("ONNX_BRIDGE_SECONDS", seconds)

    with pytest.raises(VerificationError, match=rf"compiled code ended its process with {says}.* inputs x float32 \[1, \d+\] \(N = 1\)"):
        convert(ZOO["mlp"](), name="mlp")


def split(*outputs: str) -> onnx.ModelProto:
    """x [n, 6], split in three."""
    names = ["x", *filter(None, outputs)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 6 if name == "x" else 2]) for name in names]
    node = helper.make_node("Split", ["x", "sizes"], list(outputs), "split", axis=1)
    graph = helper.make_graph([node], "split", ends[:1], ends[1:], [numpy_helper.from_array(np.array([2, 2, 2]), "sizes")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_a_reference_that_dies() -> None:
    """onnxruntime 1.31 ends the process where an output in the middle has no name."""
    with pytest.raises(VerificationError, match="onnxruntime, the reference, refuses .* its process .*signal 11, SIGSEGV"):
        oracle = Oracle(split("a", "", "b"))
        oracle({"x": np.zeros((2, 6), np.float32)})


def test_constants_that_onnxruntime_dies_of() -> None:
    """They stay in the graph; those beside them are folded."""
    net = Net("net")
    parts = net.many("Split", net.constant(range(6), np.float32), net.constant([2, 2, 2]), outputs=3)
    net.nodes[-1].output[1] = ""
    h = net("Mul", net("Add", net.input("x", ("n", 2)), parts[0]), net("Exp", net("Neg", net.constant([1, 2], np.float32))))
    made = convert(net.floats(y=(net("Sub", h, parts[2]), ("n", 2))), name="net")

    assert {node.op_type for node in made.normal.graph.node} == {"Split", "Add", "Mul", "Sub", "Identity"}
    assert made.report.passed and made.report.reference.startswith("onnx.reference")


def test_a_reference_that_died_of_another_model_is_asked_again() -> None:
    """A process that has served before may have been damaged by that: what counts is what a new one says."""
    x = np.arange(12, dtype=np.float32).reshape(2, 6)
    Sessions().open("another model", partial(write_model, split("a", "b", "c")), optimised=True)
    oracle = Oracle(split("a", "b", "c"))
    talk = oracle._sessions._talk
    assert talk is not None and not talk.fresh

    talk._child.process.kill()

    assert np.array_equal(np.concatenate(oracle({"x": x}), axis=1), x)
    assert oracle._sessions._talk is not talk
    oracle._sessions._talk._child.process.kill()  # a new one that dies has died of this model
    with pytest.raises(VerificationError, match="its process ended with signal 9"):
        oracle({"x": x})
    assert np.array_equal(oracle({"x": x})[0], x[:, :2])
    oracle.close()


def test_memory_ends_where_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """One number too many: no value of the answer shows it, but the page behind an output cannot be touched."""
    tail = "ONNX_BRIDGE_INLINE void put(float* y, vec v, Count count)\n{\n"
    plant(monkeypatch, tail, f"{tail}   if constexpr (std::is_same<Count, Size>::value) y[count] = 0.f;\n")

    with pytest.raises(VerificationError, match="the compiled code ended its process with signal 11, SIGSEGV"):
        convert(ZOO["plain"](), name="plain")
