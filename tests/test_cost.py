"""What a conversion costs, counted as work: how often weights are packed, compilers called, tensors looked at. No test measures time."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from zoo import ZOO

from onnx_bridge import convert
from onnx_bridge.emit.writer import CppWriter
from onnx_bridge.runtime.compiled import built, compile_emitted
from onnx_bridge.runtime.isolated import IsolatedModel
from onnx_bridge.verify.localise import localise


def test_weights_are_packed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the header that is compared, the one that is handed over, and the one that a fault is found with."""
    packed: list[str] = []
    weight = CppWriter.weight

    def counted(self: CppWriter, name: str, array: np.ndarray) -> str:
        packed.append(name)
        return weight(self, name, array)

    monkeypatch.setattr(CppWriter, "weight", counted)
    made = convert(ZOO["conv_net"](), name="conv_net")
    once = len(packed)
    assert made.report.passed and once >= len(made.emitted.weights.arrays) > 0
    feeds = {t.name: np.ones(t.type.shape_at(dict.fromkeys(made.model.symbols, 2)), np.float32) for t in made.model.inputs}
    assert "no intermediate tensor differs" in localise(made.model, made.emitted, made.normal, feeds, dict.fromkeys(made.model.symbols, 2))

    assert len(packed) == once
    assert made.emitted.with_taps().weights is made.emitted.weights


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
