"""com.microsoft.DynamicQuantizeLSTM: an LSTM with weights of bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32, int32
from onnx_bridge.ir.roperator import Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits, same
from onnx_bridge.kernels.integer_product import PACK_INTEGERS, centred, column_sums, pack_columns, whole_panels
from onnx_bridge.kernels.quantized_lstm import QUANTIZED_LSTM
from onnx_bridge.library.activations import activation, clip
from onnx_bridge.operators.cases import case, const, data, given, weight
from onnx_bridge.operators.matmul_integer import BYTES, bytes_of
from onnx_bridge.operators.recurrent import Recurrent


@operator("DynamicQuantizeLSTM", domain="com.microsoft")
class DynamicQuantizeLSTM(Recurrent):
    """LSTM over x [T, N, I] with W [D, I, 4 * H] and R [D, H, 4 * H] of bytes; scales and zero points are one a direction or a column.

    The whole of x, and the states of all rows before each step, become uint8 by their own range, as in onnxruntime. All else as in LSTM.
    """

    computes = ((float32,), BYTES, BYTES, (float32,), (int32,), *[(float32,)] * 4, BYTES, (float32,), BYTES)
    kernels = (QUANTIZED_LSTM.header,)
    gates = 4
    results = 3
    default_activations = ("Sigmoid", "Tanh", "Tanh")

    input_forget: int = attribute(0)

    @property
    def units(self) -> Size:
        return self.input(2).shape[1]

    def types(self, *inputs: Tensor | None) -> Sequence[Type]:
        x, w, r, b, lengths, h, c, p, w_scale, w_zero, r_scale, r_zero = self.arguments(12)
        if x is None or w is None or r is None:
            raise ShapeError("x, W and R must be given")
        if x.rank != 3 or w.rank != 3 or r.rank != 3:
            raise ShapeError(f"x, W and R must have rank 3, got {x.type}, {w.type}, {r.type}")
        d, units = self.directions, self.units
        same(units, units if self.hidden_size is None else self.hidden_size)
        fits(r, (d, units, 4 * units), "R")
        fits(w, (d, x.shape[2], 4 * units), "W")
        for tensor, what in ((w_scale, "W_scale"), (w_zero, "W_zero_point"), (r_scale, "R_scale"), (r_zero, "R_zero_point")):
            if tensor is None:
                raise ShapeError(f"{what} is missing")
            fits(tensor, (d,) if tensor.rank == 1 else (d, 4 * units), what)
        for zero, of, what in ((w_zero, w, "W"), (r_zero, r, "R")):
            if zero is not None and zero.dtype is not of.dtype:
                raise ShapeError(f"{what} is of type {of.dtype}, its zero point of type {zero.dtype}")
        return self.results_of(x, b, lengths, h, c, p)

    def held(self, tensor: Tensor, zero: Tensor) -> bool:
        """Whether weights are packed at conversion."""
        return tensor.is_constant and zero.is_constant

    def scratch_parts(self) -> list[Size]:
        """Bytes of: the kernel's memory, W and R of a direction where they are packed as the network runs; whole lines of 64."""
        steps, batch = self.time_and_batch()
        floats = [QUANTIZED_LSTM.scratch_bytes(steps, batch, self.x.shape[2], self.units)]
        for index in (1, 2):
            rows, packs = self.input(index).shape[1], not self.held(self.input(index), self.input(7 + 2 * index))
            floats.append(PACK_INTEGERS.scratch_bytes(1, 1, rows, 4 * self.units) if packs else 0)
        return [dims.ceil_div(size, 64) * 64 for size in floats]

    def scratch_bytes(self) -> Size:
        return sum(self.scratch_parts(), 0)

    def emit(self, cpp: Writer) -> None:
        (steps, batch), d, h = self.time_and_batch(), self.directions, self.units
        _, _, _, b, lengths, initial_h, initial_c, p = self.arguments(8)
        sizes = ", ".join(map(cpp.size, (steps, batch, self.x.shape[2], h, d)))
        layer = f"RecurrentSizes{{{sizes}, {'true' if self.direction == 'reverse' else 'false'}}}"
        outputs = [*self.outputs, None, None, None]
        of_y = (d * batch * h, batch * h, h)
        y = self.rows(cpp, outputs[0], "float", of_y)
        states = [self.rows(cpp, tensor, "float", (0, *of_y[1:])) for tensor in outputs[1:3]]
        initial = [self.rows(cpp, tensor, "const float", (0, *of_y[1:])) for tensor in (initial_h, initial_c)]
        kernel, *packs = self.scratch_parts()
        for direction in range(d):
            w = self.gates_of(cpp, 1, direction, f"{cpp.scratch()} + {cpp.size(kernel)}")
            r = self.gates_of(cpp, 2, direction, f"{cpp.scratch()} + {cpp.size(kernel + packs[0])}")
            cpp.call(
                QUANTIZED_LSTM.function, layer, direction, "nullptr" if lengths is None else lengths, self.x, w, r,
                self.part(cpp, b, direction), self.part(cpp, p, direction), *initial, y, *states, self.options(direction),
                f"reinterpret_cast<float*>({cpp.scratch()})",
            )  # fmt: skip

    @staticmethod
    def rows(cpp: Writer, tensor: Tensor | None, kind: str, strides: Sequence[Size]) -> str:
        """A RecurrentRows; of nothing if the tensor is absent."""
        if tensor is None:
            return f"RecurrentRows<{kind}>{{nullptr, 0, 0, 0}}"
        return f"RecurrentRows<{kind}>{{{cpp.pointer(tensor)}, {', '.join(map(cpp.size, strides))}}}"

    @staticmethod
    def part(cpp: Writer, tensor: Tensor | None, direction: int) -> str:
        """The pointer to what a tensor [D, ...] holds of a direction."""
        if tensor is None:
            return "nullptr"
        return cpp.pointer(tensor) + (f" + {cpp.size(dims.product(tensor.shape[1:]))}" if direction else "")

    def options(self, direction: int) -> str:
        """LstmDefaults, or LstmOptions, to which the kernel adds the peepholes."""
        if self.is_default and not self.input_forget and self.arguments(8)[7] is None:
            return "LstmDefaults()"
        functions = ", ".join(activation(*function) for function in self.functions()[direction])
        return f"LstmOptions{{{functions}, nullptr, {clip(self.clip)}, {'true' if self.input_forget else 'false'}}}"

    def gates_of(self, cpp: Writer, index: int, direction: int, scratch: str) -> str:
        """The QuantizedGates of W (index 1) or R (2) in a direction; what is known only at run time is packed into `scratch`."""
        tensor, scale, zero = self.input(index), self.input(6 + 2 * index), self.input(7 + 2 * index)
        by = f"{self.part(cpp, scale, direction)}, {'true' if scale.rank == 2 else 'false'}"
        if not self.held(tensor, zero):
            rows, columns = cpp.size(tensor.shape[1]), cpp.size(tensor.shape[2])
            zeros = f"{self.part(cpp, zero, direction)}, {1 if zero.rank == 2 else 0}"
            strides = f"PackStrides{{0, 0, 0, {columns}, 1}}"  # with a zero point of -1 of the left operand offsets are the columns' sums
            w = f"{self.part(cpp, tensor, direction)}, {strides}, {zeros}, nullptr, -1, {scratch}"
            return f"QuantizedGates{{pack_integers(1, 1, 1, {rows}, {columns}, {w}), {by}}}"
        values = tensor.constant()[direction]
        centre, left = centred(values, zero.constant()[direction].reshape(1, -1))
        name = f"{tensor.name}_{direction}"
        packed, sums = cpp.weight(f"{name}_packed", pack_columns(centre[None])), cpp.weight(f"{name}_sums", column_sums(centre))
        zeros = "nullptr"
        if left is not None:
            zeros = cpp.weight(f"{name}_zeros", whole_panels(np.broadcast_to(left, (1, values.shape[1]))[0]))
        return f"QuantizedGates{{IntegerWeights{{{packed}, {sums}, {zeros}}}, {by}}}"

    cases = (
        case(
            x=("T", "N", 5), w=bytes_of(1, 5, 64, constant=True), r=bytes_of(1, 16, 64, constant=True),
            b=None, lengths=None, h=None, c=None, p=None,
            ws=const([0.004], "float32"), wz=const([120], "uint8"), rs=const([0.002], "float32"), rz=const([130], "uint8"),
            attributes={"hidden_size": 16}, outputs=3,
        ),
        case(
            x=("T", 1, 7), w=bytes_of(2, 7, 80, kind="int8", constant=True), r=bytes_of(2, 20, 80, kind="int8", constant=True),
            b=weight(2, 160), lengths=None, h=(2, 1, 20), c=(2, 1, 20), p=weight(2, 60), ws=weight(2, 80, low=0.001, high=0.004),
            wz=const(np.zeros((2, 80)), "int8"), rs=weight(2, 80, low=0.001, high=0.002), rz=const(np.zeros((2, 80)), "int8"),
            attributes={"hidden_size": 20, "direction": "bidirectional"}, outputs=3,
        ),
        case(
            x=(6, 4, 3), w=bytes_of(1, 3, 20), r=bytes_of(1, 5, 20), b=data(1, 40), lengths=given([6, 1, 3, 2], "int32"), h=(1, 4, 5),
            c=(1, 4, 5), p=data(1, 15), ws=data(1, low=0.001, high=0.004), wz=const([127], "uint8"),
            rs=data(1, low=0.001, high=0.004), rz=const([129], "uint8"), outputs=3,
            attributes={"hidden_size": 5, "activations": ["HardSigmoid", "Softsign", "Relu"], "clip": 0.5, "input_forget": 1},
        ),
    )  # fmt: skip
