"""Files that are no ONNX models, and words that mean nothing for those that are: a message of its own for each."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import dense_net

from onnx_bridge import ArgumentError, ExportError, InvalidModel, check, convert
from onnx_bridge.normalize import read
from onnx_bridge.normalize.formats import described_object


def npz() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, weight=np.ones((2, 3)))
    return stream.getvalue()


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("model.onnx", b"")
    return stream.getvalue()


#: What a file holds, and words of what is said of it.
FILES: dict[str, tuple[bytes, str]] = {
    "frozen.pb": (b"\x0a\x1c\x0a\x01x\x12\x0bPlaceholder*\x0a\x0a\x05dtype\x12\x010", "graph of TensorFlow.*SavedModel.*--graphdef"),
    "saved_model.pb": (b"\x08\x01\x12\x0b\x0a\x09\x0a\x00\x12\x05serve", "SavedModel.*give the folder"),
    "graph.bin": (b"\x0a\x1c\x0a\x01x\x12\x0bPlaceholder*\x0a\x0a\x05dtype\x12\x010", "graph of TensorFlow"),
    "graph.pbtxt": (b"node {\n name: 'x' }", "as text.*SavedModel"),
    "model.tflite": (b"\x1c\0\0\0TFL3" + bytes(64), "LiteRT.*SavedModel.*--tflite"),
    "model.pkl": (pickle.dumps({"a": 1}), "pickle.*scikit-learn, XGBoost, LightGBM.*file.py:attribute"),
    "forest.joblib": (b"x\x9c\x00", "pickle.*if you trust it"),
    "renamed.onnx": (pickle.dumps({"a": 1}), "pickle.*code"),
    "weights.npz": (npz(), r"numpy arrays.*weights.*inputs=\[...\].*--inputs"),
    "weights.npy": (b"\x93NUMPY\x01\x00", "numpy arrays"),
    "model.mlmodel": (b"\x08\x04\x12\x02ab", "Core ML.*Keras, PyTorch or JAX"),
    "w.safetensors": (b'\x40\0\0\0\0\0\0\0{"a":{}}', "safetensors.*build the model"),
    "model.ckpt": (b"abc", "weights without a model"),
    "net.ort": (b"\x1c\0\0\0ORTM", "onnxruntime's own format.*onnx file"),
    "llama.gguf": (b"GGUF\3", "llama.cpp"),
    "net.engine": (b"ptrt", "one inference engine"),
    "net.xml": (b"<?xml version='1.0'?><net name='a'>", "one inference engine"),
    "deploy.prototxt": (b"layer { }", "Caffe"),
    "booster.ubj": (b"{L\0\0", "XGBoost or LightGBM.*live booster"),
    "model.json": (b'{"class_name": "Functional", "config": {}}', "architecture.*load its weights"),
    "train.py": (b"model = 1", "file.py:attribute"),
    "model.onnx": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
    "page.onnx": (b"<!DOCTYPE html><html>", "web page"),
    "model.zip": (zipped(), "an archive.*unpack"),
    "model.tar.gz": (b"\x1f\x8b\x08", "an archive.*unpack"),
    "noise.onnx": (b"\xff" * 50, "not an ONNX model, or is truncated"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_kind_is_named(name: str, tmp_path: Path) -> None:
    content, says = FILES[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidModel, match=f"(?s)'.*{name}':? is .*{says}"):
        convert(str(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "held", "says"),
    [
        ("bert", ("config.json", "model.safetensors"), "Hugging Face.*live one"),
        ("run", ("checkpoint", "model.index"), "checkpoint, weights without a model"),
        ("net.mlpackage", ("Manifest.json",), "Core ML"),
        ("models", ("b.onnx", "a.keras"), "give the model that is in it: a.keras, b.onnx"),
        ("nothing", (), "no SavedModel.*saved_model.pb"),
    ],
)
def test_a_folder_of_another_kind_is_named(name: str, held: tuple[str, ...], says: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    for file in held:
        (tmp_path / name / file).touch()
    with pytest.raises(InvalidModel, match=says):
        convert(tmp_path / name)


def test_an_object_of_another_kind_is_named() -> None:
    forest = type("Forest", (), {"__module__": "sklearn.ensemble._forest"})()
    assert "fitted estimator" in described_object(forest) and described_object(3) == ""
    with pytest.raises(InvalidModel, match="not dict: weights alone are no model"):
        convert({"weight": np.ones(3)})


def test_onnx_is_onnx_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "model.pb").write_bytes(dense_net().SerializeToString())
    assert check(tmp_path / "model.pb") == []


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"dynamic": {"x": {0: "batch"}}}, r"dynamic: .* is ONNX.*its inputs are x \[.*\].*dims="),
        ({"dynamic": {}}, "dynamic: "),
        ({"example_inputs": np.ones((2, 3))}, r"example_inputs: .* is ONNX.*x \[.*\].*inputs=\["),
        ({"trusted": True}, "trusted: .* is ONNX"),
    ],
)
def test_what_means_nothing_for_onnx_is_refused(said: dict[str, Any], says: str) -> None:
    for face in (convert, check):
        with pytest.raises(ArgumentError, match=says):
            face(dense_net(), **said)


def test_modules_are_imported_for_onnx_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may declare its operators."""
    (tmp_path / "own_operators_of_a_test.py").write_text("import os\nos.environ['OWN_OPERATORS'] = 'here'")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("OWN_OPERATORS", raising=False)
    assert check(dense_net(), imports=["own_operators_of_a_test"]) == []
    import os

    assert os.environ.pop("OWN_OPERATORS") == "here"
    with pytest.raises(ExportError, match="cannot import 'nothing_of_this_name'"):
        check(dense_net(), imports=["nothing_of_this_name"])


def test_a_folder_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", forbidden)
    with pytest.raises(InvalidModel, match="cannot read the model .*Permission denied"):
        read(tmp_path)
