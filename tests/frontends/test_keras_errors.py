"""What the Keras front end refuses, and what it says: the layer or package, the framework's own words, and what to do."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from harness import needs

pytestmark = needs("keras")

import keras
import numpy as np
import tensorflow as tf
from keras_cases import KERAS, graph

import onnx_bridge
from onnx_bridge import ExportError
from onnx_bridge.frontends import Exported, Request, export, framework_of
from onnx_bridge.frontends.keras import files as keras_files

L = keras.layers


def exported(model: Any, **said: Any) -> Exported:
    return export(model, "keras", Request(**said))


def dims(made: Exported) -> list[list[Any]]:
    return [[dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in made.model.graph.input]


class Net(keras.Model):
    """Subclassed."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = L.Dense(3)

    def call(self, x: Any) -> Any:
        return self.dense(x)


class Pair(keras.Model):
    """Two arguments."""

    def call(self, left: Any, right: Any) -> Any:
        return left @ tf.transpose(right)


def mlp() -> Any:
    return graph({"x": (4,)}, lambda L, x: L.Dense(2)(x))


# --- what is recognised


def test_models_functions_and_modules_are_recognised() -> None:
    function = tf.function(lambda x: x)
    concrete = function.get_concrete_function(tf.TensorSpec([None], tf.float32))
    for thing in (mlp(), Net(), L.Dense(2), keras.Sequential(), function, concrete, tf.Module()):
        assert framework_of(thing) == "keras", thing
    assert framework_of(np.zeros(3)) is None


