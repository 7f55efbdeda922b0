"""What front ends use of others' insides: once it is gone, an error says what, and which versions have it."""

from __future__ import annotations

import importlib
import re
from importlib.metadata import version

import numpy as np
import pytest
from harness import needs

from onnx_bridge import ExportError, convert
from onnx_bridge.frontends.internals import internal


@pytest.mark.parametrize("path", ["onnx.nothing", "onnx.nothing:here", "onnx.helper:nothing", "onnx.helper:make_node.nothing"])
def test_what_is_gone_is_named(path: str) -> None:
    named = path.replace(":", ".")
    with pytest.raises(ExportError, match=rf"^onnx {version('onnx')} has no {named}, .* it was seen in 0\.9 to 1\.0\.") as caught:
        internal("onnx", path, "0.9 to 1.0")
    assert caught.value.__suppress_context__, "what Python says is not what a user reads"


def test_what_is_there() -> None:
    assert internal("onnx", "onnx.helper:make_node", "1.0") is importlib.import_module("onnx.helper").make_node


def said(package: str, path: str) -> str:
    return re.escape(f"{package} {version(package)} has no {path}, which this front end needs")


def test_tf2onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("keras")
    keras, tfonnx = importlib.import_module("keras"), importlib.import_module("tf2onnx.tfonnx")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])

    monkeypatch.delattr(tfonnx, "process_tf_graph")
    with pytest.raises(ExportError, match=said("tf2onnx", "tf2onnx.tfonnx.process_tf_graph")):
        convert(model)


def test_jax2onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("jax")
    plugins = importlib.import_module("jax2onnx.plugins.plugin_system")
    plugins.import_all_plugins()  # they derive from what is taken away now

    monkeypatch.delattr(plugins, "PrimitiveLeafPlugin")
    with pytest.raises(ExportError, match=said("jax2onnx", "jax2onnx.plugins.plugin_system.PrimitiveLeafPlugin")):
        convert(lambda x: x + 1, example_inputs=np.ones((2, 3), np.float32))


def test_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("torch")
    torch = importlib.import_module("torch")
    internals = importlib.import_module("onnx_bridge.frontends.torch.internals")

    assert internals.overload_of(torch.ops.aten.relu) is torch.ops.aten.relu.default and internals.overload_of(len) is None
    assert [argument.name for argument in internals.arguments_of(torch.ops.aten.relu.default)] == ["self"]
    with pytest.raises(ExportError, match=said("torch", "schema of <built-in function len>")):
        internals.arguments_of(len)
    monkeypatch.delattr(torch.library, "CustomOpDef")
    with pytest.raises(ExportError, match=said("torch", "torch.library.CustomOpDef")):
        internals.overload_of(len)
