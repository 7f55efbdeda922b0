"""Steps: pointwise operators as expressions, strung together into loops (`Group`) or epilogues of other kernels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from onnx_bridge.ir.dtypes import bfloat16, bool_, float16, float32
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor

#: What kernels/half.hxx calls the types that are stored in 16 bits and computed in float.
HALVES = {float16: "Half", bfloat16: "Bfloat16"}


class PointwiseOperator(ROperator):
    """An operator whose every output element depends on the elements at the same (broadcast) place only."""

    #: Whether `expression` also works on vectors of floats and masks.
    vectorised = True

    def expression(self, *operands: str) -> str:
        """The C++ expression of one element (or vector) of the output."""
        raise NotImplementedError


@dataclass(frozen=True)
class Step:
    """One pointwise operator inside a group or an epilogue."""

    op: PointwiseOperator
    inputs: tuple[Tensor, ...]
    output: Tensor

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
        expression = step.op.expression(*(known[tensor] for tensor in step.inputs))
        if step.output.dtype in HALVES and index < len(steps) - 1:
            expression = f"rounded_to<{HALVES[step.output.dtype]}>({expression})"
        if index == len(steps) - 1:
            lines.append(f"return {expression};")
        else:
            known[step.output] = f"t{index}"
            lines.append(f"const auto t{index} = {expression};")
    return " ".join(lines)
