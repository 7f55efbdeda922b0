"""SOFIE's tutorial on Keras, written anew: a trained file is parsed, a header made, and what is in the model printed."""

import numpy as np
from tensorflow.keras.layers import Activation, Dense, Input, Softmax
from tensorflow.keras.models import Model

from onnx_bridge import sofie as SOFIE  # SOFIE = ROOT.TMVA.Experimental.SOFIE

first = Input(shape=(4,), batch_size=2)
x = Activation("relu")(Dense(32)(first))
x = Dense(8, activation="relu")(x)
model = Model(inputs=first, outputs=Softmax()(Dense(2)(x)))
rng = np.random.RandomState(0)
model.compile(loss="mse", optimizer="adam")
model.fit(rng.rand(4, 4), rng.rand(4, 2), epochs=3, batch_size=2, verbose=0)
model.save("KerasModel.keras")

parsed = SOFIE.PyKeras.Parse("KerasModel.keras")
parsed.Generate()
parsed.OutputGenerated()
parsed.PrintRequiredInputTensors()
parsed.PrintInitializedTensors()
parsed.PrintIntermediateTensors()
parsed.PrintOutputTensors()

event = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]], np.float32)
np.savetxt("KerasModel.txt", np.concatenate([event.reshape(-1), np.asarray(model(event)).reshape(-1)]))
