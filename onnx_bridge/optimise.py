"""From an RModel as it was lowered to one that is emitted: passes over ONNX's operators, the selection of kernels, passes over those.

ONNX_BRIDGE_VALIDATE    set, and not to 0: the model is validated (ir/validate.py) as it was lowered, after every step that changed it, and
                        at the end
"""

from __future__ import annotations

import os
from collections.abc import Collection

from onnx_bridge.ir.rmodel import RModel, nested_models, sweep
from onnx_bridge.ir.validate import validate
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
        InternalError: an operator is left that no header can execute; or, where $ONNX_BRIDGE_VALIDATE is set, a step leaves a model that
            contradicts itself.
    """
    watched = os.environ.get("ONNX_BRIDGE_VALIDATE", "") not in ("", "0")
    if watched:
        validate(model, "lower")
    sweep(model)
    for steps in (ONNX_PASSES, RULES, KERNEL_PASSES):
        for make in steps:
            if make.optional and make.name in without:
                continue
            if _run(make, model) and watched:
                validate(model, f"pass {make.name}", gives=make.gives)
            sweep(model)
        if steps is RULES:
            check_selected(model)
    model.forget_unused()
    model.optimised = True
    if watched:
        validate(model, "optimise", done=True)


def _run(make: type[Pass], model: RModel) -> bool:
    """Runs a step over a model and its nested ones, and says whether it changed anything."""
    inner = [_run(make, body) for op in model.operators for body in (nested_models(op) if make.nested else ())]
    step = make()
    changed = step.call(model)
    if changed:
        model.notes.append(f"pass {step.name}")
    model.notes.extend(dict.fromkeys(step.declined))
    return changed or any(inner)
