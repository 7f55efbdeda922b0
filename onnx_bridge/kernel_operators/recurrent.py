"""What the kernels of LSTM, GRU and RNN share: where sequences and states lie, and the packing of weights for kernels/recurrent.hxx."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import KernelOperator, Writer
from onnx_bridge.ir.tensor import BLOCK, Shape, Tensor, Type
from onnx_bridge.kernels.recurrent import GATES
from onnx_bridge.library.activations import activation, clip
from onnx_bridge.library.kernel import Kernel
from onnx_bridge.library.loops import contiguous_strides
from onnx_bridge.library.view import View
from onnx_bridge.library.view import whole as view_of


@dataclass(eq=False, kw_only=True)
class RecurrentKernel(KernelOperator):
    """A recurrent layer over x [T, N, I], or [N, T, I] with `batch_first`.

    Inputs x, lengths, initial_h, initial_c; outputs Y [T, D, N, H] or [N, T, D, H], Y_h and Y_c (LSTM) [D, N, H] or [N, D, H]; all but x
    may be absent. x may be read where it lies (`x_view`), and Y written with other strides along time, direction and batch
    (`y_strides`), as another shape (`y_shape`).

    Where weights are known only at run time, PackGates has packed them: inputs W, R, bias, recurrent bias and peepholes behind the
    others, and w, r and b are None.

    Attributes:
        directions, units: D and H.
        w, r: [D, gates * H, I] and [D, gates * H, H].
        b: Wb and Rb, [D, 2 * gates * H].
        functions: name, alpha and beta of each function, for each direction.
        is_default: whether the functions are the usual ones and nothing is clipped: the fast form of the kernel serves.
    """

    kernel: ClassVar[Kernel]
    gates: ClassVar[int] = 1

    directions: int
    units: Size
    w: np.ndarray | None
    r: np.ndarray | None
    b: np.ndarray | None
    functions: Sequence[Sequence[tuple[str, float, float]]]
    is_default: bool
    clip: float | None
    reverse: bool
    batch_first: bool
    x_view: View | None = None
    y_strides: tuple[Size, Size, Size] | None = None
    y_shape: Shape | None = None

    def time_and_batch(self) -> tuple[Size, Size]:
        """T and N."""
        first, second, _ = (self.x_view or self.x).shape
        return (second, first) if self.batch_first else (first, second)

    def types(self, x: Tensor, *rest: Tensor | None) -> Sequence[Type]:
        (steps, batch), d, h = self.time_and_batch(), self.directions, self.units
        y, state = ((batch, steps, d, h), (batch, d, h)) if self.batch_first else ((steps, d, batch, h), (d, batch, h))
        return [Type(x.dtype, self.y_shape or y), *[Type(x.dtype, state)] * (len(self.outputs) - 1)]

    def scratch_bytes(self) -> Size:
        steps, batch = self.time_and_batch()
        return self.kernel.scratch_bytes(steps, batch, self.units)

    def kernel_files(self) -> Sequence[str]:
        return [self.kernel.header]

    # ---- emission

    def sizes(self, cpp: Writer) -> str:
        """The RecurrentSizes."""
        steps, batch = self.time_and_batch()
        parts = [cpp.size(s) for s in (steps, batch, (self.x_view or self.x).shape[2], self.units, self.directions)]
        return f"RecurrentSizes{{{', '.join(parts)}, {'true' if self.reverse else 'false'}}}"

    def lengths(self, cpp: Writer) -> str:
        """The pointer to the lengths of the sequences."""
        tensor = self.arguments(2)[1]
        return "nullptr" if tensor is None else cpp.pointer(tensor)

    def made(self, index: int) -> Tensor | None:
        """An output, if it is wanted."""
        return self.outputs[index] if index < len(self.outputs) else None

    def rows(self, cpp: Writer, tensor: Tensor | None, kind: str, whole: bool = False) -> str:
        """A RecurrentRows: of x or Y (`whole`: with a time axis), or of a state; of nothing if the tensor is absent."""
        if tensor is None:
            return f"RecurrentRows<{kind}>{{nullptr, 0, 0, 0}}"
        pointer = cpp.pointer(tensor)
        if whole and tensor is self.x and kind.startswith("const"):
            view = self.x_view or view_of(tensor)
            pointer, s = view.pointer(cpp, tensor), view.strides
            strides: tuple[Size, Size, Size] = (s[1], 0, s[0]) if self.batch_first else (s[0], 0, s[1])
        elif whole:
            strides = self.y_strides or self.own_strides(tensor)
        else:
            s = tuple(contiguous_strides(tensor.shape))
            strides = (0, s[1], s[0]) if self.batch_first else (0, s[0], s[1])
        return f"RecurrentRows<{kind}>{{{pointer}, {', '.join(map(cpp.size, strides))}}}"

    def own_strides(self, y: Tensor) -> tuple[Size, Size, Size]:
        """Strides of Y along time, direction and batch where it has ONNX's shape."""
        s = contiguous_strides(y.shape)
        return (s[1], s[2], s[0]) if self.batch_first else (s[0], s[1], s[2])

    def weights(
        self, cpp: Writer, bias: np.ndarray | None, recurrent_bias: np.ndarray | None = None, kernel: np.ndarray | None = None
    ) -> str:
        """The RecurrentWeights: packed W, bias, R."""
        if self.w is None or self.r is None:
            packed = ["nullptr" if tensor is None else cpp.pointer(tensor) for tensor in self.arguments(8)[4:]]
            return f"RecurrentWeights{{{packed[0]}, {packed[2]}, {packed[1]}, {packed[3]}}}"
        name = self.name or self.op_type
        w = cpp.weight(f"{name}_W", pack_gates(self.w, self.gates))
        r = cpp.weight(f"{name}_R", pack_gates(self.r, self.gates) if kernel is None else kernel)
        b = "nullptr" if bias is None else cpp.weight(f"{name}_bias", pack_bias(bias, self.gates))
        rb = "nullptr" if recurrent_bias is None else cpp.weight(f"{name}_recurrent_bias", pack_bias(recurrent_bias, 1))
        return f"RecurrentWeights{{{w}, {b}, {r}, {rb}}}"

    def biases(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Wb and Rb, [D, gates * H] each."""
        if self.b is None:
            return None
        wb, rb = np.split(self.b, 2, axis=1)
        return wb, rb

    def joined_bias(self) -> np.ndarray | None:
        """Wb + Rb."""
        biases = self.biases()
        with np.errstate(all="ignore"):  # weights may be infinite
            return None if biases is None else biases[0] + biases[1]

    def activations(self) -> list[str]:
        """The RecurrentActivations of each direction."""
        return [", ".join(activation(*function) for function in each) for each in self.functions]

    def clip_literal(self) -> str:
        """Where values are clipped; infinity, if nowhere."""
        return clip(self.clip)

    def scratch_pointer(self, cpp: Writer) -> str:
        """The scratch memory, in floats."""
        return f"reinterpret_cast<float*>({cpp.scratch()})"


def both(options: list[str]) -> list[str]:
    """The options of two directions, where only one may be there."""
    return options * 2 if len(options) == 1 else options


def pack_gates(weights: np.ndarray, gates: int) -> np.ndarray:
    """[D, gates * H, K] as [D][gates * ceil(H / 16)][K][16], gates interleaved by groups of 16 units."""
    d, rows, k = weights.shape
    return GATES.pack(weights.reshape(d, gates, rows // gates, k)).reshape(d, -1, k, BLOCK)


def pack_bias(bias: np.ndarray, gates: int) -> np.ndarray:
    """[D, gates * H] in the order of the packed columns."""
    return np.ascontiguousarray(pack_gates(bias[:, :, None], gates).reshape(bias.shape[0], -1))
