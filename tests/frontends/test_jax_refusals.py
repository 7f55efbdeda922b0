"""What the JAX front end refuses, and with which words."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")
from harness import needs

pytestmark = needs("jax")

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import onnx
from jax.extend.core import Primitive

from onnx_bridge.errors import ORIGIN, ExportError, Finding
from onnx_bridge.frontends import Request, export, framework_of
from onnx_bridge.frontends import jax as front_end

X = np.random.default_rng(3).standard_normal((2, 5)).astype(np.float32)


def refusal(model: Any, examples: Any = X, dynamic: Any = None) -> str:
    with pytest.raises(ExportError) as caught:
        export(model, "jax", Request(examples, dynamic))
    return str(caught.value)


def test_a_primitive_that_nobody_exports_is_named() -> None:
    primitive = Primitive("my_own_primitive")
    primitive.def_impl(lambda x: x)
    primitive.def_abstract_eval(lambda x: x)
    message = refusal(lambda x: primitive.bind(x))

    assert "my_own_primitive" in message
    assert "custom_op" in message


def test_a_linen_module_without_variables_is_told_what_to_give() -> None:
    assert "convert((module, variables))" in refusal(nn.Dense(3))


def test_parameters_without_their_collection_are_told_so() -> None:
    parameters = nn.Dense(3).init(jax.random.key(0), X)["params"]

    assert "{'params': parameters}" in refusal((nn.Dense(3), parameters))


def test_example_inputs_are_needed() -> None:
    assert "example_inputs" in refusal(lambda x: x, None)


def test_example_inputs_that_do_not_fit_are_named() -> None:
    module = nn.Dense(3)
    variables = module.init(jax.random.key(0), X)

    assert "float32[2, 4]" in (message := refusal((module, variables), X[:, :4]))
    assert "Dense" in message
    assert "too many positional arguments" in refusal((module, variables), (X, X))
    assert "missing a required argument: 'y'" in refusal(lambda x, y: x + y, X)
    assert "no parameter 'z'" in refusal(lambda x, y: x + y, {"x": X, "y": X, "z": X})
    assert "no array" in refusal(lambda x: x + 1, 3)


def test_a_size_that_must_be_a_number_is_said() -> None:
    message = refusal(lambda x: jnp.ones(3) if x.shape[0] > 2 else jnp.zeros(3))

    assert "JAX itself cannot leave batch open" in message
    assert "dynamic={'x': {}}" in message


def test_a_function_that_draws_numbers_in_python_is_told_so() -> None:
    rng = np.random.default_rng(0)

    assert "gives another answer each time it is called" in refusal(lambda x: x + rng.standard_normal(5).astype(np.float32))


def test_what_cannot_be_converted_is_named_with_the_users_line() -> None:
    """And the variable of the process that has jax2onnx say so is as it was."""

    def net(x: jax.Array) -> jax.Array:
        return jnp.tanh(x) * 2

    seen: list[onnx.NodeProto] = []

    def obstacles(model: onnx.ModelProto) -> list[Finding]:
        seen.extend(model.graph.node)
        return []

    export(net, "jax", Request(X, obstacles=obstacles))
    line = net.__code__.co_firstlineno + 1

    assert [(node.op_type, [e.value for e in node.metadata_props if e.key == ORIGIN]) for node in seen] == [
        (op, [f"line {line}, in {net.__qualname__}"]) for op in ("Tanh", "Mul")
    ]
    assert "JAX2ONNX_ENABLE_STACKTRACE_METADATA" not in os.environ


def test_inputs_that_are_not_there_cannot_be_dynamic() -> None:
    assert "there is no input 'z'" in refusal(lambda x: x, X, {"z": {0: "batch"}})


def test_a_checkpoint_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "params.msgpack"
    file.write_bytes(b"\x80")

    assert framework_of(file) == "jax"
    with pytest.raises(ExportError, match=r"FILE\.py:ATTRIBUTE"):
        front_end.export(file, Request())


def test_without_jax2onnx_the_package_is_named() -> None:
    code = """
        import sys
        sys.modules["jax2onnx"] = None
        import numpy, onnx_bridge
        try:
            onnx_bridge.convert(lambda x: x, example_inputs=numpy.ones((2, 3), "float32"))
        except onnx_bridge.ExportError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)

    assert "'jax2onnx', which is not installed: pip install 'onnx_bridge[jax]'" in done.stdout
