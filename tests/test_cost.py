"""What a conversion costs, counted as work: how often weights are packed, compilers called, tensors looked at. No test measures time."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import onnx
import pytest
from zoo import ZOO

from onnx_bridge import convert
from onnx_bridge.emit.writer import CppWriter
from onnx_bridge.graphs import without_weights, write_model
from onnx_bridge.runtime.compiled import built, compile_emitted
from onnx_bridge.runtime.isolated import IsolatedModel


def test_weights_are_packed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the header that is compared, the one that is handed over, and the one that hands out its tensors."""
    packed: list[str] = []
    weight = CppWriter.weight

    def counted(self: CppWriter, name: str, array: np.ndarray) -> str:
        packed.append(name)
        return weight(self, name, array)

    monkeypatch.setattr(CppWriter, "weight", counted)
    made = convert(ZOO["conv_net"](), name="conv_net")
    once = len(packed)
    assert made.report.passed and once >= len(made.emitted.weights.arrays) > 0
    assert made.emitted.with_taps().weights is made.emitted.weights
    assert len(packed) == once == len(set(packed))


def test_the_proof_changes_its_lines_alone() -> None:
    made = convert(ZOO["mlp"](), name="mlp")
    proven, bare = made.header.split("\n"), convert(ZOO["mlp"](), name="mlp", verify=False).header
    proof = [line for line in proven if line not in bare.split("\n")]

    assert proof and proof[0].startswith("//   proof      against onnxruntime")
    assert all(line.startswith("//   ") for line in proof)
    assert [line for line in proven if line not in proof] == [line for line in bare.split("\n") if "converted without" not in line]


def test_taps_hand_out_what_the_header_computes() -> None:
    """A header with taps has the same outputs, and every tensor in between, those in bodies included."""
    made = convert(ZOO["rollout"](), name="rollout", verify=False)
    emitted = made.emitted.with_taps()
    feeds = {t.name: np.ones(t.type.shape_at(dict.fromkeys(made.model.symbols, 3)), t.dtype.numpy) for t in made.model.inputs}
    with closing(IsolatedModel(emitted, built(emitted, taps=True))) as net:
        tapped, outputs = net.tapped(feeds), net.run(feeds)
    for ours, wanted in zip(outputs, compile_emitted(made.emitted).run(feeds), strict=True):
        np.testing.assert_array_equal(ours, wanted)
    made_here = [t.name for op in made.model.operators if not op.is_view for t in op.outputs if t is not None]
    assert set(made_here) <= tapped.keys()


#: Converts a small model, then one of 25 layers, and prints by how many bytes of weights the peak of memory has grown.
PEAK = """
import resource, sys
import numpy as np
from zoo import ZOO, Net
from onnx_bridge import convert

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

convert(ZOO["plain"](), name="plain")
net = Net("large")
h = net.input("x", ("N", 800))
for _ in range(25):
    h = net("Gemm", h, net.weight(800, 800), net.weight(800))
path = sys.argv[1]
open(path, "wb").write(net.floats(y=(h, ("N", 800))).SerializeToString())
del net
before = peak()
made = convert(path)
print((peak() - before) / made.emitted.weights.bytes)
"""


def test_memory_holds_weights_four_times(tmp_path: Path) -> None:
    """As they were given, in normal form, as constants, and packed; what is on its way to somebody is there in pieces.

    The program itself makes the model, in doubles and floats, before; what that has left free counts for the conversion.
    """
    called = [sys.executable, "-c", PEAK, str(tmp_path / "large.onnx")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ["PYTHONPATH"]])}
    done = subprocess.run(called, capture_output=True, text=True, env=environment, check=False)

    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 4.5


@pytest.mark.parametrize("name", ["mlp", "lstm_tagger", "rollout"])
def test_a_model_in_pieces_is_the_model(name: str) -> None:
    model = ZOO[name]()
    file = io.BytesIO()
    write_model(model, file)
    bare = without_weights(model)

    assert onnx.load_from_string(file.getvalue()) == model
    assert model.graph.initializer and not bare.graph.initializer
    bare.graph.initializer.extend(model.graph.initializer)
    assert bare == model