def test_neither_looking_for_the_front_end_nor_reading_a_files_kind_imports_a_framework(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    mlp().save(path)
    code = (
        "import sys; from onnx_bridge.frontends import framework_of, frontend\n"
        f"assert framework_of({str(path)!r}) == 'keras'; frontend('keras').environment(__import__('pathlib').Path({str(path)!r}))\n"
        "assert not {'tensorflow', 'keras', 'tf2onnx'} & set(sys.modules)"
    )
    root = Path(onnx_bridge.__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


# --- models


def test_a_model_that_was_never_built_is_refused() -> None:
    with pytest.raises(ExportError, match=r"'net.*was never built.*call it once.*example_inputs"):
        exported(Net())
    with pytest.raises(ExportError, match="was never built"):
        exported(keras.Sequential([L.Dense(3)]))


def test_a_function_without_a_signature_is_refused() -> None:
    with pytest.raises(ExportError, match="does not say what it takes: give convert its example_inputs"):
        exported(tf.function(lambda x: x + 1))


def test_a_module_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(ExportError, match="without __call__"):
        exported(tf.Module())


def test_a_stateful_layer_is_refused() -> None:
    x = L.Input(batch_shape=(2, 5, 3))
    with pytest.raises(ExportError, match="gru.* are stateful.*stateful=False"):
        exported(keras.Model(x, L.GRU(4, stateful=True)(x)))


def test_an_input_of_strings_is_refused() -> None:
    x = L.Input((1,), dtype="string", name="word")
    lookup = L.StringLookup(vocabulary=["a", "b"])
    with pytest.raises(ExportError, match="'word' holds strings"):
        exported(keras.Model(x, lookup(x)))


def test_a_model_of_no_tensor_is_refused() -> None:
    with pytest.raises(ExportError, match="returns no tensor"):
        exported(tf.function(lambda x: None), example_inputs=np.zeros((2, 3), np.float32))


def test_a_layer_that_fails_is_reported_in_its_own_words() -> None:
    class Broken(L.Layer):
        def call(self, x: Any) -> Any:
            raise ValueError("no such calibration")

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    model = keras.Sequential([Broken(name="calibrate"), L.Dense(2)])
    with pytest.raises(ExportError, match="refuses to run the model.*calibrat"):
        exported(model, example_inputs=np.zeros((2, 3), np.float32))


# --- example inputs and dynamic dims


def test_wrong_example_inputs_are_refused() -> None:
    with pytest.raises(ExportError, match=r"'x' must have the shape \(None, 4\), the example has \(2, 5\)"):
        exported(mlp(), example_inputs=np.zeros((2, 5), np.float32))
    with pytest.raises(ExportError, match="2 were given, the model takes 1: x"):
        exported(mlp(), example_inputs=(np.zeros((2, 4)), np.zeros((2, 4))))
    with pytest.raises(ExportError, match="the inputs are x; given are y"):
        exported(mlp(), example_inputs={"y": np.zeros((2, 4))})


def test_example_inputs_that_the_model_cannot_take_are_refused() -> None:
    model = Net()
    model(np.zeros((2, 4), np.float32))
    with pytest.raises(ExportError, match=r"refuses to run the model 'net.*x \('batch', 5\)"):
        exported(model, example_inputs=np.zeros((2, 5), np.float32))


def test_dynamic_that_speaks_of_what_there_is_not_is_refused() -> None:
    with pytest.raises(ExportError, match="no input 'y'"):
        exported(mlp(), dynamic={"y": {0: "n"}})
    with pytest.raises(ExportError, match="no axis 3"):
        exported(mlp(), dynamic={"x": {3: "n"}})
    with pytest.raises(ExportError, match="but not at what: give example_inputs"):
        exported(mlp(), dynamic={"x": {}})


def test_open_sizes_have_names() -> None:
    model = graph({"x": (None, 4), "y": (3,)}, lambda L, x, y: [L.GRU(2)(x), y])
    assert dims(exported(model)) == [["batch", "x_1", 4], ["batch", 3]]
    assert dims(exported(model, dynamic={"x": {1: "time"}})) == [["batch", "time", 4], ["batch", 3]]
    assert dims(exported(model, dynamic={0: {0: "n", 1: "time"}, "y": {0: "n"}})) == [["n", "time", 4], ["n", 3]]


def test_an_empty_mapping_fixes_an_input_to_its_example() -> None:
    assert dims(exported(mlp(), dynamic={"x": {}}, example_inputs=np.zeros((7, 4), np.float32))) == [[7, 4]]


def test_a_fixed_batch_stays_fixed() -> None:
    x = L.Input(batch_shape=(3, 4), name="x")
    assert dims(exported(keras.Model(x, L.Dense(2)(x)))) == [[3, 4]]


def test_example_inputs_go_by_the_parameters_names() -> None:
    left, right = np.zeros((2, 4), np.float32), np.zeros((3, 4), np.float32)
    said = {"left": {0: "rows"}, "right": {0: "columns"}}
    for examples in ((left, right), {"left": left, "right": right}):
        made = exported(Pair(), example_inputs=examples, dynamic=said)
        assert [value.name for value in made.model.graph.input] == ["left", "right"]
        assert dims(made) == [["rows", 4], ["columns", 4]]
        assert made.examples[0]["right"].shape == (3, 4)


# --- files


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    for name in ("model.keras", "model.h5"):
        (tmp_path / name).write_bytes(b"not a model")
        with pytest.raises(ExportError, match=f"{name} is no .*damaged"):
            exported(tmp_path / name)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"not a model")
    with pytest.raises(ExportError, match="saved is a SavedModel that TensorFlow .* cannot load"):
        exported(tmp_path / "saved")


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    mlp().save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ExportError, match="model.keras is no model that Keras saved, or is damaged"):
        exported(path)


def test_weights_alone_are_refused(tmp_path: Path) -> None:
    mlp().save_weights(tmp_path / "only.weights.h5")
    with pytest.raises(ExportError, match="holds weights without the model"):
        exported(tmp_path / "only.weights.h5")


