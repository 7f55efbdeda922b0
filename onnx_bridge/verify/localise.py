"""Where it went wrong: the operator that wrote beyond its memory, or the first intermediate tensor that differs from onnxruntime's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing

import numpy as np
import onnx

from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import BridgeError
from onnx_bridge.ir import dims
from onnx_bridge.ir.rmodel import RModel, nested_models
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import BLOCK, Tensor
from onnx_bridge.judge import first_difference
from onnx_bridge.processes import Died
from onnx_bridge.references.oracle import Oracle
from onnx_bridge.runtime.compiled import built
from onnx_bridge.runtime.isolated import IsolatedModel

#: What canaries.hxx says as it ends a process.
_WROTE = re.compile(r"onnx_bridge: (.* wrote byte .* bytes)")


def localise(model: RModel, emitted: Emitted, normal: onnx.ModelProto, feeds: Mapping[str, np.ndarray], sizes: Mapping[str, int]) -> str:
    """Says which operator wrote beyond its memory, if one did; else which tensor is the first to differ, and what makes it.

    Args:
        model: the RModel after its passes.
        emitted: its header.
        normal: the model in normal form: its tensors have the RModel's names.
        feeds: inputs for which an output differs.
        sizes: the run-time sizes of these inputs.
    """
    emitted = emitted.with_canaries().with_taps()
    try:
        with closing(IsolatedModel(emitted, built(emitted, taps=True))) as net:
            ours = {t.name: to_planar(t, net_value, sizes) for t, net_value in _pairs(emitted.tapped, net.tapped(feeds))}
    except Died as how:
        if wrote := _WROTE.search(str(how)):
            return f"the operator {wrote[1]}"
        return f"the first tensor that differs could not be found: the compiled code ended its process with {how}"
    in_graph = {name for node in normal.graph.node for name in node.output if name}
    outputs = {value.name for value in normal.graph.output}
    names = [t.name for t in emitted.tapped if t.name in in_graph]
    try:
        with closing(Oracle.with_outputs(normal, [name for name in names if name not in outputs])) as oracle:
            reference = dict(zip(oracle.output_names, oracle(feeds), strict=True))
    except BridgeError as error:
        return f"the first tensor that differs could not be found: {error}"
    found = first_difference(names, {name: _as(ours[name], reference.get(name)) for name in names if name in ours}, reference)
    if found is None:
        return "no intermediate tensor differs by more than rounding; the difference builds up on the way"
    name, gap = found
    producers = _makers(model)
    maker = next((op for tensor, op in producers.items() if tensor.name == name), None)
    while maker is not None and maker.op_type in ("FromBlocked", "ToBlocked"):  # a change of layout moves values, it makes none
        maker = producers.get(maker.x)
    made_by = f", made by {maker.title()} ({maker.op_type})" if maker is not None else ""
    return f"the first tensor that differs is {name!r}{made_by}: off by {gap:.2g} of its largest value"


def _pairs(tensors: list[Tensor], values: Mapping[str, np.ndarray]) -> list[tuple[Tensor, np.ndarray]]:
    return [(t, values[t.name]) for t in tensors if t.name in values]


def _makers(model: RModel) -> dict[Tensor, ROperator]:
    """The operators that make tensors, those of bodies included."""
    found = model.producers()
    for op in model.operators:
        for body in nested_models(op):
            found.update(_makers(body))
    return found


def _as(ours: np.ndarray, reference: np.ndarray | None) -> np.ndarray:
    """A flat tensor in the shape of the reference, if it has as many elements."""
    return ours.reshape(reference.shape) if reference is not None and ours.ndim == 1 and ours.size == reference.size else ours


def to_planar(tensor: Tensor, flat: np.ndarray, sizes: Mapping[str, int]) -> np.ndarray:
    """A tensor as it lies in memory, in ONNX's order; flat where data decides its shape, or it is that of a branch that was not taken."""
    if not dims.symbols(tensor.count) <= sizes.keys() or flat.size != dims.evaluate(tensor.stored_count, sizes):
        return flat
    shape = [dims.evaluate(size, sizes) for size in tensor.shape]
    if tensor.layout == "planar":
        return flat.reshape(shape)
    batch, channels, *spatial = shape
    blocks = -(-channels // BLOCK)
    blocked = flat.reshape(batch, blocks, int(np.prod(spatial)), BLOCK)
    return blocked.transpose(0, 1, 3, 2).reshape(batch, blocks * BLOCK, *spatial)[:, :channels]
