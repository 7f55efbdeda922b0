"""What is used of tf2onnx and TensorFlow that they do not promise: see `onnx_bridge.frontends.internals`.

tf2onnx promises `tf2onnx.convert` alone, which takes captured constants for inputs of the model, keeps calls of compiled functions, and
has no way to leave out an optimisation. What it is made of does, and is used here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import onnx

from onnx_bridge.frontends.internals import internal

_SEEN = "1.17"

#: Attributes of TensorFlow's nodes and functions that keep a function from being inlined, which tf2onnx then leaves as a call: Keras
#: compiles grouped convolutions so. Seen in TensorFlow 2.15 to 2.21; where they are not there is nothing to take away.
NOT_INLINED = ("_XlaMustCompile", "_noinline")


def frozen(concrete: Any, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    """The GraphDef of a concrete function, with its variables as constants."""
    return internal("tf2onnx", "tf2onnx.tf_loader:from_function", _SEEN)(concrete, list(inputs), list(outputs))


def optimized(graph: Any, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    """A GraphDef as TensorFlow's own optimiser has it."""
    return internal("tf2onnx", "tf2onnx.tf_loader:tf_optimize", _SEEN)(list(inputs), list(outputs), graph)


def converted(graph: Any, **arguments: Any) -> Any:
    """tf2onnx's graph of a tf.Graph."""
    with _bfloat16():
        return internal("tf2onnx", "tf2onnx.tfonnx:process_tf_graph", _SEEN)(graph, **arguments)


@contextmanager
def _bfloat16() -> Iterator[None]:
    """Has tf2onnx call bfloat16 what it is: in its table (1.17) it is float16, but not so where constants are read."""
    table = internal("tf2onnx", "tf2onnx.tf_utils:TF_TO_ONNX_DTYPE", _SEEN)
    kind = internal("tensorflow", "tensorflow:bfloat16", "2.21").as_datatype_enum
    with patch.dict(table, {kind: onnx.TensorProto.BFLOAT16}):
        yield


def simplified(graph: Any, without: Sequence[str]) -> Any:
    """tf2onnx's graph after its optimisations.

    There is no public list of them: in a tf2onnx without `_get_optimizers` (1.17 has it) all of them run, and the model is as right.

    Args:
        graph: of tf2onnx.
        without: the names of those that are left out.
    """
    optimizer = internal("tf2onnx", "tf2onnx.optimizer", _SEEN)
    every: dict[str, Any] = getattr(optimizer, "_get_optimizers", dict)()
    taken = {name: made for name, made in every.items() if name not in without} or None
    with _bfloat16():
        return internal("tf2onnx", "tf2onnx.optimizer:optimize_graph", _SEEN)(graph, catch_errors=True, optimizers=taken)


def new_name(base: str) -> str:
    """A name that nothing in tf2onnx's graphs has."""
    return str(internal("tf2onnx", "tf2onnx.utils:make_name", _SEEN)(base))
