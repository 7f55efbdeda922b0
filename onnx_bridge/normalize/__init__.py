"""ONNX -> ONNX: the steps that bring a model into normal form, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable

import onnx

from onnx_bridge.normalize.constants import constants_to_initializers, fold_constants
from onnx_bridge.normalize.custom_ops import recognise_custom_ops
from onnx_bridge.normalize.functions import inline_functions
from onnx_bridge.normalize.masks import assignments_by_mask
from onnx_bridge.normalize.names import unique_names
from onnx_bridge.normalize.order import sort_nodes
from onnx_bridge.normalize.outputs import part_outputs
from onnx_bridge.normalize.read import Source, read
from onnx_bridge.normalize.seeds import tell_seeds
from onnx_bridge.normalize.unused import drop_unused
from onnx_bridge.normalize.zip_maps import zip_maps

#: Each changes the model in place and returns what it did, a line a thing.
STEPS: tuple[Callable[[onnx.ModelProto], list[str]], ...] = (
    tell_seeds,
    sort_nodes,
    inline_functions,
    zip_maps,
    part_outputs,
    unique_names,
    constants_to_initializers,
    fold_constants,
    recognise_custom_ops,
    assignments_by_mask,
    drop_unused,
)


def normalize(model: onnx.ModelProto) -> tuple[onnx.ModelProto, list[str]]:
    """A copy of a model in normal form, and what was done to it.

    In normal form nodes stand behind what they read, functions are inlined, custom operators are nodes with their bodies beside
    them, every constant is an initializer, initializers are not graph inputs, names are unique over all subgraphs, what depends on
    constants alone is folded, no output is listed twice, what a mask chooses is written with Where, and nothing is unused. Older
    opset forms stay as they are: their operators read them.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    notes: list[str] = []
    for step in STEPS:
        notes += step(copy)
    return copy, notes


__all__ = ["Source", "normalize", "read"]
