"""The command line: exit statuses, what goes to stdout and what to stderr, and never a traceback."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from models import dense_net, one_node

from onnx_bridge import VerificationError, __version__
from onnx_bridge.cli import Progress, main, supported


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A small model on disk: x [N, 3] -> y [N, 2]."""
    path = tmp_path / "small net.onnx"
    onnx.save(dense_net(), path)
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """The exit status, stdout and stderr of a command."""
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as stop:  # argparse
        status = int(stop.code or 0)
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return status, out, err


def test_convert_writes_three_files(net: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "made" / "here"

    status, text, err = run(capsys, "convert", net, "-o", out)

    assert (status, err) == (0, "")
    assert sorted(path.name for path in out.iterdir()) == ["small_net.dat", "small_net.hxx", "small_net.onnx"]
    assert "compared with onnxruntime" in text
    assert all(name in text.splitlines()[-1] for name in ("small_net.dat", "small_net.hxx", "small_net.onnx"))


def test_the_models_own_file_is_not_written_over(net: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Converted where it lies, under its own name, which is what the command does unless it is told another folder."""
    model = tmp_path / "small_net.onnx"
    model.write_bytes(before := net.read_bytes())
    status, text, _ = run(capsys, "convert", model, "-o", tmp_path, "--no-verify")

    assert status == 0 and "small_net.normal.onnx" in text
    assert model.read_bytes() == before
    onnx.checker.check_model(str(tmp_path / "small_net.normal.onnx"))


def test_convert_takes_options(net: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name, a fixed dim, embedded weights, text that does not include itself, and no proof."""
    options = ["--name", "other", "--dim", "N=4", "--weights", "header", "--no-self-include", "--no-verify"]
    status, text, _ = run(capsys, "convert", net, "-o", tmp_path, *options)
    header = (tmp_path / "other.hxx").read_text()

    assert status == 0
    assert "not compared" in text
    assert not (tmp_path / "other.dat").exists()
    assert "namespace other" in header
    assert "[4, 3]" in header
    assert "ONNX_BRIDGE_SELF" not in header


def test_check_says_that_a_model_converts(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "check", net) == (0, "converts\n", "")


def test_check_lists_everything_in_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "odd.onnx"
    onnx.save(one_node("Frobnicate", domain="odd.domain"), path)

    status, text, err = run(capsys, "check", path)

    assert (status, err) == (1, "")
    assert "odd.domain.Frobnicate" in text


def test_verify_prints_the_table(net: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for index in range(2):
        np.savez(tmp_path / f"{index}.npz", x=np.full((index + 1, 3), index, np.float32))

    plain = run(capsys, "verify", net)
    status, text, err = run(capsys, "verify", net, "--inputs", tmp_path / "0.npz", tmp_path / "1.npz")

    assert (status, err) == (0, "")
    assert calls(text) == calls(plain[1]) + 2
    assert "ok" in text


def calls(report: str) -> int:
    """How many sets of inputs a report says were compared."""
    return int(report.split(" sets of inputs")[0].split()[-1])


def test_verify_exits_1_where_the_answers_differ(net: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def differs(*_: object, **__: object) -> None:
        raise VerificationError("small: the compiled code and onnxruntime differ\n(a table)", "the report")

    monkeypatch.setattr(sys.modules["onnx_bridge.pipeline"], "convert", differs)

    assert run(capsys, "verify", net) == (1, "the report\n", "onnx-bridge: small: the compiled code and onnxruntime differ\n")


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("missing.npz", lambda path: None),
        ("text.npz", lambda path: path.write_text("no archive")),
        ("empty.npz", lambda path: path.write_bytes(b"")),
        ("one.npy", lambda path: np.save(path, np.zeros(3))),
        ("objects.npz", lambda path: np.savez(path, x=np.array([{}], dtype=object))),
    ],
)
def test_inputs_that_cannot_be_read(
    name: str, write: Callable[[Path], object], net: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing in an archive is unpickled."""
    path = tmp_path / name
    write(path)

    status, text, err = run(capsys, "verify", net, "--inputs", path)

    assert (status, text) == (1, "")
    assert err.startswith("onnx-bridge: inputs ")
    assert name in err


def test_ops_lists_the_registry(capsys: pytest.CaptureFixture[str]) -> None:
    status, text, _ = run(capsys, "ops")
    *rows, total = text.splitlines()

    assert status == 0
    assert [row.split()[:2] for row in rows] == [[row.domain, row.name] for row in supported()]
    assert total.startswith(f"{len(rows)} operators")


@pytest.mark.parametrize("command", ["convert", "check", "verify"])
@pytest.mark.parametrize("content", [None, b"", b"\x08\x07not a model"], ids=["missing", "empty", "garbage"])
def test_a_bad_model_is_one_message(command: str, content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.onnx"
    if content is not None:
        path.write_bytes(content)

    status, text, err = run(capsys, command, path)

    assert (status, text) == (1, "")
    assert err.startswith("onnx-bridge: ")
    assert "bad.onnx" in err


def test_a_folder_that_cannot_be_written_is_one_message(net: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")

    status, _, err = run(capsys, "convert", net, "-o", tmp_path / "file", "--no-verify")

    assert status == 1
    assert err.startswith("onnx-bridge: cannot read or write")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["frobnicate"],
        ["convert"],
        ["convert", "a.onnx", "--dim", "N"],
        ["convert", "a.onnx", "--dim", "N=-1"],
        ["convert", "a.onnx", "--dim", "=3"],
        ["convert", "a.onnx", "--embed"],
        ["check", "a.onnx", "b.onnx"],
        ["verify", "a.onnx", "--inputs"],
        ["ops", "more"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, text, err = run(capsys, *arguments)

    assert (status, text) == (2, "")
    assert "usage: onnx-bridge" in err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"onnx-bridge {__version__}\n", "")


def test_as_a_module_and_into_a_closed_pipe(net: Path) -> None:
    """`python -m onnx_bridge` is the command; a reader that goes away early is no error that anybody sees."""
    command = [sys.executable, "-m", "onnx_bridge"]
    ran = subprocess.run([*command, "check", net], capture_output=True, text=True, check=False)
    read, write = os.pipe()
    os.close(read)
    closed = subprocess.run([*command, "ops"], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)

    assert (ran.returncode, ran.stdout) == (0, "converts\n")
    assert (closed.returncode, closed.stderr) == (1, "")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    shown, silent = Terminal(), io.StringIO()
    for stream in (shown, silent):
        with Progress(stream) as progress:
            progress("read")
            progress("compile")

    assert [line.split()[0] for line in shown.getvalue().splitlines()] == ["read", "compile"]
    assert all(line.endswith(" s") for line in shown.getvalue().splitlines())
    assert silent.getvalue() == ""


def test_progress_with_rich() -> None:
    pytest.importorskip("rich", reason="rich is optional")
    shown = Terminal()
    with Progress(shown) as progress:
        progress("read")

    assert "read" in shown.getvalue()


def test_json_is_one_document(net: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was converted and compared, what stands in the way, what is supported, what went wrong."""
    odd = tmp_path / "odd.onnx"
    onnx.save(one_node("Frobnicate", domain="odd.domain"), odd)

    status, text, err = run(capsys, "convert", "--json", net, "-o", tmp_path)
    made = json.loads(text)
    refused = run(capsys, "convert", "--json", odd)
    failed = json.loads(refused[1])

    assert (status, err) == (0, "")
    assert [Path(file).suffix for file in made["files"]] == [".hxx", ".dat", ".onnx"]
    assert made["report"]["rows"][0]["passed"] is True
    assert (refused[0], refused[2]) == (1, "")
    assert failed["error"] == "UnsupportedModel" and failed["findings"][0]["op"] == "odd.domain.Frobnicate"
    assert json.loads(run(capsys, "check", "--json", net)[1]) == {"converts": True, "findings": []}
    assert json.loads(run(capsys, "ops", "--json")[1])[0]["domain"] == "ai.onnx"


def test_quiet_prints_no_results(net: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "convert", "-q", net, "-o", tmp_path) == (0, "", "")
    assert run(capsys, "check", "--quiet", net) == (0, "", "")
    status, text, err = run(capsys, "check", "--quiet", tmp_path / "missing.onnx")
    assert (status, text) == (1, "") and "missing.onnx" in err


def test_demo(capsys: pytest.CaptureFixture[str]) -> None:
    """The demo's model converts, decides as well as onnxruntime, and is far better than guessing."""
    status, text, err = run(capsys, "demo")
    row = next(line for line in text.splitlines() if line.startswith("accuracy"))
    theirs, ours = map(float, row.split()[-2:])

    assert (status, err) == (0, "")
    assert ours == theirs > 0.9
    assert "us" in text


def test_the_saved_weights_are_safetensors(net: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Any tool of that ecosystem reads them; here by the format itself."""
    run(capsys, "convert", net, "-o", tmp_path, "--no-verify")
    raw = (tmp_path / "small_net.dat").read_bytes()
    table = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])

    assert table.pop("__metadata__")["model"] == "small_net"
    assert all(entry["dtype"] in ("F32", "U8") for entry in table.values())
    assert max(entry["data_offsets"][1] for entry in table.values()) == len(raw) - 8 - int.from_bytes(raw[:8], "little")
