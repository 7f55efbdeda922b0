"""LRN: local response normalisation."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import WIDE_FLOATS, float64
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.operators.cases import case


@operator("LRN", since=1)
class LRN(ROperator):
    """y = x / (bias + alpha / size * sum of x^2)^beta, the sum over `size` channels around, at every place of x [N, C, ...]."""

    kernels = ("lrn.hxx",)
    computes = (WIDE_FLOATS,)

    alpha: float = attribute(0.0001)
    beta: float = attribute(0.75)
    bias: float = attribute(1.0)
    size: int = attribute()

    def types(self, x: Tensor) -> Type:
        if x.rank < 2 or self.size < 1:
            raise ShapeError(f"x must be [N, C, ...] and size positive, got {x.type} and {self.size}")
        return x.type

    def kernel_files(self) -> Sequence[str]:
        return ("lrn_doubles.hxx",) if self.x.dtype is float64 else self.kernels

    def emit(self, cpp: Writer) -> None:
        batch, channels, *spatial = self.x.shape
        if self.x.dtype is float64:
            sizes = batch, channels, dims.product(spatial)
            cpp.call("lrn_doubles", *sizes, self.x, self.y, self.size, self.alpha, self.beta, self.bias)
            return
        share = self.alpha / self.size
        cpp.call("lrn", batch, channels, dims.product(spatial), self.x, self.y, self.size, share, self.beta, self.bias)

    cases = (
        case(x=("N", 7, 5, 7), attributes={"size": 5, "alpha": 0.1}),
        case(x=("N", 7, 3, 2), attributes={"size": 3, "alpha": 0.5, "beta": 0.6, "bias": 2.0}),
        case(x=(2, 3, 9, 9), attributes={"size": 11}),
        case(x=(1, 20, "H", "W"), attributes={"size": 5, "alpha": 1.0}),
    )
