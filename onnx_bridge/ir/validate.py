"""What holds of an RModel between any two passes, looked at: whatever breaks it is told with the pass, the operator and the tensor.

1. A tensor has one producer, which comes before those who read it; what has none is an input or has a value. A size that data decides is
   found before any tensor has it.
2. The types of an operator's outputs are those that its rule gives once more, under the equalities and conditions that the model has.
3. What an operator holds beside its inputs agrees with them: steps read inputs, or what steps before them made (`step_faults`).
4. A tensor lies in memory as those who write and read it want it (`takes_layout`).
5. Nobody makes what is not needed, when the passes are done; after each of them the model is swept.
6. Between passes over ONNX's operators there are no others.
7. `tensors` has what is used under its name, and nothing else when the passes are done.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from onnx_bridge.errors import InternalError
from onnx_bridge.ir import dims
from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.rmodel import RModel, all_models, all_operators, dead_operators, nested_models, used_tensors
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import ASSUMED, Tensor, Type


class Inconsistent(Exception):
    """What is wrong with a model; the `__cause__` of an InternalError that says after which step."""


def validate(model: RModel, step: str, *, gives: Dialect | None = None, done: bool = False) -> None:
    """Holds a model and its nested ones against everything above.

    Args:
        model: the model.
        step: what was done to it last; the error says that this broke it.
        gives: the dialect that the step leaves, if it leaves one.
        done: whether all passes are done: then sizes that are read have been written down, and no operator or tensor is left over.

    Raises:
        InternalError: with the step, the operator and the tensor.
    """
    check_written(model, step, done=done)
    with np.errstate(all="ignore"):
        _look(model, step)
    for op in all_operators(model) if gives is Dialect.ONNX else ():
        if op.dialect is not Dialect.ONNX:
            raise _broken(step, op, "it is an operator of kernels, and those of ONNX are what this step leaves")
    if done:
        for op in (op for each in all_models(model) for op in dead_operators(each)):
            raise _broken(step, op, f"nobody needs what it makes: {', '.join(repr(t.name) for t in op.outputs if t is not None)}")
        used = {tensor for each in all_models(model) for tensor in used_tensors(each)}
        for tensor in (tensor for each in all_models(model) for tensor in each.tensors.values()):
            if tensor not in used:
                raise _broken(step, None, f"{tensor.name!r} is used by nobody, but among the tensors of the model")


def check_written(model: RModel, step: str, *, done: bool = True) -> None:
    """Holds that every tensor has one producer, and that whatever is read is a weight, an input, or written by an operator before.

    Args:
        model: the model.
        step: what was done to it last.
        done: whether sizes must be written, too; until then it is enough that they are known.

    Raises:
        InternalError: with the step, the operator and the tensor.
    """
    makers: dict[Tensor, ROperator] = {}
    for op in all_operators(model):
        for tensor in op.outputs:
            if tensor is None:
                continue
            if tensor in makers:
                raise _broken(step, op, f"{tensor.name!r} is made by {makers[tensor].title()}, too")
            makers[tensor] = op
    _Order(step, makers, done, set(model.limits())).walk(model, set())


@dataclass
class _Order:
    """A walk through a model and its nested ones that knows what is there at each operator."""

    step: str
    makers: dict[Tensor, ROperator]
    done: bool
    unfound: set[str]

    def walk(self, model: RModel, outside: Set[Tensor]) -> None:
        there = {*outside, *model.inputs}
        for tensor in model.inputs:
            if tensor in self.makers:
                raise _broken(self.step, self.makers[tensor], f"it makes {tensor.name!r}, which is an input of {model.name}")
        for op in model.operators:
            for index in op.reads():
                self.find(op.inputs[index], there, op)
            for body in nested_models(op):
                self.walk(body, there)
            self.sizes(op)
            there.update(tensor for tensor in op.outputs if tensor is not None)
        for tensor in model.outputs:
            self.find(tensor, there, None)

    def sizes(self, op: ROperator) -> None:
        """Holds that the sizes that data decides are found which an operator works with, and notes those that it finds."""
        if not self.unfound:
            return
        self.unfound -= {name for size in op.found.values() for name in dims.symbols(size)}
        for tensor in (*(op.inputs[index] for index in op.reads()), *op.outputs):
            late = set() if tensor is None else self.unfound & set().union(*map(dims.symbols, _all_sizes(tensor)))
            if tensor is not None and late:
                raise _broken(self.step, op, f"{tensor.name!r} is {tensor.type}, and {' and '.join(sorted(late))} is found only later")

    def find(self, tensor: Tensor | None, there: Set[Tensor], reader: ROperator | None) -> None:
        """Holds that a tensor is there for its reader; None is the model, which reads its outputs."""
        if tensor is None or tensor in there or tensor.is_constant or (tensor.value is not None and not self.done):
            return
        maker = self.makers.get(tensor)
        who = "the model" if reader is None else reader.title()
        why = "which nothing writes" if maker is None else f"which {maker.title()} writes only later, or elsewhere"
        raise _broken(self.step, reader, f"{who} reads {tensor.name!r}, {why}")


def _all_sizes(tensor: Tensor) -> tuple[Size, ...]:
    """The sizes of a tensor, and those that it holds."""
    return (*tensor.shape, *(tensor.sizes() if tensor.value is not None and not tensor.is_constant else ()))


def _look(model: RModel, step: str) -> None:
    """Everything that is looked at operator by operator."""
    for tensor in (*model.inputs, *model.outputs):
        _registered(model, tensor, step, None)
    equal = [*model.constraints, *(pair for op in model.operators for pair in op.constraints)]
    conditions = [*model.conditions, *(size for op in model.operators for size in op.conditions)]
    with dims.assuming(conditions):
        for op in model.operators:
            for used in (*op.inputs, *op.outputs):
                if used is not None:
                    _registered(model, used, step, op)
            for body in nested_models(op):
                _look(body, step)
            _typed(op, equal, step)
            for used in (*(op.inputs[index] for index in op.reads()), *op.outputs):
                if used is not None and not op.takes_layout(used):
                    raise _broken(step, op, f"{used.name!r} is {used.layout}, which is not how {op.op_type} takes or makes it")


def _registered(model: RModel, tensor: Tensor, step: str, op: ROperator | None) -> None:
    found = model.tensors.get(tensor.name)
    if found is not tensor:
        what = "no tensor of the model" if found is None else f"another one, {found.type},"
        raise _broken(step, op, f"it uses a tensor {tensor.name!r}, {tensor.type}, and {what} is called so")


def _typed(op: ROperator, equal: Sequence[tuple[Size, Size]], step: str) -> None:
    """Infers an operator's types again, and looks at its steps, where certain sizes are equal."""
    assumed = list(equal)
    token = ASSUMED.set(assumed)
    try:
        types = _types(op)
        wrong = next(iter(op.step_faults()), None)
    except Exception as error:  # a rule that stumbles over what a pass made is named, too
        raise _broken(step, op, f"its types cannot be inferred again: {error!r}") from error
    finally:
        ASSUMED.reset(token)
    if wrong is not None:
        raise _broken(step, op, f"{wrong[0].name!r}: {wrong[1]}")
    if len(assumed) > len(equal):
        a, b = assumed[-1]
        raise _broken(step, op, f"it is right only where {a} is {b}, which the model does not say")
    for index, tensor in enumerate(op.outputs):
        found = types[index] if index < len(types) else None
        if tensor is not None and tensor.type != found:
            raise _broken(step, op, f"{tensor.name!r} is {tensor.type}, and by the rule of {op.op_type} it is {found}")


def _types(op: ROperator) -> list[Type | None]:
    """The types by an operator's rule, which cannot look at what it should tell."""
    outputs = op.outputs
    op.outputs = [None] * len(outputs)
    try:
        return op.infer_types()
    finally:
        op.outputs = outputs


def _broken(step: str, op: ROperator | None, why: str) -> InternalError:
    where = "" if op is None else f"{op.op_type} {op.title()!r}"
    return InternalError(step, Inconsistent(why), where)
