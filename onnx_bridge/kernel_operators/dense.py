"""Dense: a product with constant weights, packed for the kernels at conversion. Gemm and MatMul become this."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.roperator import Writer
from onnx_bridge.ir.tensor import BLOCK, Tensor, Type
from onnx_bridge.kernel_operators.layer import Layer
from onnx_bridge.kernels.product import DOT_ROWS, DOT_SMALL, GEMM, GEMM_SMALL, SMALL_COLUMNS, SMALL_TERMS
from onnx_bridge.library.epilogue import row_kind, row_operands, write_epilogue
from onnx_bridge.library.kernel import Kernel

#: Products up to this many weights get compile-time sizes: their loops vanish. Larger ones share one instantiation.
SMALL = 64 * 64


@dataclass(eq=False, kw_only=True)
class Dense(Layer):
    """y[..., N] = x[..., K] weights[K, N] + bias[N], then the epilogue."""

    op_type = "Dense"
    channel_axis = -1
    weights_axis = 1

    @property
    def kernel(self) -> Kernel:
        k, n = self.weights.shape
        if n == 1:
            return DOT_SMALL if k <= SMALL_TERMS else DOT_ROWS
        return GEMM_SMALL if k * n <= SMALL and 0 < n <= SMALL_COLUMNS and k <= SMALL_TERMS else GEMM

    def types(self, x: Tensor, *rest: Tensor) -> Type:
        return Type(x.dtype, (*x.shape[:-1], self.weights.shape[1]))

    def epilogue_offset(self, tensor: Tensor) -> str | None:
        kind = row_kind(tensor, self.y)
        # A layer with one output is one row to its kernel: what repeats along the rows cannot be found there.
        return None if kind == "periodic" and self.weights.shape[1] == 1 else kind

    def emit(self, cpp: Writer) -> None:
        k, n = self.weights.shape
        rows = dims.product(self.y.shape[:-1])
        epilogue = write_epilogue(cpp, self, row_operands(cpp, self, flat=n == 1))
        name, kernel = self.name or self.y.name, self.kernel
        bias = "nullptr" if self.bias is None else cpp.weight(f"{name}_bias", np.pad(self.bias, (0, -len(self.bias) % BLOCK)))
        x, y = cpp.pointer(self.x), cpp.pointer(self.y)
        if kernel.packing is None:
            weights = cpp.weight(f"{name}_weights", self.weights.reshape(-1))
            cpp.call(kernel.function, rows, cpp.const(k), x, k, weights, bias, y, epilogue)
            return
        weights = cpp.weight(f"{name}_weights", kernel.packing.pack(self.weights))
        small = k * n <= SMALL
        size = cpp.const if small else cpp.size
        cpp.call(kernel.function, rows, size(n), size(k), x, k, weights, bias, y, n, epilogue)
