"""scripts/replay.py: two records of one state are equal, and what differs is named by model and part."""

import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent / "scripts"))
import replay


def run(*words: object) -> int:
    """The script with a command line, in this process; its exit status."""
    before = sys.argv
    sys.argv = ["replay.py", *map(str, words)]
    try:
        return replay.main()
    finally:
        sys.argv = before


def test_records_of_one_state_are_equal_and_a_change_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / "before.json", tmp_path / "after.json"]
    for file in files:
        assert run(file, "--only", "cases", "--match", "Gemm_0|Relu_0|Clip_0", "--keep", file.with_suffix(""), "--processes", 1) == 0

    assert run("--compare", *files) == 0

    after = json.loads(files[1].read_text())
    assert all(after[name].keys() == set(replay.PARTS) for name in after)
    after["cases/ai.onnx.Gemm_0"]["network"] = "another"
    after["cases/ai.onnx.Relu_0"] = {"refused": "UnsupportedModel: no"}
    files[1].write_text(json.dumps(after))
    header = tmp_path / "after/cases/ai.onnx.Gemm_0.hxx"
    header.write_text(header.read_text().replace("// ---- the network", "// ---- another network"))
    capsys.readouterr()

    assert run("--compare", *files, "--diff", 20) == 1
    said = capsys.readouterr().out
    assert "cases/ai.onnx.Gemm_0: network" in said
    assert "cases/ai.onnx.Relu_0: converted -> UnsupportedModel: no" in said
    assert "+// ---- another network" in said
    assert "Clip_0" not in said


def test_the_parts_of_a_header_are_its_text() -> None:
    from zoo import ZOO

    from onnx_bridge import convert

    header = convert(next(iter(ZOO.values()))(), verify=False).emitted.header
    parts = replay.parts_of(header)

    text = replay._VERSION.sub("onnx_bridge", header)
    kernels, undefined = parts["kernels"].split("\n}\n\n#undef ")
    assert parts["face"] + kernels + parts["network"] + "\n}\n\n#undef " + undefined == text
    assert "static bool run(" in parts["network"]
    assert "run(" not in parts["kernels"].splitlines()[0]
