"""Custom operators from each framework: one node in the saved model, which onnxruntime runs, and one call of the functor in the header.

A framework is imported once, by a process of its own that converts all of its networks.
"""

from __future__ import annotations

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

#: By framework: its imports, and the body of a function that makes `model`, `arguments` of convert, and `answer(x)`. In the network stands
#: ACTIVATION(h).
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

#: Each framework's own words for a function; the last is what a user wrapped who has the package installed, called with an attribute.
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
    "bump": dict.fromkeys(FRAMEWORKS, "(lambda h: bumped(h, width=0.25))"),
}  # fmt: skip

#: For each function: the node, and its call in the header.
MADE = {
    "swish": ("onnx_bridge::Swish", r"swish\([^()]+(\([^()]*\)[^()]*)?, 1\.0f\)"),
    "quick gelu": ("onnx_bridge::Swish", r"swish\([^()]+(\([^()]*\)[^()]*)?, 1\.702f\)"),
    "squareplus": ("onnx_bridge::Squareplus", r"sqrt\("),
    "bump": ("their.package::Bump", r"exp\(neg\(product\(like\("),
}

PACKAGE = '''
from onnx_bridge import custom_op

bump = custom_op(
    "their.package::Bump",
    """
    Bump <width: float = 1.0> (x) => (y) {
        number = Constant <value_float: float = @width> ()
        factor = CastLike (number, x)
        square = Mul (x, x)
        scaled = Mul (square, factor)
        negative = Neg (scaled)
        y = Exp (negative)
    }
    """,
    functor="exp(-(width * (x * x)))",
)
'''

END = """
import sys
import traceback
import numpy as np
import onnx_bridge

failed = 0
for name, make in NETWORKS.items():
    try:
        model, arguments, answer = make()
        made = onnx_bridge.convert(model, name="net", **arguments)
        made.save(name)
        open(f"{name}/report.txt", "w").write(str(made.report))
        x = np.random.default_rng(1).standard_normal((17, 6)).astype(np.float32)
        np.savez(f"{name}/values.npz", x=x, theirs=np.asarray(answer(x)), ours=made.compile()(x))
    except Exception:
        print(f"---- {name}", file=sys.stderr)
        traceback.print_exc()
        failed += 1
sys.exit(failed)
"""


def script_of(framework: str) -> str:
    """A script that converts a network with each of the functions, and saves it in a folder of the function's name."""
    imports, network = FRAMEWORKS[framework]
    library = {"keras": "tf", "torch": "torch", "flax": "jnp"}[framework]
    wrapped = f"bumped = bump(lambda x, width=1.0: {library}.exp(-width * x * x))\n"
    lines = [imports, "from their_package import bump\n", wrapped, "NETWORKS = {}\n"]
    for index, (name, words) in enumerate(WORDS.items()):
        body = textwrap.dedent(network).replace("ACTIVATION", words[framework]) + "return model, arguments, answer\n"
        lines.append(f"def network_{index}():\n{textwrap.indent(body, '    ')}\nNETWORKS[{name!r}] = network_{index}\n")
    return "".join(lines) + END


def wrong(folder: Path, node: str, call: str) -> list[str]:
    """What is wrong with what a script saved; the saved model must compute the framework's numbers in onnxruntime, the header, too."""
    model = onnx.load(folder / "net.onnx")
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(folder / "net.onnx")
    found = []
    with np.load(folder / "values.npz") as values:
        (theirs,) = session.run(None, {session.get_inputs()[0].name: values["x"]})
        for who, numbers in (("onnxruntime", theirs), ("the header", values["ours"])):
            gap = np.abs(numbers - values["theirs"]).max()
            found += [] if gap <= 1e-6 else [f"{who} is off by {gap:.3g}"]
    custom = [node for node in model.graph.node if node.domain]
    nodes = [f"{node.domain}::{node.op_type}" for node in custom]
    found += [] if nodes == [node] else [f"the saved model has {nodes}"]
    if node == "their.package::Bump":
        given = [(attribute.name, attribute.f) for attribute in custom[0].attribute]
        found += [] if given == [("width", 0.25)] else [f"its attributes are {given}"]
    else:  # it was the exporter's nodes before
        report = (folder / "report.txt").read_text()
        found += [] if f"recognised {node}" in report else [f"nothing was recognised: {report}"]
        found += ["a Sigmoid is left"] if "Sigmoid" in {node.op_type for node in model.graph.node} else []
    return found + ([] if re.search(call, (folder / "net.hxx").read_text()) else [f"the header does not call {call}"])


@pytest.mark.parametrize("framework", sorted(FRAMEWORKS))
def test_functions_of_a_framework(framework: str, tmp_path: Path) -> None:
    """Ours, recognised in what the exporter writes; and one of an installed package, called by the framework's own function."""
    needs(framework)
    (tmp_path / "script.py").write_text(script_of(framework))
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"}
    environment = {**installed(tmp_path, PACKAGE, "bump"), **quiet}
    ran = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr[-8000:]
    assert {name: found for name, (node, call) in MADE.items() if (found := wrong(tmp_path / name, node, call))} == {}
