"""Chains: small graphs in onnx's text form that are converted whole, with the operators that may be left of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import pytest
from check import compile_all, oracle, worst

from onnx_bridge import convert
from onnx_bridge.errors import InferenceError
from onnx_bridge.runtime.compiled import CompiledModel


@dataclass(frozen=True)
class Chain:
    """A graph in onnx's text form, and the shapes of its float inputs to run it with; of `refused` the compiled model wants nothing.

    `leaves` are the operators that may be left after conversion; each of `must` has to be among them. Bool inputs are random.
    """

    name: str
    text: str
    runs: Sequence[dict[str, tuple[int, ...]]]
    leaves: frozenset[str]
    refused: Sequence[dict[str, tuple[int, ...]]] = ()
    must: frozenset[str] = frozenset()
    opset: int = 20
    tolerance: float = 1e-6


def chain(name: str, text: str, runs: Sequence[dict[str, tuple[int, ...]]], leaves: str, must: str = "", **rest: object) -> Chain:
    """A chain; `leaves` and `must` are names with spaces between."""
    return Chain(name, text, runs, frozenset(leaves.split()) | frozenset(must.split()), must=frozenset(must.split()), **rest)  # type: ignore[arg-type]


@dataclass
class Net:
    """A chain's model, what runs it, and the operators that are left."""

    model: onnx.ModelProto
    compiled: CompiledModel
    left: list[str]


def model_of_chain(chain: Chain) -> onnx.ModelProto:
    """The chain's model; what is declared without a value becomes an initializer."""
    graph = onnx.parser.parse_graph(chain.text)
    for declared in graph.value_info:
        shape = [dim.dim_value for dim in declared.type.tensor_type.shape.dim]
        table = np.sin(np.arange(np.prod(shape), dtype=np.float32)).reshape(shape)
        graph.initializer.append(onnx.numpy_helper.from_array(table, declared.name))
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", chain.opset)], ir_version=9)


def build(chains: Sequence[Chain]) -> dict[str, Net]:
    """Every chain, converted and compiled, in one library."""
    models = [model_of_chain(chain) for chain in chains]
    conversions = [convert(model, name=chain.name, verify=False) for chain, model in zip(chains, models, strict=True)]
    compiled = compile_all(conversions)  # type: ignore[arg-type]
    left = [[op.op_type for op in conversion.model.operators] for conversion in conversions]
    return {chain.name: Net(*parts) for chain, *parts in zip(chains, models, compiled, left, strict=True)}


def check(chain: Chain, net: Net) -> None:
    """Only what may be is left, and that gives onnxruntime's answers at all sizes."""
    assert set(net.left) <= chain.leaves
    assert chain.must <= set(net.left)
    session = oracle(net.model)
    rng = np.random.default_rng(7)
    masks = {value.name for value in net.model.graph.input if value.type.tensor_type.elem_type == onnx.TensorProto.BOOL}
    for shapes in chain.runs:
        feeds = {
            name: rng.random(shape) < 0.7 if name in masks else rng.standard_normal(shape).astype(np.float32)
            for name, shape in shapes.items()
        }
        for got, wanted in zip(net.compiled.run(feeds), session.run(None, feeds), strict=True):
            assert worst(got, wanted) <= chain.tolerance, shapes
    for shapes in chain.refused:
        with pytest.raises(InferenceError):
            net.compiled.run({name: np.zeros(shape, np.float32) for name, shape in shapes.items()})
