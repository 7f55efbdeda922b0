"""Models of Keras in files, and SavedModels of TensorFlow: which Keras wrote them, and reading them with that one."""

from __future__ import annotations

import importlib.metadata
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.exported import innermost, require
from onnx_bridge.frontends.request import Request

#: What a process must have before TensorFlow is imported there. Convolutions with the channels first are oneDNN's alone on a CPU, and
#: TensorFlow uses it by itself on some processors only.
TENSORFLOW = {"TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "1"}

_HDF5 = (".h5", ".hdf5")


def reads(path: Path) -> bool:
    """Whether it is a model of Keras or a SavedModel, by its name, or by what lies in the folder."""
    return (path.suffix in (".keras", *_HDF5) and path.exists()) or (path / "saved_model.pb").is_file()


def environment(path: Path) -> Mapping[str, str]:
    """Variables of the process that reads the file: TensorFlow computes, and Keras 2 is what `tf.keras` means to its user's layers."""
    found = {"KERAS_BACKEND": "tensorflow", **TENSORFLOW}
    try:
        old = path.suffix == ".keras" and _of_keras(path)[0] == 2
    except ExportError:
        return found
    return {**found, "TF_USE_LEGACY_KERAS": "1"} if old and _installed("keras")[:1] == (3,) else found


def load(path: Path, request: Request) -> Any:
    """The model in a file.

    Raises:
        ExportError: it is damaged, of another version, holds weights alone, or code that nobody vouched for.
    """
    if (path / "saved_model.pb").is_file():
        return _saved_model(path)
    wrote = _of_keras(path) if path.suffix == ".keras" else _of_hdf5(path, request.trusted)
    keras, name = _keras_for(path, wrote)
    saving = getattr(keras, "saving", None) or keras.models
    options = {} if path.suffix in _HDF5 and name != "keras" else {"safe_mode": not request.trusted}
    try:
        return saving.load_model(str(path), compile=False, **options)
    except Exception as error:
        raise _refused(path, wrote, name, error, request) from error


def _refused(path: Path, wrote: tuple[int, ...], name: str, error: Exception, request: Request) -> ExportError:
    words = innermost(error)
    if not request.trusted and re.search(r"safe_mode|unsafe deserialization|arbitrary code", str(error), re.IGNORECASE):
        return _untrusted(path, f"Keras says: {words}")
    if wrote > _installed(name):
        return ExportError(
            f"{path.name} was written by Keras {_dotted(wrote)}, here is Keras {_dotted(_installed(name))}, which cannot read it: install "
            f"one at least as new (pip install 'keras>={_dotted(wrote)}'). Keras says: {words}"
        )
    if _UNKNOWN.search(str(error)):
        return ExportError(
            f"{path.name} has layers or functions that Keras does not know: name the modules that register them "
            f"(keras.saving.register_keras_serializable), imports=['my_layers'] or --import my_layers. Keras says: {words}"
        )
    return ExportError(f"{path.name} cannot be read by Keras {_dotted(_installed(name))}: {words}")


_UNKNOWN = re.compile(
    r"[Uu]nknown (layer|object)|[Cc]ould not (locate|deserialize) (class|function)|not registered|cannot be imported|of class Layer"
)


def _untrusted(path: Path, words: str) -> ExportError:
    return ExportError(
        f"{path.name} holds code of its own, a Lambda layer most likely, which runs when it is read. If you trust where it comes from, say "
        f"so: trusted=True, or --trusted. {words}"
    )


def _keras_for(path: Path, wrote: tuple[int, ...]) -> tuple[Any, str]:
    """The Keras that reads the file as it was meant: `hard_sigmoid`, for one, is another function since Keras 3."""
    tf = require("tensorflow", "Keras", "keras")
    if wrote[0] >= 3:
        if _installed("keras")[:1] == (2,):
            raise ExportError(
                f"{path.name} was written by Keras {_dotted(wrote)}, here is Keras {_dotted(_installed('keras'))}, which cannot read it: "
                f"pip install 'keras>={_dotted(wrote)}'"
            )
        return require("keras", "Keras", "keras"), "keras"
    if _installed("keras")[:1] == (2,):
        return require("keras", "Keras", "keras"), "keras"
    minor = ".".join(str(tf.__version__).split(".")[:2])
    if not _installed("tf_keras"):
        raise ExportError(
            f"{path.name} was written by Keras {_dotted(wrote)}, which Keras 3 reads wrongly or not at all; the package tf_keras reads it: "
            f"pip install --no-deps 'tf_keras=={minor}.*' (its minor version is TensorFlow's)"
        )
    return require("tf_keras", "Keras 2", "keras"), "tf_keras"


def _of_keras(path: Path) -> tuple[int, ...]:
    """The version that wrote a .keras file, a zip archive or a folder."""
    try:
        if path.is_dir():
            return _numbers(json.loads((path / "metadata.json").read_text())["keras_version"])
        with zipfile.ZipFile(path) as archive:
            return _numbers(json.loads(archive.read("metadata.json"))["keras_version"])
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ExportError(f"{path.name} is no model that Keras saved, or is damaged: {innermost(error)}") from None


def _of_hdf5(path: Path, trusted: bool) -> tuple[int, ...]:
    """The version that wrote an HDF5 file. Of its Lambda layers no Keras but the newest asks whether they are trusted."""
    h5py = require("h5py", "Keras", "keras")
    try:
        with h5py.File(path, "r") as file:
            if "model_config" not in file.attrs:
                raise ExportError(
                    f"{path.name} holds weights without the model that they are of: build the model, model.load_weights(...), and "
                    f"convert the live model, or save it whole (model.save)"
                )
            version, config = file.attrs.get("keras_version", "2.0.0"), file.attrs["model_config"]
    except OSError as error:
        raise ExportError(f"{path.name} is no HDF5 file, or is damaged: {innermost(error)}") from None
    text = config.decode() if isinstance(config, bytes) else str(config)
    if not trusted and re.search(r'"class_name":\s*"Lambda"', text):
        raise _untrusted(path, "Its configuration has a Lambda layer.")
    return _numbers(version.decode() if isinstance(version, bytes) else str(version))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _installed(package: str) -> tuple[int, ...]:
    """The version of a package; nothing if there is none. It is not imported."""
    try:
        return _numbers(importlib.metadata.version(package))
    except importlib.metadata.PackageNotFoundError:
        return ()


def _saved_model(path: Path) -> Any:
    tf = require("tensorflow", "TensorFlow", "keras")
    try:
        return tf.saved_model.load(str(path))
    except Exception as error:
        raise ExportError(f"{path.name} is a SavedModel that TensorFlow {tf.__version__} cannot load: {innermost(error)}") from error
