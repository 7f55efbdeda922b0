"""Strides of tensors that lie densely, and loops over several tensors at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import Writer

#: Rows up to this long get their length at compile time.
SHORT = 64


def contiguous_strides(shape: Sequence[Size]) -> list[Size]:
    """Strides of a dense tensor, in elements."""
    strides: list[Size] = []
    step: Size = 1
    for size in reversed(shape):
        strides.insert(0, step)
        step = step * size
    return strides


def broadcast_strides(shape: Sequence[Size], to: Sequence[Size]) -> list[Size]:
    """Strides of a dense tensor read along a shape that it broadcasts to: 0 where it repeats."""
    own = contiguous_strides(shape)
    strides: list[Size] = [0] * (len(to) - len(shape))
    for size, target, stride in zip(shape, to[len(to) - len(shape) :], own, strict=True):
        strides.append(0 if size == 1 and target != 1 else stride)
    return strides


def collapse(shape: Sequence[Size], strides: Sequence[Sequence[Size]]) -> tuple[list[Size], list[list[Size]]]:
    """Merges axes that all operands run through in one stride; at least one axis is left."""
    kept: list[tuple[Size, list[Size]]] = []
    for axis in range(len(shape)):
        size, here = shape[axis], [stride[axis] for stride in strides]
        if size == 1:
            continue
        if kept and all(outer == inner * size for outer, inner in zip(kept[-1][1], here, strict=True)):
            kept[-1] = (kept[-1][0] * size, here)
        else:
            kept.append((size, here))
    if not kept:
        kept = [(1, [1 if i == 0 else 0 for i in range(len(strides))])]
    return [size for size, _ in kept], [[here[i] for _, here in kept] for i in range(len(strides))]


def add_index(cpp: Writer, index: str, stride: Size) -> str:
    """` + index * stride` for a pointer, nothing for stride 0."""
    if stride == 0:
        return ""
    return f" + {index}" if stride == 1 else f" + {index} * {cpp.size(stride)}"


def nested_loops(cpp: Writer, stack: ExitStack, sizes: Sequence[Size], strides: Sequence[Sequence[Size]]) -> list[str]:
    """Opens a loop for each size and returns, for each operand, what its pointer moves by inside: ` + i * stride ...`."""
    offsets = [""] * len(strides)
    for axis, size in enumerate(sizes):
        if size == 1:
            continue
        index = cpp.local("i")
        stack.enter_context(cpp.block(f"for (Size {index} = 0; {index} < {cpp.size(size)}; {index}++)"))
        for operand, stride in enumerate(strides):
            offsets[operand] += add_index(cpp, index, stride[axis])
    return offsets


def around(shape: Sequence[Size], first: int, last: int) -> tuple[Size, Size, Size]:
    """A shape as [outer][n][inner], n being the axes from `first` up to, not including, `last`."""
    return dims.product(shape[:first]), dims.product(shape[first:last]), dims.product(shape[last:])


def short(cpp: Writer, n: Size) -> str:
    """The length of a row for kernels: at compile time where it is small."""
    return cpp.const(n) if isinstance(n, int) and n <= SHORT else cpp.size(n)
