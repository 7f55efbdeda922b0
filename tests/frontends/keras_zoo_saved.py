"""Models in files: .keras, .h5 and SavedModel, of Keras 2 and 3."""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras_cases import KERAS, Given, Ids, Zoo, answer, graph, randomised, single_or_list
from keras_own_layers import Cube
from keras_zoo_sequences import encoder

zoo = Zoo()

#: Keras 2: the one that is installed, or the package that carries it on.
LEGACY = "keras" if KERAS < (3,) else "tf_keras"
HAS_LEGACY = importlib.util.find_spec(LEGACY) is not None


def folder() -> Path:
    made = Path(tempfile.mkdtemp(prefix="keras_zoo_"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def keep(model: Any, kind: str, name: str) -> Path:
    """Saves a model; gives the path."""
    path = folder() / (name if kind == "folder" else f"{name}{kind}")
    if kind != "folder":
        model.save(path)
    elif KERAS < (3,) or type(model).__module__.startswith("tf_keras"):
        model.save(path, save_format="tf")
    else:
        model.export(str(path), verbose=False)
    return path


def saved(name: str, kind: str, given: Mapping[str, Given], outputs: Callable[..., Any], legacy: bool = False, **rest: Any) -> None:
    arguments = rest.pop("arguments", {})

    def make() -> Any:
        model = graph(given, outputs, importlib.import_module(LEGACY) if legacy else keras)
        return keep(model, kind, name), arguments, answer(lambda value: model(value, training=False), single_or_list)

    if HAS_LEGACY or not legacy:
        zoo.add(f"{name}_{kind.strip('.')}{'_of_keras2' if legacy else ''}", given, make, **rest)


def mlp(L: Any, x: Any) -> Any:
    return L.Dense(3, "softmax")(L.Dense(8, "relu")(x))


def conv(L: Any, x: Any) -> Any:
    y = L.MaxPooling2D()(L.ReLU()(L.BatchNormalization()(L.Conv2D(6, 3)(x))))
    return L.Dense(4)(L.Flatten()(y))


def groups(L: Any, x: Any) -> Any:
    return L.GlobalAveragePooling2D()(L.Conv2D(6, 3, groups=2, activation="relu")(x))


def recurrent(L: Any, x: Any) -> Any:
    return L.Dense(2)(L.GRU(4)(L.Bidirectional(L.LSTM(5, return_sequences=True))(x)))


def simple(L: Any, x: Any) -> Any:
    return L.Dense(2)(L.SimpleRNN(4)(x))


def embedding(L: Any, ids: Any) -> Any:
    return L.Dense(2)(L.GlobalAveragePooling1D()(L.Embedding(9, 4)(ids)))


def two(L: Any, a: Any, b: Any) -> Any:
    """Two inputs and three outputs, whose layers' names sort otherwise than they stand."""
    joined = L.Concatenate(name="zz")([a, b])
    return [joined, L.Dense(2, name="mm")(joined), L.Dense(5, name="aa")(b)]


def hard_sigmoid(L: Any, x: Any) -> Any:
    return L.Dense(3, "hard_sigmoid")(L.LSTM(4, recurrent_activation="hard_sigmoid")(x))


PAIR = {"a": (3,), "b": (4,)}
SEQUENCE = {"x": (None, 4)}
for kind in (".keras", ".h5", "folder"):
    saved("mlp", kind, {"x": (5,)}, mlp)
    saved("two", kind, PAIR, two)
    saved("recurrent", kind, SEQUENCE, recurrent, operators=["LSTM"] if kind == "folder" and KERAS >= (3,) else ["GRU", "LSTM"])
    saved("two", kind, PAIR, two, legacy=True, since=(3,))
for kind in (".keras", ".h5"):
    saved("hard_sigmoid", kind, SEQUENCE, hard_sigmoid)
    saved("hard_sigmoid", kind, SEQUENCE, hard_sigmoid, legacy=True, since=(3,))
saved("recurrent", ".h5", SEQUENCE, recurrent, legacy=True, since=(3,), operators=["GRU", "LSTM"])
saved("conv", ".keras", {"x": (8, 8, 3)}, conv)
saved("conv", ".h5", {"x": (8, 8, 3)}, conv, legacy=True)
saved("groups", "folder", {"x": (8, 8, 4)}, groups)
saved("simple", ".keras", SEQUENCE, simple, operators=["RNN"])
saved("embedding", ".keras", {"ids": Ids((None,), 9)}, embedding, operators=["Gather"])
saved("embedding", "folder", {"ids": Ids((None,), 9)}, embedding)
saved("transformer", ".keras", {"x": (None, 8)}, lambda L, x: encoder(L, x), operators=["LayerNormalization"])
saved("transformer", ".h5", {"x": (6, 8)}, lambda L, x: encoder(L, x), legacy=True, operators=["LayerNormalization"])
saved("transformer", "folder", {"x": (6, 8)}, lambda L, x: encoder(L, x))
saved("own", ".keras", {"x": (4,)}, lambda L, x: L.Dense(2)(Cube()(x)), arguments={"imports": ["keras_own_layers"]})
saved("lambda", ".keras", {"x": (4,)}, lambda L, x: L.Dense(2)(L.Lambda(lambda v: v * 2)(x)), arguments={"trusted": True})
saved(
    "lambda_untrusted", ".keras", {"x": (4,)}, lambda L, x: L.Dense(2)(L.Lambda(lambda v: v * 2)(x)), refused="trusted=True",
    reason="the file holds code, which runs when it is read: the user has to say that it may",
)  # fmt: skip


class Module(tf.Module):
    """Saved without signatures of its own choice."""

    def __init__(self) -> None:
        super().__init__()
        self.w = tf.Variable(tf.random.stateless_normal((4, 3), (1, 2)))

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def __call__(self, x: Any) -> Any:
        return tf.tanh(x @ self.w)


def module() -> Any:
    made, path = Module(), folder() / "module"
    tf.saved_model.save(made, str(path))
    return path, {}, answer(made, single_or_list)


def many_outputs() -> Any:
    """Signatures name their outputs output_0 to output_10, and TensorFlow sorts 10 before 2."""
    layers = [randomised(keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(width + 1)])) for width in range(11)]
    bare, path = tf.Module(), folder() / "many"
    call = tf.function(
        lambda x: {f"output_{index}": layer(x) for index, layer in enumerate(layers)},
        input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")],
    )
    bare.layers = layers
    tf.saved_model.save(bare, str(path), signatures=call.get_concrete_function())
    return path, {}, lambda feeds: [np.asarray(layer(feeds["x"])) for layer in layers]


zoo.add("module_folder", {"x": (4,)}, module)
zoo.add("eleven_outputs_folder", {"x": (3,)}, many_outputs)
