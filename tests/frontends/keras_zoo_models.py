"""Whole models, of every way of writing one down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras_cases import KERAS, Given, Ids, Zoo, answer, randomised, single_or_list, tensor

zoo = Zoo()
graph, chain = zoo.graph, zoo.chain
LARGE = {"small": False}

# --- functional models

chain("mlp_deep", (16,), lambda L: [*(L.Dense(32, "relu") for _ in range(6)), L.Dense(1, "sigmoid")])
chain(
    "mnist", (28, 28, 1),
    lambda L: [
        L.Conv2D(8, 3, activation="relu"), L.MaxPooling2D(), L.Conv2D(16, 3, activation="relu"), L.MaxPooling2D(), L.Flatten(),
        L.Dropout(0.5), L.Dense(10, "softmax"),
    ], **LARGE,
)  # fmt: skip
zoo.first(
    "mnist_first", (1, 28, 28),
    lambda L, order, axis: [
        L.Conv2D(8, 3, activation="relu", **order), L.Conv2D(6, 3, strides=2, **order), L.BatchNormalization(axis=axis), L.ReLU(),
        L.Flatten(**order), L.Dense(10),
    ], **LARGE,
)  # fmt: skip
chain(
    "bn_conv_net", (16, 16, 3),
    lambda L: [
        L.Conv2D(8, 3, padding="same", use_bias=False), L.BatchNormalization(), L.ReLU(), L.MaxPooling2D(), L.Conv2D(8, 3, use_bias=False),
        L.BatchNormalization(), L.LeakyReLU(), L.GlobalAveragePooling2D(), L.Dense(4, "softmax"),
    ], **LARGE,
)  # fmt: skip
chain(
    "mobile_net", (16, 16, 3),
    lambda L: [
        L.Conv2D(8, 3, strides=2, padding="same"), L.BatchNormalization(), L.ReLU(6.0), L.DepthwiseConv2D(3, padding="same"),
        L.BatchNormalization(), L.ReLU(6.0), L.Conv2D(12, 1), L.BatchNormalization(), L.GlobalAveragePooling2D(), L.Dense(3),
    ], **LARGE,
)  # fmt: skip


def residual(L: Any, x: Any) -> Any:
    x = L.Conv2D(8, 3, padding="same")(x)
    for _ in range(2):
        y = L.ReLU()(L.BatchNormalization()(L.Conv2D(8, 3, padding="same")(x)))
        x = L.ReLU()(L.Add()([x, L.BatchNormalization()(L.Conv2D(8, 3, padding="same")(y))]))
    return L.Dense(4)(L.GlobalAveragePooling2D()(x))


def inception(L: Any, x: Any) -> Any:
    branches = [L.Conv2D(4, k, padding="same", activation="relu")(x) for k in (1, 3, 5)]
    branches.append(L.Conv2D(3, 1)(L.MaxPooling2D(3, strides=1, padding="same")(x)))
    return L.Dense(3)(L.Flatten()(L.Concatenate()(branches)))


def unet(L: Any, x: Any) -> Any:
    a = L.Conv2D(4, 3, padding="same", activation="relu")(x)
    b = L.Conv2D(8, 3, padding="same", activation="relu")(L.MaxPooling2D()(a))
    up = L.Conv2DTranspose(4, 2, strides=2)(b)
    return L.Conv2D(1, 1, activation="sigmoid")(L.Concatenate()([a, up]))


graph("residual", {"x": (8, 8, 3)}, residual, **LARGE)
graph("inception", {"x": (8, 8, 3)}, inception, **LARGE)
graph("unet", {"x": (8, 8, 2)}, unet, **LARGE)
graph("autoencoder", {"x": (20,)}, lambda L, x: L.Dense(20, "sigmoid")(L.Dense(4, "relu")(L.Dense(10, "relu")(x))))
graph(
    "conv_autoencoder",
    {"x": (8, 8, 1)},
    lambda L, x: L.Conv2D(1, 3, padding="same")(L.UpSampling2D()(L.Conv2D(4, 3, strides=2, padding="same")(x))),
)
graph(
    "conv_lstm_audio",
    {"x": (32, 4)},
    lambda L, x: L.Dense(3)(L.LSTM(6)(L.MaxPooling1D()(L.Conv1D(8, 5, activation="relu")(x)))),
    operators=["LSTM"],
)
graph("two_in_two_out", {"a": (4,), "b": (6,)}, lambda L, a, b: [L.Dense(3, name="zz")(L.Concatenate()([a, b])), L.Dense(2, name="aa")(b)])
graph("three_outputs", {"x": (4,)}, lambda L, x: [L.Dense(n, "relu")(x) for n in (5, 2, 3)])
graph("input_is_output", {"x": (4,)}, lambda L, x: [x, L.Dense(2)(x)])
graph("same_output_twice", {"x": (4,)}, lambda L, x: (lambda y: [y, y])(L.Dense(2)(x)))
graph("recommender", {"user": Ids((), 9), "item": Ids((), 7)}, lambda L, u, i: L.Dot(axes=1)([L.Embedding(9, 4)(u), L.Embedding(7, 4)(i)]))
graph(
    "events", {"tracks": (8, 5), "met": (2,)},
    lambda L, t, met: L.Dense(1, "sigmoid")(
        L.Concatenate()([L.GlobalAveragePooling1D()(L.Dense(8, "relu")(t)), L.BatchNormalization()(met)])
    ),
)  # fmt: skip


def shared(L: Any, a: Any, b: Any) -> Any:
    tower = keras.Sequential([L.Input((6,)), L.Dense(5, "tanh"), L.Dense(3)])
    return L.Dense(1)(L.Subtract()([tower(a), tower(b)]))


def nested(L: Any, x: Any) -> Any:
    inner = L.Input((4,))
    y = L.Dense(3, "relu")(inner)
    block = keras.Model(inner, [y, L.Dense(2)(y)])
    u, v = block(L.Dense(4)(x))
    return L.Concatenate()([u, v])


graph("siamese", {"a": (6,), "b": (6,)}, shared)
graph("nested", {"x": (7,)}, nested)
graph("nested_gru", {"x": (5, 7)}, lambda L, x: L.Dense(1)(keras.Sequential([L.Input((5, 7)), L.GRU(4)])(x)), operators=["GRU"])

# --- other ways


def case(name: str, given: Mapping[str, Given], make: Callable[[], tuple[Any, Callable[..., Any]]], **rest: Any) -> None:
    """A model and how it is called with its inputs by name; `arguments` are those of convert."""
    arguments = rest.pop("arguments", {})

    def made() -> Any:
        model, call = make()
        return model, arguments, answer(call, lambda feeds: feeds)

    zoo.add(name, given, made, **rest)


def dict_inputs() -> Any:
    L = keras.layers
    a, b = tensor("a", (4,)), tensor("b", (3,))
    model = randomised(keras.Model({"a": a, "b": b}, {"sum": L.Dense(2)(L.Concatenate()([a, b])), "first": L.Dense(3)(a)}))
    return model, lambda feeds: model(dict(feeds), training=False)


def sequential_without_input() -> Any:
    model = keras.Sequential([keras.layers.Dense(5, "relu"), keras.layers.Dense(2)])
    model.build((None, 4))
    return randomised(model), lambda feeds: model(single_or_list(feeds), training=False)


class Net(keras.Model):
    """A subclassed model."""

    def __init__(self, *layers: Any) -> None:
        super().__init__()
        self.parts = list(layers)

    def call(self, x: Any, training: Any = None) -> Any:
        for layer in self.parts:
            x = layer(x)
        return x


def _build(self: Net, shape: Any) -> None:
    for layer in self.parts:
        layer.build(shape)
        shape = layer.compute_output_shape(shape)


if KERAS >= (3,):  # Keras 2 builds a model by calling it
    Net.build = _build


class Wide(keras.Model):
    """A subclassed model of two inputs, one of which has its own way through a recurrent layer."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.dense = keras.layers.GRU(4), keras.layers.Dense(3)

    def call(self, inputs: Any) -> Any:
        x, y = (inputs["x"], inputs["y"]) if isinstance(inputs, dict) else inputs
        return {"score": self.dense(keras.layers.concatenate([self.rnn(x), y])), "hidden": self.rnn(x)}


