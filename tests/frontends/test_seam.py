"""What all front ends share: what the caller says, processes of their own, what is printed, objects named in Python files."""

from __future__ import annotations

import importlib.util
import io
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import onnx_bridge
from onnx_bridge import ArgumentError, ExportError, InferenceError
from onnx_bridge.frontends import command_line, framework_of, python_objects
from onnx_bridge.frontends.arrays import plain
from onnx_bridge.frontends.exported import innermost, require
from onnx_bridge.frontends.quiet import quiet
from onnx_bridge.frontends.request import dynamic_axes
from onnx_bridge.processes import messages

# ---- what the caller says


def test_the_leading_axis_is_the_batch() -> None:
    """Of every input that is as long as the first; a scalar has none, and a table of another length is no batch."""
    names, shapes = ["x", "n", "table", "z"], [(2, 3), (), (7, 3), (2,)]

    assert dynamic_axes(names, shapes, None) == [{0: "batch"}, {}, {}, {0: "batch"}]


def test_what_is_said_of_an_input_counts() -> None:
    names, shapes = ["x", "z"], [(2, 3, 4), (2, 3)]

    assert dynamic_axes(names, shapes, {"x": {0: "n", -1: "time"}}) == [{0: "n", 2: "time"}, {0: "batch"}]
    assert dynamic_axes(names, shapes, {1: {}}) == [{0: "batch"}, {}]


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"w": {0: "n"}}, "no input 'w'; the inputs are x"),
        ({1: {0: "n"}}, "no input 1"),
        ({"x": {2: "n"}}, "no axis 2"),
        ({"x": {"0": "n"}}, "no axis '0'"),
        ({"x": {0: "my batch"}}, "identifier"),
        ({"x": ["n"]}, "mapping"),
    ],
)
def test_what_cannot_be_said(said: dict, says: str) -> None:
    with pytest.raises(ExportError, match=says):
        dynamic_axes(["x"], [(2, 3)], said)


def test_words_of_the_command_line(tmp_path: Path) -> None:
    np.savez(tmp_path / "more.npz", z=np.arange(3))
    made = command_line.example_inputs(["x=2,3", "tokens=1,4:int64", "n=", str(tmp_path / "more.npz")])

    assert made is not None
    assert {name: (value.shape, value.dtype.name) for name, value in made.items()} == {
        "x": ((2, 3), "float32"), "tokens": ((1, 4), "int64"), "n": ((), "float32"), "z": ((3,), "int64"),
    }  # fmt: skip
    assert command_line.example_inputs([]) is None and command_line.dynamic([]) is None
    assert command_line.dynamic(["x:0=batch", "x:-1=time", "table"]) == {"x": {0: "batch", -1: "time"}, "table": {}}


@pytest.mark.parametrize("word", ["x=2,three", "x=-1", "2x=3", "x=2:complex64", "nowhere.npz", "x=2:nothing"])
def test_words_that_are_no_inputs(word: str) -> None:
    with pytest.raises(InferenceError, match=word.split("=")[0]):
        command_line.example_inputs([word])


@pytest.mark.parametrize("word", ["x:batch", "x:0=", ":0=batch", "x:a=b", "x:0=my batch", ""])
def test_words_that_are_no_dynamic_axes(word: str) -> None:
    with pytest.raises(InferenceError, match="INPUT:AXIS=NAME"):
        command_line.dynamic([word])


# ---- processes of their own


def test_messages_arrive_as_they_were() -> None:
    message = {
        "a": [1, 2.5, "text", None, True, (np.arange(6, dtype=np.int16).reshape(2, 3), b"\0\1")],
        0: {"empty": np.zeros((0, 2), np.float32), "scalar": np.float64(3)},
    }
    stream = io.BytesIO()
    messages.send(stream, message)
    stream.seek(0)
    got = messages.receive(stream)

    assert got["a"][:5] == message["a"][:5] and isinstance(got["a"][5], tuple) and got["a"][5][1] == b"\0\1"
    assert np.array_equal(got["a"][5][0], message["a"][5][0]) and got["a"][5][0].dtype == np.int16
    assert got[0]["empty"].shape == (0, 2) and got[0]["scalar"] == 3


def test_short_floats_arrive_as_they_were() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for value in (np.array([[1.5, -2]], ml_dtypes.bfloat16), ml_dtypes.bfloat16(3)):
        stream = io.BytesIO()
        messages.send(stream, {"x": value})
        stream.seek(0)
        got = messages.receive(stream)["x"]
        assert got.dtype == ml_dtypes.bfloat16 and got.shape == np.shape(value) and np.array_equal(got, value)


def test_what_numpy_understands_is_taken() -> None:
    """In whatever structure; what is no array stays as it is."""

    class Exchanged:
        def __dlpack__(self, **said: object) -> object:
            return np.arange(3.0).__dlpack__(**said)

        def __dlpack_device__(self) -> tuple[int, int]:
            return (1, 0)

    class Eager:
        def numpy(self) -> np.ndarray:
            return np.ones((2, 3), np.float32)

    made = plain({"a": (Exchanged(), [np.float32(2), None, "text", 3]), 0: Eager()})
    assert isinstance(made["a"], tuple) and isinstance(made["a"][1], list) and made["a"][1][1:] == [None, "text", 3]
    assert np.array_equal(made["a"][0], [0, 1, 2]) and made["a"][1][0] == 2 and made[0].shape == (2, 3)


