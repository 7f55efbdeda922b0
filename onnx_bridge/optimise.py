"""From an RModel as it was lowered to one that is emitted: passes over ONNX's operators, the selection of kernels, passes over those."""

from __future__ import annotations

from collections.abc import Collection

from onnx_bridge.ir.rmodel import RModel, nested_models
from onnx_bridge.passes import KERNEL_PASSES, ONNX_PASSES
from onnx_bridge.passes.base import Pass
from onnx_bridge.select import RULES, check_selected

#: Every step, in the order in which they run.
STEPS: tuple[type[Pass], ...] = (*ONNX_PASSES, *RULES, *KERNEL_PASSES)

#: The names of those that can be left out.
OPTIONAL: tuple[str, ...] = tuple(dict.fromkeys(step.name for step in STEPS if step.optional))


def optimise(model: RModel, without: Collection[str] = ()) -> None:
    """Runs all steps over a model and its nested ones, in place; `without` names those to leave out.

    Raises:
        InternalError: an operator is left that no header can execute.
    """
    for make in ONNX_PASSES:
        _run(make, model, without)
    for make in RULES:
        _run(make, model, without)
    check_selected(model)
    for make in KERNEL_PASSES:
        _run(make, model, without)
    model.optimised = True


def _run(make: type[Pass], model: RModel, without: Collection[str]) -> None:
    if make.optional and make.name in without:
        return
    for op in model.operators:
        for body in nested_models(op) if make.nested else ():
            _run(make, body, without)
    step = make()
    if step.call(model):
        model.notes.append(f"pass {step.name}")
    model.notes.extend(dict.fromkeys(step.declined))
