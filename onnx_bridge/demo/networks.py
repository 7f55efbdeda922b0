"""The demo's network in each framework, as its users would write it, with the trained weights of the ONNX file."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

#: (8, 64), (64, 64), (64, 32), (32, 1): Dense layers with ReLU between them and a sigmoid at the end, behind a standardisation.
LAYERS = 4


def parameters(path: str) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Mean and scale of the events, and kernel and bias of each layer, from the trained model."""
    arrays = {t.name: numpy_helper.to_array(t).copy() for t in onnx.load(path).graph.initializer}
    return arrays["mean"], arrays["scale"], [(arrays[f"weights{i}"], arrays[f"bias{i}"]) for i in range(1, LAYERS + 1)]


def keras(path: str) -> tuple[Any, dict[str, Any]]:
    """A Sequential model."""
    library = importlib.import_module("keras")
    mean, scale, weights = parameters(path)
    dense = [library.layers.Dense(len(bias), activation="relu" if i + 1 < LAYERS else "sigmoid") for i, (_, bias) in enumerate(weights)]
    normal = library.layers.Normalization(mean=mean, variance=scale**2)
    model = library.Sequential([library.Input((8,), name="event"), normal, *dense], name="diphoton")
    for layer, pair in zip(dense, weights, strict=True):
        layer.set_weights(list(pair))
    return model, {}


def torch(path: str) -> tuple[Any, dict[str, Any]]:
    """A Module."""
    library = importlib.import_module("torch")
    nn: Any = library.nn
    module: Any = nn.Module
    mean, scale, weights = parameters(path)

    class Diphoton(module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", library.tensor(mean))
            self.register_buffer("scale", library.tensor(scale))
            steps: list[Any] = []
            for kernel, bias in weights:
                linear = nn.Linear(*kernel.shape)
                linear.load_state_dict({"weight": library.tensor(kernel.T.copy()), "bias": library.tensor(bias)})
                steps += [linear, nn.ReLU()]
            self.layers = nn.Sequential(*steps[:-1], nn.Sigmoid())

        def forward(self, event: Any) -> Any:
            return self.layers((event - self.mean) / self.scale)

    return Diphoton(), {"example_inputs": np.zeros((2, 8), np.float32)}


def flax(path: str) -> tuple[Any, dict[str, Any]]:
    """A linen module with its variables."""
    nn: Any = importlib.import_module("flax.linen")
    module: Any = nn.Module
    mean, scale, weights = parameters(path)

    def call(self: Any, event: Any) -> Any:
        hidden = (event - mean) / scale
        for _, bias in weights[:-1]:
            hidden = nn.relu(nn.Dense(len(bias))(hidden))
        return nn.sigmoid(nn.Dense(1)(hidden))

    class Diphoton(module):  # type: ignore[misc]
        __call__ = nn.compact(call)

    variables = {"params": {f"Dense_{i}": {"kernel": kernel, "bias": bias} for i, (kernel, bias) in enumerate(weights)}}
    return (Diphoton(), variables), {"example_inputs": np.zeros((2, 8), np.float32)}


#: By name: makes the model and says how it is to be converted.
NETWORKS: Mapping[str, Callable[[str], tuple[Any, dict[str, Any]]]] = {"keras": keras, "torch": torch, "flax": flax}

#: Each's own call, on an array, for timing: as quick as the framework has it.
EXTRAS = {"keras": "keras", "torch": "torch", "flax": "jax"}


def own_call(framework: str, model: Any) -> Callable[[np.ndarray], Any]:
    """The framework's own quickest call of its model on an array of events, finished when it returns."""
    if framework == "keras":
        tf = importlib.import_module("tensorflow")
        compiled = tf.function(lambda x: model(x, training=False))
        return lambda x: compiled(tf.constant(x)).numpy()
    if framework == "torch":
        library = importlib.import_module("torch")
        library.set_num_threads(1)

        def call(x: np.ndarray) -> Any:
            with library.inference_mode():
                return model(library.from_numpy(x)).numpy()

        model.eval()
        return call
    jax = importlib.import_module("jax")
    module, variables = model
    jitted = jax.jit(lambda x: module.apply(variables, x))
    return lambda x: np.asarray(jitted(x))
