"""Convolutions with the channels first: TensorFlow's own kernels for them are oneDNN's, which not every processor has by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness import needs

pytestmark = needs("keras")

import keras
import numpy as np
from keras_cases import KERAS, chained, randomised

import onnx_bridge

L = keras.layers
FIRST = {"data_format": "channels_first"}

#: Converts a live model without oneDNN, and the same from its file. The bias of the first convolution is one that Keras 3 adds elsewhere
#: when it is called directly: the output is as wide as it has channels.
SCRIPT = """
import sys
import numpy as np
import keras
import tensorflow as tf
import onnx_bridge

L = keras.layers
first = {"data_format": "channels_first"}
x = L.Input((2, 9, 6), name="x")
y = L.BatchNormalization(axis=1)(L.Conv2D(6, 3, padding="same", activation="relu", **first)(x))
y = L.MaxPooling2D(2, **first)(L.DepthwiseConv2D(2, **first)(L.Conv2DTranspose(5, 3, strides=2, **first)(y)))
model = keras.Model(x, L.GlobalAveragePooling2D(**first)(y))
rng = np.random.default_rng(0)
for weight in model.weights:
    weight.assign(rng.uniform(0.2, 1, tuple(weight.shape)))
one = tf.ones((1, 2, 9, 6))
try:
    model(one, training=False)
except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError):
    print("no kernel")
made = onnx_bridge.convert(model)
print(*made.report.notes, sep="\\n")
print([row.against.split()[0] for row in made.report.rows if row.passed])
model.save(sys.argv[1])
from_file = onnx_bridge.convert(sys.argv[1])
print([row.against.split()[0] for row in from_file.report.rows if row.passed])
feeds = {"x": rng.standard_normal((3, 2, 9, 6)).astype(np.float32)}
assert all(np.array_equal(a, b) for a, b in zip(made.compile().run(feeds), from_file.compile().run(feeds)))
"""


def test_the_processor_does_not_decide(tmp_path: Path) -> None:
    """The process of the live model has no oneDNN, that which exports the file asks for it."""
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
    name = "model.keras" if KERAS >= (3,) else "model.h5"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / name)], env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "no kernel" in done.stdout, "this says nothing: TensorFlow has kernels without oneDNN"
    assert done.stdout.count("['onnxruntime', 'Keras']") == 2
    assert KERAS < (3,) or "Keras contradicts itself" in done.stdout


#: A convolution, and whether the bias goes to the channels in a graph; where it does not, Keras adds it along the width everywhere.
CONVOLUTIONS = {
    "strided": ((3, 8, 9), lambda: L.Conv2D(5, 3, strides=2, padding="same", **FIRST), True),
    "one axis": ((3, 12), lambda: L.Conv1D(6, 3, strides=2, padding="same", **FIRST), True),
    "dilated": ((3, 8, 9), lambda: L.Conv2D(5, 3, dilation_rate=2, **FIRST), False),
    "groups": ((4, 7, 8), lambda: L.Conv2D(4, 3, strides=2, padding="same", groups=2, **FIRST), False),
    "transposed": ((3, 8, 9), lambda: L.Conv2DTranspose(18, 3, strides=2, padding="same", **FIRST), False),
    "transposed, one axis": ((3, 9), lambda: L.Conv1DTranspose(18, 3, strides=2, padding="same", **FIRST), False),
    "three axes": ((2, 6, 7, 9), lambda: L.Conv3D(4, 3, strides=2, groups=2, **FIRST), False),
}


@pytest.mark.skipif(KERAS < (3,), reason="Keras 2 adds biases to the channels")
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_bias_is_added_where_the_graph_adds_it(name: str) -> None:
    """The output is as wide as it has channels, which Keras 3 takes for channels last."""
    from onnx_bridge.frontends import Request, export

    shape, layer, channels = CONVOLUTIONS[name]
    model = randomised(chained({"x": shape}, lambda _: [layer()]), 1)
    made = export(model, "keras", Request())
    feeds = {"x": np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)}
    import onnxruntime

    (ours,) = onnxruntime.InferenceSession(made.model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feeds)
    (theirs,) = made.reference(feeds)
    assert np.abs(ours - theirs).max() < 1e-5
    assert ("The graph is believed" in "\n".join(made.notes)) == channels, made.notes
    assert ("so does the header" in "\n".join(made.notes)) != channels, made.notes
    kernel, bias = model.get_weights()
    axis = 1 if channels else -1
    last = [1] * ours.ndim
    last[axis] = bias.size
    model.set_weights([kernel, np.zeros_like(bias)])
    (plain,) = made.reference(feeds)
    assert np.abs(ours - plain - bias.reshape(last)).max() < 1e-5


def test_a_framework_that_contradicts_itself_is_named_and_its_graph_believed() -> None:
    """A layer that computes something else where it is called directly."""
    import tensorflow as tf

    @keras.saving.register_keras_serializable("test")
    class Moody(L.Layer):  # type: ignore[misc]
        def call(self, x: object) -> object:
            return x * 2 if tf.executing_eagerly() else x * 3

    made = onnx_bridge.convert(chained({"x": (4,)}, lambda _: [Moody()]))
    assert any("contradicts itself" in note and "graph is believed" in note for note in made.report.notes), made.report.notes
    assert np.array_equal(made.compile()(np.ones((1, 4), np.float32)), np.full((1, 4), 3, np.float32))


def test_the_sign_of_a_zero_is_no_contradiction() -> None:
    """TensorFlow's graphs take x + 0 for x, so an infinity behind a division is the other one for -0: the layers' own answer counts."""
    import tensorflow as tf

    @keras.saving.register_keras_serializable("test")
    class Shifted(L.Layer):  # type: ignore[misc]
        def call(self, x: object) -> object:
            return tf.math.rsqrt(x + 0)

    made = onnx_bridge.convert(chained({"x": (4, 6)}, lambda _: [Shifted()]), inputs=[{"x": np.full((1, 4, 6), -0.0, np.float32)}])
    assert made.report.passed and not any("contradicts itself" in note for note in made.report.notes), made.report.notes


def test_the_graph_is_the_one_that_fit_and_predict_run() -> None:
    """The batch alone is open there. With an open length, too, TimeDistributed of Keras 3.15 takes as many steps as there are rows."""
    made = onnx_bridge.convert(chained({"x": (None, 4)}, lambda _: [L.TimeDistributed(L.Dense(3)), L.GRU(2)]))
    assert made.report.passed and not any("contradicts itself" in note for note in made.report.notes), made.report.notes