def subclassed(how: str, *layers: Callable[[], Any], shape: tuple[int, ...]) -> Any:
    model = Net(*(layer() for layer in layers))
    if how == "called":
        model(np.zeros((2, *shape), np.float32))
    elif how == "built":
        model.build((None, *shape))
    else:
        other = model(np.zeros((2, *shape), np.float32))
        assert other is not None
    return randomised(model), lambda feeds: model(single_or_list(feeds), training=False)


def fresh() -> Any:
    """A subclassed model that nobody has called: its weights come to be when it is exported."""
    keras.utils.set_random_seed(3)
    model = Net(keras.layers.Dense(5, "relu"), keras.layers.LayerNormalization(), keras.layers.Dense(2))
    return model, lambda feeds: model(single_or_list(feeds), training=False)


def wide(as_dict: bool) -> Any:
    model = Wide()
    x, y = np.zeros((2, 5, 4), np.float32), np.zeros((2, 3), np.float32)
    model({"x": x, "y": y} if as_dict else [x, y])
    return randomised(model), lambda feeds: model(dict(feeds) if as_dict else list(feeds.values()), training=False)


DENSE = [lambda: keras.layers.Dense(5, "relu"), lambda: keras.layers.Dense(2)]
case("dict_in_dict_out", {"a": (4,), "b": (3,)}, dict_inputs)
case("sequential_built", {"input": (4,)} if keras.__version__ >= "3" else {"dense_input": (4,)}, sequential_without_input, since=(3,))
case("subclassed_called", {"x": (4,)}, lambda: subclassed("called", *DENSE, shape=(4,)))
case("subclassed_built", {"x": (4,)}, lambda: subclassed("built", *DENSE, shape=(4,)))
case(
    "subclassed_gru", {"x": (5, 4)}, lambda: subclassed("called", lambda: keras.layers.Bidirectional(keras.layers.GRU(3)), shape=(5, 4)),
    operators=["GRU"],
)  # fmt: skip
case("subclassed_fresh", {"x": (4,)}, fresh, arguments={"example_inputs": np.zeros((2, 4), np.float32)}, operators=["LayerNormalization"])
case("subclassed_dict", {"x": (5, 4), "y": (3,)}, lambda: wide(True), operators=["GRU"],
     arguments={"example_inputs": {"x": np.zeros((2, 5, 4), np.float32), "y": np.zeros((2, 3), np.float32)}})  # fmt: skip
