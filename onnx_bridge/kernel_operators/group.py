"""Group: pointwise operators over one shape as one loop; what every lone pointwise operator becomes, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import DType, bool_, float64
from onnx_bridge.ir.literals import literal
from onnx_bridge.ir.roperator import KernelOperator, ROperator, Writer
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.library.blocked import blocked_pointer, blocked_strides, can_block
from onnx_bridge.library.loops import broadcast_strides, collapse, contiguous_strides, nested_loops
from onnx_bridge.library.steps import ENCODED, HALVES, Step, body, is_vector, operands, step_faults


@dataclass(eq=False, kw_only=True)
class Group(KernelOperator):
    """y = the last of `steps`, all of them computed in one pass over y's shape.

    Operands broadcast to y. In the blocked layout operands are blocked, too, or do not vary along the channels, or are
    constants with one value a channel.
    """

    steps: list[Step] = field(default_factory=list)

    op_type = "Pointwise"

    def types(self, *inputs: Tensor) -> Type:
        return self.steps[-1].output.type

    def takes_layout(self, tensor: Tensor) -> bool:
        return tensor.layout == self.y.layout or (tensor.layout == "planar" and can_block(tensor, self.y))

    def rename(self, new: Mapping[Tensor, Tensor]) -> None:
        super().rename(new)
        self.steps = [step.renamed(new) for step in self.steps]

    def step_faults(self) -> Iterator[tuple[Tensor, str]]:
        yield from step_faults(self.steps, self.inputs)
        if self.steps[-1].output is not self.y:
            yield self.steps[-1].output, f"the last step makes it, and not {self.y.name!r}"
        for tensor in self.inputs:
            if tensor is not None and tensor not in operands(self.steps):
                yield tensor, "no step reads it"

    @property
    def in_place(self) -> tuple[int, ...]:  # type: ignore[override]
        """Every operand that runs along with the output element by element."""
        return tuple(
            i
            for i, t in enumerate(self.inputs)
            if t is not None and t.type == self.y.type and t.layout == self.y.layout and not t.is_constant
        )

    def kernel_files(self) -> Sequence[str]:
        doubles = any(tensor.dtype is float64 for step in self.steps for tensor in (*step.inputs, step.output))
        files = dict.fromkeys(kernel for step in self.steps for kernel in step.kernels)
        narrow = any(tensor.dtype.is_narrow for step in self.steps for tensor in (*step.inputs, step.output))
        return ["map.hxx", *files, *(["double_functions.hxx"] if doubles else []), *(["tiny_types.hxx"] if narrow else [])]

    def title(self) -> str:
        return " + ".join(step.op.title() for step in self.steps)

    def emit(self, cpp: Writer) -> None:
        y, vector = self.y, is_vector(self.steps)
        used = operands(self.steps)
        names: dict[Tensor, str] = {}
        loads: list[Tensor] = []
        for tensor in used:
            if tensor.is_constant and tensor.constant().size == 1 and tensor.dtype not in ENCODED:
                text = literal(tensor.constant().reshape(-1)[0], tensor.dtype)
                if vector:
                    text = f"splat({text})" if tensor.dtype is not bool_ else f"splat(-{int(bool(tensor.constant().reshape(-1)[0]))})"
                names[tensor] = text
            else:
                names[tensor] = f"x{len(loads)}"
                loads.append(tensor)
        parameters = ", ".join(f"{('ivec' if t.dtype is bool_ else 'vec') if vector else t.dtype.compute} {names[t]}" for t in loads)
        returned = ("ivec" if y.dtype is bool_ else "vec") if vector else "auto"
        text = f"{{ __attribute__((always_inline)) {returned} operator()({parameters}) const {{ {body(self.steps, names)} }} }}"
        functor = cpp.functor(text, "".join(step.op.op_type for step in self.steps[:3]) or "Copy")
        if y.layout == "blocked":
            self._emit_blocked(cpp, functor, loads)
        else:
            self._emit_planar(cpp, functor, loads, vector)

    def _emit_planar(self, cpp: Writer, functor: str, loads: list[Tensor], vector: bool) -> None:
        y = self.y
        shape, strides = collapse(y.shape, [contiguous_strides(y.shape), *(broadcast_strides(t.shape, y.shape) for t in loads)])
        with ExitStack() as loops:
            offsets = nested_loops(cpp, loops, shape[:-1], strides)
            pointers = [cpp.pointer(t) + offset for t, offset in zip([y, *loads], offsets, strict=True)]
            accessors = [
                accessor(cpp, t, pointer, stride[-1], vector) for t, pointer, stride in zip(loads, pointers[1:], strides[1:], strict=True)
            ]
            pointers[0] = as_stored(y.dtype, pointers[0], "")
            cpp.call("vector_map" if vector else "scalar_map", cpp.const(shape[-1]), pointers[0], f"{functor}()", *accessors)

    def _emit_blocked(self, cpp: Writer, functor: str, loads: list[Tensor]) -> None:
        y = self.y
        batch, channels, *spatial = y.shape
        accessors = []
        for tensor in loads:
            image, block, pixel, lane = blocked_strides(tensor, y)
            kind = "BlockRow" if lane == 1 else "BlockSame"
            accessors.append(f"{kind}<{pixel}>{{{blocked_pointer(cpp, tensor)}, {cpp.size(image)}, {cpp.size(block)}}}")
        cpp.call("blocked_map", batch, channels, dims.product(spatial), y, f"{functor}()", *accessors)


def group_of(op: ROperator, steps: list[Step]) -> Group:
    """A group that makes the output of `op`, the last of its steps."""
    group = Group(name=op.name, opset=op.opset, steps=steps)
    group.inputs, group.outputs = list(operands(steps)), [op.y]
    return group


def as_stored(dtype: DType, pointer: str, qualifier: str) -> str:
    """A pointer to what a loop over single elements reads or writes: numbers, or halves that convert themselves."""
    return f"reinterpret_cast<{qualifier}{ENCODED[dtype]}*>({pointer})" if dtype in ENCODED else pointer


def accessor(cpp: Writer, tensor: Tensor, pointer: str, stride: Size, vector: bool) -> str:
    """The accessor of map.hxx that reads a tensor along the innermost axis."""
    if not vector or tensor.dtype in HALVES:
        kind = f"<{ENCODED.get(tensor.dtype, tensor.dtype.storage)}>"
        name = "Half" if vector else "Scalar"
        pointer = as_stored(tensor.dtype, pointer, "const ")
        return f"{name}Row{kind}{{{pointer}}}" if stride == 1 else f"{name}Strided{kind}{{{pointer}, {cpp.size(stride)}}}"
    prefix = "Mask" if tensor.dtype is bool_ else ""
    if stride == 0:
        return f"{prefix}Same(*({pointer}))"
    return f"{prefix}Row{{{pointer}}}" if stride == 1 else f"{prefix}Strided{{{pointer}, {cpp.size(stride)}}}"
