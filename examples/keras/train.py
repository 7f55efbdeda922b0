"""A small classifier, trained in Keras, as a header."""

import keras
import numpy as np

import onnx_bridge

# Is a point inside the unit circle?
rng = np.random.default_rng(0)
points = rng.uniform(-1.5, 1.5, (2000, 2)).astype("float32")
inside = (np.sum(points**2, axis=1) < 1).astype("float32")

keras.utils.set_random_seed(0)
model = keras.Sequential([
    keras.Input((2,), name="point"),
    keras.layers.Dense(16, activation="tanh"),
    keras.layers.BatchNormalization(),
    keras.layers.Dense(1, activation="sigmoid"),
], name="circle")  # fmt: skip
model.compile("adam", "binary_crossentropy")
model.fit(points, inside, epochs=3, verbose=0)

made = onnx_bridge.convert(model, inputs=[{"point": points}])  # compared with Keras and with onnxruntime, on these points too
print(made.report)
header = made.save("build")

difference = np.abs(made.compile()(points) - model.predict(points, verbose=0)).max()
print(f"{header}: the largest difference from Keras is {difference:.1e}")