case("subclassed_two_inputs", {"inputs_0": (5, 4), "inputs_1": (3,)}, lambda: wide(False), operators=["GRU"],
     arguments={"example_inputs": (np.zeros((2, 5, 4), np.float32), np.zeros((2, 3), np.float32))})  # fmt: skip


class Scaled(keras.layers.Layer):
    """A layer of one's own."""

    def build(self, shape: Any) -> None:
        self.factor = self.add_weight(shape=(shape[-1],), name="factor")

    def call(self, inputs: Any) -> Any:
        return inputs * self.factor + tf.where(inputs > 0, tf.math.log(inputs), tf.zeros_like(inputs))


chain("own_layer", (4,), lambda L: [Scaled(), L.Dense(2)])
chain("lambda_layer", (4,), lambda L: [L.Lambda(lambda x: x * 2 + 1), L.Dense(2)])
chain("own_activation", (4,), lambda L: [L.Dense(5, activation=lambda x: x * tf.nn.sigmoid(1.702 * x)), L.Dense(2)])


class Affine(tf.Module):
    """A module of TensorFlow without Keras."""

    def __init__(self) -> None:
        super().__init__()
        self.w = tf.Variable(np.random.default_rng(1).standard_normal((4, 3)).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32)])
    def __call__(self, x: Any) -> Any:
        return tf.nn.relu(x @ self.w) + 1.0


def function() -> Any:
    made = tf.function(lambda x, y: {"product": x * y, "sum": tf.reduce_sum(x + y, -1)})
    return made, lambda feeds: made(feeds["x"], feeds["y"])


def concrete() -> Any:
    made = tf.function(lambda x: tf.math.log1p(tf.abs(x))).get_concrete_function(tf.TensorSpec([None, 4], tf.float32, name="x"))
    return made, lambda feeds: made(feeds["x"])


def a_layer() -> Any:
    layer = keras.layers.Dense(3, "relu")
    layer.build((None, 4))
    return randomised(layer), lambda feeds: layer(single_or_list(feeds))


PAIR = {"x": np.ones((2, 4), np.float32), "y": np.ones((2, 4), np.float32)}
case("tf_module", {"x": (4,)}, lambda: (lambda module: (module, lambda feeds: module(feeds["x"])))(Affine()))
case("tf_function", {"x": (4,), "y": (4,)}, function, arguments={"example_inputs": PAIR})
case("tf_concrete", {"x": (4,)}, concrete)
case("layer_alone", {"inputs": (4,)}, a_layer, arguments={"example_inputs": np.ones((2, 4), np.float32)})
