"""Epilogues: pointwise steps that become the last act of the kernel that produces a tensor."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import bool_, float32
from onnx_bridge.ir.literals import literal
from onnx_bridge.ir.roperator import KernelOperator, Writer
from onnx_bridge.ir.tensor import BLOCK, Tensor
from onnx_bridge.library.blocked import blocked_pointer, blocked_strides, can_block
from onnx_bridge.library.kernel import Kernel
from onnx_bridge.library.steps import Step, body, is_vector, operands, step_faults

#: Epilogues of a few instructions, which kernels may apply in registers instead of in a sweep over the tile.
CHEAP = {"Relu", "Clip", "LeakyRelu"}


@dataclass(eq=False, kw_only=True)
class Fusable(KernelOperator):
    """An operator whose kernel takes an epilogue. `steps` begin with one that reads `raw`, what the kernel itself computes."""

    steps: list[Step] = field(default_factory=list)
    raw: Tensor | None = None

    @property
    def kernel(self) -> Kernel:
        """The kernel, chosen by constants alone."""
        raise NotImplementedError

    def fuse(self, steps: Sequence[Step]) -> None:
        """Makes `steps`, which read this operator's output, its last acts."""
        if self.raw is None:
            self.raw = self.y
        self.steps.extend(steps)
        self.inputs.extend(t for t in epilogue_operands(self) if t not in self.inputs)
        self.outputs[0] = steps[-1].output

    def can_fuse(self, steps: Sequence[Step]) -> bool:
        """Whether the kernel's epilogue can do `steps`."""
        last = steps[-1].output
        if last.shape != self.y.shape or last.dtype is not float32 or not is_vector(steps):
            return False
        others = [t for t in operands(steps) if t is not self.y]
        return all(t.dtype in self.kernel.epilogue and self.epilogue_offset(t) is not None for t in others)

    def rename(self, new: Mapping[Tensor, Tensor]) -> None:
        super().rename(new)
        self.steps = [step.renamed(new) for step in self.steps]
        self.raw = self.raw and new.get(self.raw, self.raw)

    def step_faults(self) -> Iterator[tuple[Tensor, str]]:
        yield from step_faults(self.steps, self.inputs, self.raw)
        if self.steps and not self.reorders and self.steps[-1].output is not self.y:
            yield self.steps[-1].output, f"the last step makes it, and not {self.y.name!r}"

    @property
    def reorders(self) -> bool:
        """Whether the output has its axes in another order than the last step has them."""
        return False

    def epilogue_offset(self, tensor: Tensor) -> str | None:
        """How an operand of the epilogue is found; None if the kernel cannot."""
        raise NotImplementedError

    def kernel_files(self) -> Sequence[str]:
        return [self.kernel.header, "epilogue.hxx", *dict.fromkeys(kernel for step in self.steps for kernel in step.kernels)]

    def title(self) -> str:
        return " + ".join([self.name or self.op_type, *(step.op.title() for step in self.steps)])


def epilogue_operands(op: Fusable) -> list[Tensor]:
    """What an operator's epilogue reads besides the kernel's own sum."""
    return [t for t in operands(op.steps) if t is not op.raw]


@dataclass(frozen=True)
class Operand:
    """How one operand of an epilogue is read: fields of the functor (`type name = value`) and the expression of a vector."""

    expression: str
    fields: tuple[tuple[str, str, str], ...]


def write_epilogue(cpp: Writer, op: Fusable, described: Sequence[Operand]) -> str:
    """Declares the epilogue of `op` and returns the C++ expression that constructs it."""
    if not op.steps:
        return "Keep()"
    assert op.raw is not None
    return write_steps(cpp, op.steps, op.raw, described)


def write_steps(cpp: Writer, steps: Sequence[Step], raw: Tensor, described: Sequence[Operand]) -> str:
    """The same for steps that begin with one that reads `raw`; their other operands are `described`, in order."""
    names = {raw: "value"}
    for tensor, operand in zip((t for t in operands(steps) if t is not raw), described, strict=True):
        names[tensor] = operand.expression
    fields = [f for operand in described for f in operand.fields]
    declared = "".join(f"{kind} {name}; " for kind, name, _ in fields)
    statements = body(steps, names)
    used = set(re.findall(r"\w+", statements))
    places = (("vec", "value"), ("Size", "row"), ("Size", "column"), ("Count", "count"))
    parameters = ", ".join(f"{kind} {name}" if name in used else kind for kind, name in places)
    cheap = "static constexpr bool cheap = true; " if len(steps) == 1 and steps[0].op.op_type in CHEAP and not fields else ""
    operator = f"template <class Count> __attribute__((always_inline)) vec operator()({parameters}) const"
    text = f"{{ {cheap}{declared}{operator} {{ {statements} }} }}"
    functor = cpp.functor(text, "".join(step.op.op_type for step in steps[:3]))
    return f"{functor}{{{', '.join(value for _, _, value in fields)}}}" if fields else f"{functor}()"


