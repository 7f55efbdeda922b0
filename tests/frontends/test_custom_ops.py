"""Custom operators from each framework: one node in the saved model, which onnxruntime runs, and one call of the functor in the header."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from harness import needs
from packages import installed

#: By framework: its imports, and a script that makes `model`, `arguments` of convert, and `answer(x)`, with ACTIVATION(h)
#: in the network.
FRAMEWORKS = {
    "keras": (
        "import keras\nimport tensorflow as tf\n",
        """
        x = keras.Input((6,), name="x")
        h = keras.layers.Dense(8, name="first")(x)
        h = keras.layers.Lambda(lambda h: ACTIVATION(h))(h)
        model = keras.Model(x, keras.layers.Dense(3, name="last")(h))
        arguments = {}
        answer = lambda x: model(x, training=False).numpy()
        """,
    ),
    "torch": (
        "import torch\n",
        """
        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.first, self.last = torch.nn.Linear(6, 8), torch.nn.Linear(8, 3)
            def forward(self, x):
                return self.last(ACTIVATION(self.first(x)))
        model = Net()
        arguments = {"example_inputs": torch.randn(2, 6)}
        answer = lambda x: model(torch.from_numpy(x)).detach().numpy()
        """,
    ),
    "flax": (
        "import flax.linen as nn\nimport jax\nimport jax.numpy as jnp\n",
        """
        class Net(nn.Module):
            @nn.compact
            def __call__(self, x):
                return nn.Dense(3)(ACTIVATION(nn.Dense(8)(x)))
        module = Net()
        model = module, module.init(jax.random.key(1), jnp.ones((2, 6)))
        arguments = {"example_inputs": jnp.ones((2, 6))}
        answer = lambda x: module.apply(model[1], x)
        """,
    ),
}

#: Each framework's own words for a function.
WORDS = {
    "swish": {"keras": "keras.activations.swish", "torch": "torch.nn.functional.silu", "flax": "nn.swish"},
    "squareplus": {
        "keras": "getattr(keras.activations, 'squareplus', lambda h: 0.5 * (h + tf.sqrt(h * h + 4.0)))",  # Keras 2 has none
        "torch": "(lambda h: (h + torch.sqrt(h * h + 4)) / 2)", "flax": "jax.nn.squareplus",
    },
    "quick gelu": {
        "keras": "(lambda h: h * keras.activations.sigmoid(1.702 * h))", "torch": "(lambda h: h * torch.sigmoid(1.702 * h))",
        "flax": "(lambda h: h * nn.sigmoid(1.702 * h))",
    },
}  # fmt: skip

END = """
import numpy as np
import onnx_bridge
made = onnx_bridge.convert(model, name="net", **arguments)
made.save("out")
open("out/report.txt", "w").write(str(made.report))
x = np.random.default_rng(1).standard_normal((17, 6)).astype(np.float32)
np.savez("out/values.npz", x=x, theirs=np.asarray(answer(x)), ours=made.compile()(x))
"""


def saved(script: str, folder: Path, environment: dict[str, str] | None = None) -> tuple[onnx.ModelProto, str, str]:
    """Runs a script that converts and saves; the saved model must compute the framework's numbers in onnxruntime, and the header, too."""
    (folder / "script.py").write_text(script)
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"}
    ran = subprocess.run(
        [sys.executable, "script.py"], cwd=folder, env={**(environment or os.environ), **quiet}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    model = onnx.load(folder / "out" / "net.onnx")
    onnx.checker.check_model(model)
    with np.load(folder / "out" / "values.npz") as values:
        session = onnxruntime.InferenceSession(folder / "out" / "net.onnx")
        (theirs,) = session.run(None, {session.get_inputs()[0].name: values["x"]})
        assert np.abs(theirs - values["theirs"]).max() <= 1e-6 and np.abs(values["ours"] - values["theirs"]).max() <= 1e-6
    return model, (folder / "out" / "net.hxx").read_text(), (folder / "out" / "report.txt").read_text()


def custom_nodes(model: onnx.ModelProto) -> list[str]:
    return [f"{node.domain}::{node.op_type}" for node in model.graph.node if node.domain]


def script_of(framework: str, activation: str, before: str = "") -> str:
    """A script that converts a network with an activation; `before` stands between the imports and the network."""
    needs(framework)
    imports, network = FRAMEWORKS[framework]
    return imports + before + textwrap.dedent(network).replace("ACTIVATION", activation) + END


@pytest.mark.parametrize("framework", sorted(FRAMEWORKS))
@pytest.mark.parametrize(
    ("function", "node", "call"),
    [
        ("swish", "onnx_bridge::Swish", r"swish\([^()]+(\([^()]*\)[^()]*)?, 1\.0f\)"),
        ("quick gelu", "onnx_bridge::Swish", r"swish\([^()]+(\([^()]*\)[^()]*)?, 1\.702f\)"),
        ("squareplus", "onnx_bridge::Squareplus", r"sqrt\("),
    ],
)
def test_ours(framework: str, function: str, node: str, call: str, tmp_path: Path) -> None:
    model, header, report = saved(script_of(framework, WORDS[function][framework]), tmp_path)

    assert custom_nodes(model) == [node] and f"recognised {node}" in report
    assert "Sigmoid" not in {n.op_type for n in model.graph.node}
    assert re.search(call, header)


PACKAGE = """
from onnx_bridge import custom_op

bump = custom_op(
    "their.package::Bump",
    '''
    Bump <width: float = 1.0> (x) => (y) {
        number = Constant <value_float: float = @width> ()
        factor = CastLike (number, x)
        square = Mul (x, x)
        scaled = Mul (square, factor)
        negative = Neg (scaled)
        y = Exp (negative)
    }
    ''',
    functor="exp(-(width * (x * x)))",
)
"""


@pytest.mark.parametrize("framework", sorted(FRAMEWORKS))
def test_of_another_package(framework: str, tmp_path: Path) -> None:
    """Declared in an installed package; called, with an attribute, by the framework's own function, which its user wrapped."""
    environment = installed(tmp_path, PACKAGE, "bump")
    library = {"keras": "tf", "torch": "torch", "flax": "jnp"}[framework]
    wrapped = f"from their_package import bump\nbumped = bump(lambda x, width=1.0: {library}.exp(-width * x * x))\n"
    script = script_of(framework, "(lambda h: bumped(h, width=0.25))", wrapped)
    model, header, _ = saved(script, tmp_path, environment)

    (node,) = [node for node in model.graph.node if node.domain]
    assert (node.domain, node.op_type) == ("their.package", "Bump") and [(a.name, a.f) for a in node.attribute] == [("width", 0.25)]
    assert "exp(neg(product(like(" in header
