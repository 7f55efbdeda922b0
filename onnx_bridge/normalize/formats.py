"""Files that are no ONNX models: what each is, and how to come from it to a model that can be converted."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

#: Whether a file is of a kind: of its first bytes and its name in lower case.
_Is: TypeAlias = Callable[[bytes, str], bool]

#: How many bytes of a file are looked at.
_HEAD = 1 << 16


def _begins(*starts: bytes, at: int = 0) -> _Is:
    return lambda head, _: head[at:].startswith(starts)


def _ends(*suffixes: str) -> _Is:
    return lambda _, name: name.endswith(suffixes)


def _pickle(head: bytes, name: str) -> bool:
    return name.endswith((".pkl", ".pickle", ".joblib")) or (head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5"))


def _graph(head: bytes, name: str) -> bool:
    """A GraphDef of TensorFlow begins with a node, which begins with its name and its operator."""
    return name.endswith(".pb") or re.match(rb"\x0a[\x01-\xff][\x01-\x7f]?\x0a.[\w./-]+\x12.[A-Z]\w+", head, re.DOTALL) is not None


def _numpy(head: bytes, _: str) -> bool:
    return head.startswith(b"\x93NUMPY") or any(name.endswith(".npy") for name in _members(head))


def _members(head: bytes) -> list[str]:
    """What is in a zip archive, as far as its beginning shows."""
    try:
        with zipfile.ZipFile(io.BytesIO(head)) as archive:
            return archive.namelist()
    except zipfile.BadZipFile:
        return [match.decode("utf-8", "replace") for match in re.findall(rb"PK\x03\x04.{26}([\w./-]+)", head, re.DOTALL)]


_WEIGHTS = (
    'build the model in its framework\'s code, load the weights into it, and convert the live model (or "file.py:attribute", which makes '
    "it)"
)
_ORIGIN = "convert the model that it was made from: that of Keras, PyTorch or JAX, or its ONNX file"

#: Kinds of files, the surest signs first: how to see that it is one, what it is, and what to do.
_KINDS: tuple[tuple[_Is, str, str], ...] = (
    (
        _begins(b"version https://git-lfs"), "a pointer of Git LFS, not the file that it points to",
        "fetch the file: git lfs pull",
    ),
    (
        lambda head, _: head.lstrip()[:64].lower().startswith((b"<!doctype html", b"<html")), "a web page, not a model",
        "download the file itself (the \"raw\" one)",
    ),
    (
        _begins(b"TFL3", at=4), "a model of LiteRT (TensorFlow Lite)",
        "convert the Keras model or SavedModel that it was made from; where only this file is left, `python -m tf2onnx.convert --tflite "
        "model.tflite --output model.onnx` makes ONNX of it",
    ),
    (_begins(b"ORTM", at=4), "a model in onnxruntime's own format", "convert the .onnx file that it was made from"),
    (_begins(b"GGUF"), "weights of a language model for llama.cpp", _ORIGIN),
    (
        lambda _, name: Path(name).name == "saved_model.pb", "the graph of a SavedModel, whose weights lie beside it",
        "give the folder that it lies in",
    ),
    (
        _numpy, "an archive of numpy arrays, not a model",
        f"where they are weights, {_WEIGHTS}; where they are inputs to compare with, give them as inputs=[...], or --inputs FILE.npz",
    ),
    (
        lambda head, name: name.endswith(".safetensors") or re.match(rb".{8}\{\s*\"", head, re.DOTALL) is not None,
        "weights without a model (safetensors)", _WEIGHTS,
    ),
    (_ends(".ckpt", ".index", ".msgpack", ".data-00000-of-00001", ".weights"), "weights without a model", _WEIGHTS),
    (
        _pickle, "a Python pickle, which would run code of whoever wrote it, and is not opened",
        "load it yourself, if you trust it, and convert the live model of scikit-learn, XGBoost, LightGBM or another framework; on the "
        "command line name it as \"file.py:attribute\", in a Python file that loads it",
    ),
    (
        _ends(".mlmodel", ".mlpackage"), "a model of Core ML, from which no maintained tool makes ONNX",
        _ORIGIN,
    ),
    (_ends(".pbtxt"), "a graph of TensorFlow as text", "write a SavedModel (tf.saved_model.save) and give its folder"),
    (
        _graph, "a graph of TensorFlow (GraphDef) without its inputs and outputs, or another protobuf",
        "give the SavedModel's folder or the Keras model that it was frozen from; where only this file is left, name its inputs and "
        "outputs: `python -m tf2onnx.convert --graphdef model.pb --inputs x:0 --outputs y:0 --output model.onnx`",
    ),
    (_ends(".prototxt", ".caffemodel"), "a model of Caffe", "caffe2onnx, or MMdnn, makes ONNX of it"),
    (
        _ends(".engine", ".plan", ".trt", ".xml", ".bin", ".param", ".mnn", ".rknn", ".dlc", ".hef", ".blob"),
        "a model in the form of one inference engine (TensorRT, OpenVINO, ncnn or the like)", _ORIGIN,
    ),
    (
        lambda head, name: name.endswith((".ubj", ".lgb")) or head.startswith((b"tree\nversion=", b'{"learner"', b'{"version":[')),
        "a model of XGBoost or LightGBM in a form of its own",
        "load it with its library, and save it as .json or .txt, or convert the live booster",
    ),
    (
        lambda head, _: re.match(rb"\s*\{.*\"(class_name|keras_version)\"", head, re.DOTALL) is not None,
        "the architecture of a Keras model without its weights",
        "build the model (keras.models.model_from_json), load its weights, and convert the live model",
    ),
    (_ends(".py"), "a Python file", "name what in it is the model, or makes it: \"file.py:attribute\""),
    (
        lambda head, name: name.endswith((".tar", ".tgz", ".gz", ".7z", ".rar")) or head.startswith((b"\x1f\x8b", b"PK\3\4")),
        "an archive", "unpack it, and give the model that is in it",
    ),
)  # fmt: skip


def described(raw: bytes, name: str) -> str | None:
    """What a file is that is no ONNX model, and what to do; None where nothing is known of it.

    Args:
        raw: the file, or its beginning.
        name: of the file; empty where there is none.
    """
    for belongs, what, advice in _KINDS:
        if belongs(raw[:_HEAD], name.lower()):
            return f"is {what}: {advice}"
    return None


def described_folder(path: Path) -> str:
    """What a folder is that is no SavedModel, and what to do."""
    if path.suffix == ".mlpackage":
        return str(described(b"", path.name))
    held = {entry.name for entry in path.iterdir()}
    if "config.json" in held and any(name.endswith((".safetensors", ".bin")) for name in held):
        return "is a folder of Hugging Face's transformers or the like, weights and a configuration: load the model, convert the live one"
    if "checkpoint" in held or "_METADATA" in held or any(name.endswith(".index") for name in held):
        return f"is a checkpoint, weights without a model: {_WEIGHTS}"
    models = sorted(name for name in held if name.endswith((".onnx", ".keras", ".h5", ".pt", ".pt2")))
    if models:
        return f"is a folder; give the model that is in it: {', '.join(models[:5])}"
    return "is a folder, but no SavedModel of TensorFlow (there is no saved_model.pb in it)"


def described_object(model: object) -> str:
    """What to do with a live object that no front end knows; nothing where nothing is known of it."""
    package = type(model).__module__.partition(".")[0]
    if package in ("sklearn", "xgboost", "lightgbm"):
        return f" of {package}: a fitted estimator or a booster can be converted"
    if package == "catboost":
        return " of catboost: model.save_model(file, format='onnx') makes ONNX of it"
    return ": weights alone are no model" if isinstance(model, Mapping) else ""
