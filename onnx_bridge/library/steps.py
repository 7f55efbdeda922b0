"""Steps: pointwise operators as expressions, strung together into loops (`Group`) or epilogues of other kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from onnx_bridge.ir.dtypes import NARROW, bfloat16, bool_, float16, float32
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.library.expressions import Expression, Variable

#: What kernels/half.hxx calls the types that are stored in 16 bits and computed in float.
HALVES = {float16: "Half", bfloat16: "Bfloat16"}

#: What the kernels call the types that are stored in another form than they are computed in: those, and those of kernels/tiny_types.hxx.
ENCODED = HALVES | {dtype: dtype.name.capitalize() for dtype in NARROW}


class PointwiseOperator(ROperator):
    """An operator whose every output element depends on the elements at the same (broadcast) place only."""

    #: Whether `expression` also works on vectors of floats and masks.
    vectorised = True
    #: The operator in Python's arithmetic, for whatever has that: factors of channels, sums of products. None if it is not so plain.
    algebra: ClassVar[Callable[..., Any] | None] = None

    def expression(self, *operands: Expression) -> Expression:
        """What one element (or vector) of the output is of the operands' elements."""
        raise NotImplementedError

    def row_wise(self) -> Tensor | None:
        tensors = [t for t in self.inputs if t is not None]
        found = [t for t in tensors if not t.is_constant]
        alike = all(t.rank == 0 or all(size == 1 for size in t.shape[:-1]) for t in tensors if t.is_constant)
        fits = len(self.outputs) == len(found) == 1 and found[0].shape == self.y.shape
        return found[0] if fits and alike else None


@dataclass(frozen=True)
class Step:
    """One pointwise operator inside a group or an epilogue."""

    op: PointwiseOperator
    inputs: tuple[Tensor, ...]
    output: Tensor

    def renamed(self, new: Mapping[Tensor, Tensor]) -> Step:
        """The same with other tensors."""
        return replace(self, inputs=tuple(new.get(tensor, tensor) for tensor in self.inputs), output=new.get(self.output, self.output))

    @property
    def kernels(self) -> Sequence[str]:
        return self.op.kernel_files()


def step_of(op: PointwiseOperator) -> Step:
    """An operator as a step: it takes the inputs that it reads and that are there."""
    return Step(op, tuple(tensor for index in op.reads() if (tensor := op.inputs[index]) is not None), op.y)


def operands(steps: Sequence[Step]) -> list[Tensor]:
    """What the steps read but do not make, each once, in order."""
    made = {step.output for step in steps}
    return list(dict.fromkeys(tensor for step in steps for tensor in step.inputs if tensor not in made))


def step_faults(steps: Sequence[Step], inputs: Sequence[Tensor | None], raw: Tensor | None = None) -> Iterator[tuple[Tensor, str]]:
    """What is wrong with the steps of an operator: a tensor, and what of it.

    Args:
        steps: the steps, in order.
        inputs: the operator's.
        raw: what its kernel computes itself, which the first step reads.
    """
    made: set[Tensor | None] = {raw}
    for step in steps:
        for tensor in step.inputs:
            if tensor not in made and tensor not in inputs:
                yield tensor, f"the step {step.op.title()} reads it, and it is none of the operator's inputs"
        arguments = list(step.op.inputs)
        for index, tensor in zip((i for i in step.op.reads() if step.op.inputs[i] is not None), step.inputs, strict=True):
            arguments[index] = tensor
        found = step.op.types(*arguments)
        if found != step.output.type:
            yield step.output, f"the step {step.op.title()} makes {step.output.type}, and by its rule {found}"
        made.add(step.output)


def is_vector(steps: Iterable[Step]) -> bool:
    """Whether the steps can run on vectors: floats, what is stored as halves, and masks."""
    return all(
        step.op.vectorised and all(tensor.dtype in (float32, bool_, *HALVES) for tensor in (*step.inputs, step.output)) for step in steps
    )


def body(steps: Sequence[Step], names: Mapping[Tensor, str]) -> str:
    """The statements of a functor: one local a step, the last one returned. `names` are those of the operands."""
    known = dict(names)
    lines = []
    for index, step in enumerate(steps):
        expression = step.op.expression(*(Variable(known[tensor]) for tensor in step.inputs)).cpp()
        if step.output.dtype in HALVES and index < len(steps) - 1:
            expression = f"rounded_to<{HALVES[step.output.dtype]}>({expression})"
        elif step.output.dtype in ENCODED and index < len(steps) - 1:
            expression = f"left_in<{ENCODED[step.output.dtype]}>({expression})"
        if index == len(steps) - 1:
            lines.append(f"return {expression};")
        else:
            known[step.output] = f"t{index}"
            lines.append(f"const auto t{index} = {expression};")
    return " ".join(lines)