def test_tensors_of_every_framework_are_taken() -> None:
    found = [name for name in ("torch", "tensorflow", "jax") if importlib.util.find_spec(name)]
    if not found:
        pytest.skip("no framework is installed")
    wanted = np.array([[1.5, -2.0]], np.float32)
    if "torch" in found:
        import torch

        tensor = torch.tensor(wanted, requires_grad=True)
        made = [tensor, tensor.bfloat16(), torch.nn.Parameter(tensor), tensor.t().contiguous().t(), tensor.to_sparse()]
        assert all(np.array_equal(plain((value,))[0], wanted) for value in made)
        assert plain(tensor.bfloat16()).dtype.name == "bfloat16" and plain(tensor.double()).dtype == np.float64
        assert plain(torch.view_as_complex(tensor.detach()).conj()).item() == 1.5 + 2j
    if "tensorflow" in found:
        import tensorflow as tf

        assert all(np.array_equal(plain(value), wanted) for value in (tf.constant(wanted), tf.Variable(wanted)))
        assert plain(tf.constant(wanted, tf.bfloat16)).dtype.name == "bfloat16"
        with pytest.raises(ArgumentError, match=r"example_inputs\['x'\]: this tensorflow.TensorSpec"):
            plain({"x": tf.TensorSpec((2, 3))})
    if "jax" in found:
        import jax

        assert np.array_equal(plain(jax.numpy.asarray(wanted)), wanted)
        assert plain(jax.numpy.asarray(wanted, "bfloat16")).dtype.name == "bfloat16"
        with pytest.raises(ArgumentError, match="this jax.ShapeDtypeStruct"):
            plain(jax.ShapeDtypeStruct((2, 3), "float32"))


@pytest.mark.parametrize("value", [object(), np.array([object()]), np.array(["text"]), np.zeros(2, "f4,i4"), {1, 2}])
def test_what_is_no_array_is_named(value: object) -> None:
    with pytest.raises(ArgumentError, match=r"example_inputs\['x'\]\[1\]: this .*array of numbers"):
        plain({"x": [1, value]})


def test_no_object_is_pickled() -> None:
    with pytest.raises(TypeError, match="numpy arrays"):
        messages.send(io.BytesIO(), {"x": object()})
    with pytest.raises(TypeError, match="Python objects"):
        messages.send(io.BytesIO(), {"x": np.array([object()])})


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import os\nprint('last words', flush=True)\nos._exit(7)", ["status 7", "last words"]),
        ("raise ValueError('a reason')", ["fails as it is imported", "a reason"]),
        ("import nothing_of_this_name", ["nothing_of_this_name"]),
        ("model = 3", ["is a int, not a model"]),
        ("other = 3", ["has no 'model'"]),
    ],
)
def test_a_named_object_that_fails(code: str, says: list[str], tmp_path: Path) -> None:
    (tmp_path / "made.py").write_text(code)

    with pytest.raises(ExportError) as caught:
        onnx_bridge.convert(f"{tmp_path / 'made.py'}:model")
    assert all(part in str(caught.value) for part in says)


def test_arrays_of_objects_cannot_go_to_another_process(tmp_path: Path) -> None:
    (tmp_path / "made.py").write_text("model = 3")

    with pytest.raises(ArgumentError, match="example_inputs: this object is no array of numbers"):
        onnx_bridge.convert(f"{tmp_path / 'made.py'}:model", example_inputs=object())


def test_a_module_to_import_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "made.py").write_text("model = 3")

    with pytest.raises(ExportError, match="cannot import 'nothing_of_this_name'"):
        onnx_bridge.convert(f"{tmp_path / 'made.py'}:model", imports=["nothing_of_this_name"])


def test_names_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is a name unless a file is called so; a path of Windows is none."""
    monkeypatch.chdir(tmp_path)
    assert python_objects.is_name("package.module:model") and python_objects.is_name("folder/train.py:net.encoder")
    assert not any(map(python_objects.is_name, ("model.onnx", "C:\\models\\a.onnx", Path("a:b"))))
    Path("a:b").touch()
    assert not python_objects.is_name("a:b")


def test_what_is_of_no_framework(tmp_path: Path) -> None:
    """ONNX goes on as ONNX; what is nothing is refused as no model."""
    assert framework_of("model.onnx") is None and framework_of(b"") is None and framework_of(3) is None
    with pytest.raises(onnx_bridge.InvalidModel, match="not int"):
        onnx_bridge.convert(3)


# ---- what is printed


def test_whatever_is_printed_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    """From Python, from C, by loggers with handlers of their own, as warnings; afterwards everything is as it was."""
    logger = logging.getLogger("test.quiet")
    handler = logging.StreamHandler(sys.stderr)
    logger.addHandler(handler)
    with quiet() as log:
        print("by print")
        print("by stderr", file=sys.stderr)
        os.write(1, b"by descriptor\n")
        subprocess.run(["echo", "by child"], check=True)
        logger.error("by logger")
        warnings.warn("by warning", stacklevel=1)
    print("after")
    logger.removeHandler(handler)

    captured = capfd.readouterr()
    assert captured.out == "after\n" and captured.err == ""
    for way in ("print", "stderr", "descriptor", "child", "logger", "warning"):
        assert f"by {way}" in log.text


def test_an_error_passes_through() -> None:
    with pytest.raises(ValueError, match="inside"), quiet() as log:
        print("before")
        raise ValueError("inside")
    assert "before" in log.text


# ---- errors


def test_a_missing_framework_is_named() -> None:
    with pytest.raises(ExportError, match=r"'nothing_of_this_name'.*pip install 'onnx_bridge\[torch\]'"):
        require("nothing_of_this_name", "PyTorch", "torch")


def test_the_innermost_error_speaks() -> None:
    try:
        try:
            raise KeyError("the cause")
        except KeyError as cause:
            raise RuntimeError("a wrapper") from cause
    except RuntimeError as error:
        assert "the cause" in innermost(error)