@pytest.mark.parametrize("framework", ["keras", "tf_keras"])
def test_code_in_an_hdf5_file_is_refused_unless_it_is_trusted(framework: str, tmp_path: Path) -> None:
    path, made = tmp_path / "model.h5", pytest.importorskip(framework)
    made.Sequential([made.layers.Input((3,), name="x"), made.layers.Lambda(lambda x: x * 2)]).save(path)
    with pytest.raises(ExportError, match="holds code of its own.*trusted=True, or --trusted"):
        exported(path)
    assert [node.op_type for node in exported(path, trusted=True).model.graph.node] == ["Mul"]


class Unregistered(L.Layer):
    """No file can name it."""

    def call(self, x: Any) -> Any:
        return x * 2


def test_an_unknown_layer_asks_for_imports(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    keras.Sequential([L.Input((3,)), Unregistered()]).save(path)
    with pytest.raises(ExportError, match="--import my_layers.*Keras says"):
        exported(path)


def test_a_module_that_cannot_be_imported_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    mlp().save(path)
    with pytest.raises(ExportError, match="cannot import 'no_such_layers'"):
        exported(path, imports=["no_such_layers"])


def _rewritten(path: Path, version: str, spoil: bool = False) -> None:
    """A .keras file that says that another Keras wrote it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["metadata.json"] = json.dumps({**json.loads(parts["metadata.json"]), "keras_version": version}).encode()
    if spoil:
        config = json.loads(parts["config.json"])
        config["config"]["layers"][-1]["config"]["of_the_future"] = 1
        parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_a_file_of_a_newer_keras_says_so(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    mlp().save(path)
    _rewritten(path, "3.99.0", spoil=True)
    with pytest.raises(ExportError, match=r"was written by Keras 3\.99\.0, here is Keras .*pip install 'keras>=3\.99\.0'"):
        exported(path)


@pytest.mark.skipif(KERAS < (3,), reason="Keras 2 itself reads the file")
def test_a_file_of_keras_2_asks_for_tf_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.keras"
    mlp().save(path)
    _rewritten(path, "2.15.0")
    assert keras_files.environment(path)["TF_USE_LEGACY_KERAS"] == "1"
    known = keras_files._installed
    monkeypatch.setattr(keras_files, "_installed", lambda package: () if package == "tf_keras" else known(package))
    minor = ".".join(tf.__version__.split(".")[:2])
    with pytest.raises(ExportError, match=rf"pip install --no-deps 'tf_keras=={minor}\.\*'"):
        keras_files.load(path, Request())


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    model, real = mlp(), importlib.import_module

    def missing(name: str, package: str | None = None) -> Any:
        if name.startswith("tf2onnx"):
            raise ModuleNotFoundError("No module named 'tf2onnx'", name="tf2onnx")
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ExportError, match=r"'tf2onnx', which is not installed: pip install 'onnx_bridge\[keras\]'"):
        exported(model)


# --- other backends


@pytest.mark.skipif(KERAS < (3,), reason="Keras 2 has one backend")
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_model_on_another_backend_is_exported_by_another_process(backend: str) -> None:
    pytest.importorskip(backend)
    code = """
import keras, numpy as np, onnxruntime
from onnx_bridge.frontends import Request, export, framework_of
a, b = keras.Input((5, 4), name="a"), keras.Input((3,), name="b")
model = keras.Model({"a": a, "b": b}, keras.layers.Dense(2)(keras.layers.concatenate([keras.layers.GRU(4)(a), b])))
made = export(model, framework_of(model), Request())
feeds = {"a": np.ones((3, 5, 4), np.float32), "b": np.ones((3, 3), np.float32)}
(ours,) = onnxruntime.InferenceSession(made.model.SerializeToString()).run(None, feeds)
(theirs,) = made.reference(feeds)
assert np.abs(ours - theirs).max() < 1e-6 and made.framework.endswith(keras.backend.backend()), made.framework
assert "GRU" in {node.op_type for node in made.model.graph.node}
"""
    import os

    root = Path(onnx_bridge.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "KERAS_BACKEND": backend}, cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
