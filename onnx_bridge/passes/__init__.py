"""RModel -> RModel: the passes and their order."""

from __future__ import annotations

from collections.abc import Collection

from onnx_bridge.ir.rmodel import RModel, nested_models
from onnx_bridge.passes.attention import Attention
from onnx_bridge.passes.base import Pass
from onnx_bridge.passes.batch_norm import BatchNorm
from onnx_bridge.passes.convolutions import Convolutions
from onnx_bridge.passes.expand import Expand
from onnx_bridge.passes.fuse import Epilogues, Groups
from onnx_bridge.passes.layout import Layout
from onnx_bridge.passes.means import Means
from onnx_bridge.passes.movement import Movement
from onnx_bridge.passes.normalizations import Normalizations
from onnx_bridge.passes.outputs import Outputs
from onnx_bridge.passes.products import Products
from onnx_bridge.passes.recurrences import Recurrences, ZeroStates
from onnx_bridge.passes.reshapes import Reshapes
from onnx_bridge.passes.rows import Rows
from onnx_bridge.passes.scales import Scales
from onnx_bridge.passes.transposes import Transposes
from onnx_bridge.passes.values import DeadCode, KnownValues
from onnx_bridge.passes.written import Written

#: Every pass, in the order in which they run.
PASSES: tuple[type[Pass], ...] = (
    KnownValues, ZeroStates, DeadCode, Normalizations, Expand, Rows, Reshapes, Movement, Normalizations, Means, Scales,
    Convolutions, Products, BatchNorm, Groups, Epilogues, Transposes, Attention, Recurrences, Layout, Outputs, DeadCode, Written,
)  # fmt: skip

#: Those without which nothing can be emitted; the others can be switched off by name.
REQUIRED = {"values", "expand", "convolutions", "products", "groups", "layout", "outputs", "written"}


def run_passes(model: RModel, without: Collection[str] = ()) -> None:
    """Runs all passes over a model and its nested ones, in place; `without` names those to leave out."""
    for make in PASSES:
        if make.name in without and make.name not in REQUIRED:
            continue
        _run(make, model)


def _run(make: type[Pass], model: RModel) -> None:
    for op in model.operators:
        for body in nested_models(op) if make.nested else ():
            _run(make, body)
    step = make()
    if step.call(model):
        model.notes.append(f"pass {step.name}")
    model.notes.extend(dict.fromkeys(step.declined))
