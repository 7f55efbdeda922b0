"""Keras 2 and 3, and TensorFlow, by tf2onnx: what is exported is a function of ours that calls the model for inference."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from onnx_bridge.errors import BridgeError, ExportError
from onnx_bridge.frontends.exported import Exported, innermost, require
from onnx_bridge.frontends.isolated import export_isolated
from onnx_bridge.frontends.keras import files
from onnx_bridge.frontends.keras.convert import to_onnx
from onnx_bridge.frontends.keras.functions import callable_of
from onnx_bridge.frontends.keras.layers import opaque_layers
from onnx_bridge.frontends.keras.opaque import FunctionTracer
from onnx_bridge.frontends.keras.reference import Answers
from onnx_bridge.frontends.keras.repairs import named_dims
from onnx_bridge.frontends.keras.signature import Signature, of_function, of_model, outputs, packed, unique
from onnx_bridge.frontends.opaque import marking
from onnx_bridge.frontends.request import Request

reads = files.reads
environment = files.environment

#: Classes of TensorFlow whose objects can be called with tensors, or hold what can.
_TENSORFLOW = {"Module", "Function", "ConcreteFunction", "AutoTrackable"}


def recognises(model: object) -> bool:
    """Whether it is a layer or model of Keras, or a function or module of TensorFlow: by the names of its classes."""
    return any(_is_layer(cls) or (_root(cls) == "tensorflow" and cls.__name__ in _TENSORFLOW) for cls in type(model).__mro__)


def _root(cls: type) -> str:
    return cls.__module__.partition(".")[0]


def _is_layer(cls: type) -> bool:
    return cls.__name__ == "Layer" and _root(cls) in ("keras", "tf_keras", "tensorflow")


def export(model: Any, request: Request) -> Exported:
    """Exports a live model, or a file.

    Raises:
        ExportError: it was refused.
    """
    if isinstance(model, Path):
        return _from_file(model, request)
    if not any(_is_layer(cls) for cls in type(model).__mro__):
        return _exported(model, request, of_function(*callable_of(model), request), f"TensorFlow {_version('tensorflow')}")
    root = next(_root(cls) for cls in type(model).__mro__ if _is_layer(cls))
    if root == "keras" and (backend := _backend()) != "tensorflow":
        return _by_another_process(model, request, backend)
    return _exported(model, request, of_model(model, request), f"Keras {_version(root)} on TensorFlow {_version('tensorflow')}")


def _version(root: str) -> str:
    return str(require(root, "Keras", "keras").__version__)


def _backend() -> str:
    """What Keras 3 computes with; Keras 2 knows but TensorFlow."""
    keras = sys.modules["keras"]
    return "tensorflow" if str(keras.__version__).startswith("2.") else str(keras.backend.backend())


def _from_file(path: Path, request: Request) -> Exported:
    model = files.load(path, request)
    made = export(model, request)
    made.name = path.name.partition(".")[0] or "model"
    return made


def _exported(model: Any, request: Request, signature: Signature, framework: str) -> Exported:
    tf = require("tensorflow", "Keras", "keras")
    require("tf2onnx", "Keras", "keras")
    name = str(getattr(model, "name", "") or getattr(model, "__name__", "") or "model")
    axes = signature.axes(request.dynamic)
    dims = [[axes[i].get(k) or size or 0 for k, size in enumerate(shape)] for i, shape in enumerate(signature.shapes)]
    specs = [
        tf.TensorSpec([None if isinstance(size, str) else size for size in shape], dtype)
        for shape, dtype in zip(dims, signature.dtypes, strict=True)
    ]
    notes: list[str] = []
    shapes = ", ".join(f"{n} {tuple(shape)}" for n, shape in zip(signature.names, dims, strict=True))
    traced = _traced(tf, signature, specs, notes, f"{framework} refuses to run the model {name!r} on inputs of the shapes {shapes}")
    if not traced.outputs:
        raise ExportError(f"the model {name!r} returns no tensor")
    made = unique([*signature.names, *(n if n not in signature.names else f"{n}_output" for n in traced.outputs)])[len(signature.names) :]
    try:
        layers = {str(getattr(layer, "name", "")) for layer in _layers_of(model)}
        onnx_model = to_onnx(traced.concrete, signature.names, made, traced.tracer, notes, layers)
    except BridgeError:
        raise
    except Exception as error:
        raise ExportError(f"tf2onnx refuses the model {name!r}: {innermost(error)}") from error
    named_dims(onnx_model, dims)
    if len(traced.tracer):
        notes.append(f"layers that arrive as one operator each: {traced.tracer.counted()}")
    examples = [dict(zip(signature.names, signature.examples, strict=True))] if signature.examples else []
    reference = Answers(signature, specs, notes)
    return Exported(onnx_model, framework, f"tf2onnx {_version('tf2onnx')}", reference, name, notes, examples)


@dataclass
class _Traced:
    concrete: Any
    outputs: list[str]
    tracer: FunctionTracer


def _traced(tf: ModuleType, signature: Signature, specs: Sequence[Any], notes: list[str], refusal: str) -> _Traced:
    """The model as a concrete function.

    Functions that the model is made of are run as plain Python, which inlines those that Keras compiles, and keeps opaque nodes out of what
    they remember of their own. Where they need TensorFlow's reading of Python's `if` and `for`, they are called as they are.
    """
    names: list[str] = []

    def called(*tensors: Any) -> list[Any]:
        found, values = outputs(signature.call(*tensors))
        names[:] = found
        return [tf.convert_to_tensor(value) for value in values]

    tracer, stateful = FunctionTracer(), list[str]()
    try:
        with _inlining(tf), opaque_layers(tracer, stateful), marking(tracer):
            concrete = tf.function(called, autograph=False).get_concrete_function(*specs)
        _refuse_stateful(stateful)
        return _Traced(concrete, names, tracer)
    except BridgeError:
        raise
    except Exception as with_nodes:
        try:
            concrete = tf.function(called).get_concrete_function(*specs)
        except Exception as error:
            words = innermost(error if isinstance(with_nodes, tf.errors.OperatorNotAllowedInGraphError) else with_nodes)
            raise ExportError(f"{refusal}: {words}") from error
        notes.append(f"traced without operators for whole layers, for that did not work: {innermost(with_nodes)[:150]}")
        return _Traced(concrete, names, FunctionTracer())


@contextmanager
def _inlining(tf: ModuleType) -> Iterator[None]:
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _refuse_stateful(layers: Sequence[str]) -> None:
    """A layer that carries its state from call to call has no place in a header whose calls are independent."""
    if layers:
        raise ExportError(
            f"the layers {', '.join(layers)} are stateful: they carry their state from call to call, a header has no memory. "
            f"Build the model with stateful=False; to carry a state, make it an input (initial_state=) and an output (return_state=True)"
        )


def _layers_of(model: Any) -> Iterator[Any]:
    """A model and the layers inside it, as far as it shows them."""
    yield model
    for name in ("layers", "layer", "forward_layer"):
        inner = getattr(model, name, None) or []
        for layer in inner if isinstance(inner, list) else [inner]:
            yield from _layers_of(layer)


def _by_another_process(model: Any, request: Request, backend: str) -> Exported:
    """A live model of Keras 3 on JAX or PyTorch: saved, and exported where TensorFlow computes; its answer remains its own."""
    modules = {type(layer).__module__ for layer in _layers_of(model)}
    own = sorted(name for name in modules if name.partition(".")[0] not in ("keras", "__main__", "builtins"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        try:
            model.save(path)
        except Exception as error:
            raise ExportError(f"the model {model.name!r}, of Keras on {backend}, cannot be saved: {innermost(error)}") from error
        plain = replace(request, imports=[*request.imports, *own], trusted=True)
        made = export_isolated(str(path), "keras", plain, environment(path))
    made.close()
    made.name = model.name
    made.notes.append(f"the model runs on {backend}; it was saved, and exported where Keras runs on TensorFlow")
    made.framework = f"Keras {_version('keras')} on {backend}"
    keras = sys.modules["keras"]
    names = [value.name for value in made.model.graph.input]

    def reference(feeds: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        values = [keras.ops.convert_to_tensor(feeds[name]) for name in names]
        structure = model.input if getattr(model, "inputs", None) else (values if len(values) > 1 else values[0])
        given = packed(structure, values)
        return [np.asarray(keras.ops.convert_to_numpy(value)) for value in outputs(model(given, training=False))[1]]

    made.reference, made.close = reference, lambda: None
    return made
