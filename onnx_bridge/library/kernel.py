"""What a record of a kernel is: all that a caller needs to know of it, said once. The records stand in kernels/, beside the headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import DType, float32
from onnx_bridge.ir.tensor import BLOCK


@dataclass(frozen=True)
class Packing:
    """How constants lie in memory for a kernel.

    Attributes:
        axes: the names of an array's axes, "O C T".
        layout: those of the packed array, the outermost first: O/16 counts whole blocks of 16 along O, O%16 the places in one. What lies
            beyond O is zero.
        place: where element [O_][C_][T_] of the array lies in the packed one, as C++ by packing.hxx; `O`, `C`, `T` are its sizes.
    """

    axes: str
    layout: str
    place: str

    def pack(self, array: np.ndarray) -> np.ndarray:
        """An array as the kernel wants it.

        Args:
            array: any element type, as many axes as there are names.
        """
        names, target = self.axes.split(), self.layout.split()
        split: list[str] = []
        shape: list[int] = []
        room: list[tuple[int, int]] = []
        for name, size in zip(names, array.shape, strict=True):
            blocked = f"{name}/{BLOCK}" in target
            room.append((0, -size % BLOCK if blocked else 0))
            split += [f"{name}/{BLOCK}", f"{name}%{BLOCK}"] if blocked else [name]
            shape += [-(-size // BLOCK), BLOCK] if blocked else [size]
        padded = np.pad(array, room).reshape(shape)
        return np.ascontiguousarray(padded.transpose([split.index(name) for name in target]))

    def count(self, sizes: Mapping[str, int]) -> int:
        """How many elements the packed array has."""
        count = 1
        for part in self.layout.split():
            name, slash, _ = part.partition("/")
            count *= -(-sizes[name] // BLOCK) if slash else BLOCK if "%" in part else sizes[part]
        return count


@dataclass(frozen=True)
class Kernel:
    """A C++ kernel.

    Attributes:
        function: its name in C++, without template arguments.
        header: the file in kernels/ that has it.
        types: the element types that it computes.
        reads, makes: the layouts of the image that it reads and of the one that it makes (`Tensor.layout`); "planar" for what is none.
        epilogue: the element types that its epilogue may read; without one it takes no epilogue.
        packing: how its constant weights lie; None where it has none or has a way of its own.
        scratch: the floats of scratch memory that a call needs, from sizes; None where it takes none. C++ has a function of the same
            name and with the same parameters, and tests/test_kernel_records.py holds the two equal.
    """

    function: str
    header: str
    types: tuple[DType, ...] = (float32,)
    reads: str = "planar"
    makes: str = "planar"
    epilogue: tuple[DType, ...] = ()
    packing: Packing | None = None
    scratch: Callable[..., Size] | None = None

    def scratch_bytes(self, *sizes: object) -> Size:
        """Bytes of scratch memory for a call."""
        return 0 if self.scratch is None else self.scratch(*sizes) * 4


def for_type(dtype: DType, kernels: Sequence[Kernel]) -> Kernel:
    """The one of some kernels that computes an element type."""
    return next(kernel for kernel in kernels if dtype in kernel.types)