def constant_operand(tensor: Tensor) -> Operand | None:
    """A scalar constant as a literal."""
    if tensor.is_constant and tensor.constant().size == 1 and tensor.dtype is bool_:
        return Operand(f"splat(-{int(bool(tensor.constant().reshape(-1)[0]))})", ())
    if tensor.is_constant and tensor.constant().size == 1:
        return Operand(f"splat({literal(tensor.constant().reshape(-1)[0], float32)})", ())
    return None


def strided_operand(cpp: Writer, index: int, tensor: Tensor, strides: Sequence[Size], offset: str) -> Operand:
    """An operand of a kernel whose output is a matrix, found by its strides along rows and columns (1 or 0); `offset` is the matrix's."""
    constant = constant_operand(tensor)
    if constant is not None:
        return constant
    p, r = f"x{index}", f"r{index}"
    mask = tensor.dtype is bool_
    fields = [(f"const {tensor.dtype.storage}*", p, cpp.pointer(tensor) + offset)]
    row = ""
    if strides[-2] != 0:
        fields.append(("Size", r, cpp.size(strides[-2])))
        row = f" + row * {r}"
    if strides[-1] == 1:
        expression = f"{'load_mask' if mask else 'load'}({p}{row} + column, count)"
    else:
        expression = f"splat(-static_cast<std::int32_t>(*({p}{row})))" if mask else f"splat(*({p}{row}))"
    return Operand(expression, tuple(fields))


def row_operands(cpp: Writer, op: Fusable, flat: bool = False) -> list[Operand]:
    """Operands of a kernel whose output is [rows][columns], columns being the last axis; `flat`: of one that sees it as one row."""
    columns = op.y.shape[-1]
    described = []
    for index, tensor in enumerate(epilogue_operands(op)):
        constant = constant_operand(tensor)
        if constant is not None:
            described.append(constant)
            continue
        p, n = f"x{index}", f"n{index}"
        fields = [("const float*", p, cpp.pointer(tensor))]
        kind = row_kind(tensor, op.y)
        if kind == "scalar":
            expression = f"splat({p}[0])"
        elif kind == "column" or (flat and kind in ("full", "row")):
            expression = f"load({p} + column, count)"
        elif kind == "row":
            expression = f"splat({p}[row])"
        else:
            fields.append(("Size", n, cpp.size(columns)))
            expression = f"load({p} + row * {n} + column, count)"
            if kind != "full":
                fields.append(("Size", f"rows{index}", cpp.size(dims.product(tensor.shape[:-1]))))
                expression = f"load({p} + row % rows{index} * {n} + column, count)"
        described.append(Operand(expression, tuple(fields)))
    return described


def row_kind(tensor: Tensor, y: Tensor) -> str | None:
    """How a tensor lies beside an output [rows][columns]: scalar, column, row, full, periodic, or None."""
    if tensor.layout != "planar":
        return None
    shape = (1,) * (y.rank - tensor.rank) + tuple(tensor.shape)
    if all(size == 1 for size in shape):
        return "scalar"
    if shape == y.shape:
        return "full"
    if all(size == 1 for size in shape[:-1]) and shape[-1] == y.shape[-1]:
        return "column"
    if shape[-1] == 1 and shape[:-1] == y.shape[:-1]:
        return "row"
    if shape[-1] == y.shape[-1]:
        first = next(i for i, size in enumerate(shape) if size != 1)
        if shape[first:] == y.shape[first:]:
            return "periodic"
    return None


def channel_operands(cpp: Writer, op: Fusable, image: str) -> list[Operand]:
    """Operands of a blocked kernel: row is the pixel of one image, column the channel; `image` is the C++ index of the image."""
    y = op.y
    pixels: Size = dims.product(y.shape[2:])
    described = []
    for index, tensor in enumerate(epilogue_operands(op)):
        constant = constant_operand(tensor)
        if constant is not None:
            described.append(constant)
            continue
        p, n = f"x{index}", f"n{index}"
        strides = blocked_strides(tensor, y)
        base = blocked_pointer(cpp, tensor)
        if strides[0] != 0:
            base += f" + {image} * {cpp.size(strides[0])}"
        fields = [("const float*", p, base)]
        if strides[3] == 0:
            expression = f"splat({p}[row])" if strides[2] == 1 else f"splat({p}[0])"
        elif strides[2] == 0:
            expression = f"load({p} + column, count)"
        else:
            fields.append(("Size", n, cpp.size(pixels)))
            expression = f"load({p} + (column / {BLOCK} * {n} + row) * {BLOCK} + column % {BLOCK}, count)"
        described.append(Operand(expression, tuple(fields)))
    return described


def channel_kind(tensor: Tensor, y: Tensor) -> str | None:
    """How a tensor may stand beside a blocked output: as it is, blocked first, or not at all (None)."""
    if can_block(tensor, y) or (tensor.is_constant and tensor.constant().size == 1):
        return "as it is"
    shape = (1,) * (y.rank - tensor.rank) + tuple(tensor.shape)
    if shape[1] == y.shape[1] and (shape[2:] == y.shape[2:] or all(size == 1 for size in shape[2:])):
        return "blocked"
    return None
