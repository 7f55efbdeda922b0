"""FusedMatMul and its relatives of com.microsoft: a product with transposes, a factor and what follows."""

from __future__ import annotations

from dataclasses import dataclass

from onnx_bridge.ir.dtypes import WIDE_FLOATS
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, Type, broadcast, fits, same
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.activated import activated, check_activation
from onnx_bridge.operators.cases import case, data, weight
from onnx_bridge.operators.gelu import FastGelu as Gelu
from onnx_bridge.operators.matmul import MatMul
from onnx_bridge.operators.pointwise import TABLE


@dataclass(eq=False, kw_only=True)
class FactoredMatMul(Composite):
    """y = alpha * op(a) op(b), as numpy's matmul; op may exchange the last two axes, or bring the first axis behind those of the batch."""

    computes = (WIDE_FLOATS,)

    alpha: float = attribute(1.0)
    transA: int = attribute(0)
    transB: int = attribute(0)

    def orders(self, a: Tensor, b: Tensor) -> tuple[list[int], list[int]]:
        """The orders in which the axes of both are read."""
        batches = (getattr(self, "transBatchA", 0), getattr(self, "transBatchB", 0))
        return self.order(a.rank, self.transA, batches[0]), self.order(b.rank, self.transB, batches[1])

    @staticmethod
    def order(rank: int, swapped: int, batch: int) -> list[int]:
        order = list(range(rank))
        if batch and rank > 2:
            order = [*order[1:-1], 0, rank - 1]
        if swapped and rank > 1:
            order[-2:] = order[:-3:-1]
        return order

    def types(self, a: Tensor, b: Tensor) -> Type:
        if a.rank == 0 or b.rank == 0:
            raise ShapeError("a and b must not be scalars")
        if a.dtype is not b.dtype:
            raise ShapeError(f"a and b must have one type, got {a.dtype} and {b.dtype}")
        first, second = (tuple(t.shape[axis] for axis in order) for t, order in zip((a, b), self.orders(a, b), strict=True))
        return Type(a.dtype, product_shape(first, second))

    def product(self, build: Parts) -> Tensor:
        """The product with its factor."""
        a, b = self.x, self.input(1)
        orders = self.orders(a, b)
        y = build.add(MatMul, build.transpose(a, orders[0]), build.transpose(b, orders[1]))
        return y if self.alpha == 1 else build.add(TABLE["Mul"], y, build.constant("alpha", self.alpha, y))

    def parts(self, build: Parts) -> Tensor:
        return self.product(build)


def product_shape(a: Shape, b: Shape) -> Shape:
    """The shape of a product as numpy has it."""
    same(a[-1], b[-2] if len(b) > 1 else b[0])
    return (*broadcast(a[:-2], b[:-2]), *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))


@operator("FusedMatMul", domain="com.microsoft")
class FusedMatMul(FactoredMatMul):
    """y = alpha * op(a) op(b): what onnxruntime's optimiser makes of a MatMul with its neighbours."""

    transBatchA: int = attribute(0)
    transBatchB: int = attribute(0)

    cases = (
        case(a=("N", 5, 7), b=("N", 5, 9), attributes={"transA": 1, "alpha": 0.25}),
        case(a=("N", 4, 9, 8), b=("N", 4, 6, 8), attributes={"transB": 1, "alpha": 0.125}),
        case(a=("N", 7), b=weight(20, 7), attributes={"transB": 1}),
        case(a=(5, 3, 7), b=(3, 7, 4), attributes={"transBatchA": 1}),
        case(a=(3, 4, 2, 5), b=(6, 4, 2, 3), attributes={"transBatchA": 1, "transBatchB": 1, "transB": 1, "transA": 1, "alpha": 2.0}),
        case(a=(7,), b=(2, 7, 3), attributes={"transA": 1}),
        case(a=(2, 3, 7), b=(7,), attributes={"transB": 1}),
        case(a=data(2, 3, 4, dtype="float64"), b=data(4, 5, dtype="float64"), attributes={"alpha": 0.3}),
        case(a=(0, 4), b=(3, 4), attributes={"transB": 1}),
    )


@operator("TransposeMatMul", domain="com.microsoft")
class TransposeMatMul(FactoredMatMul):
    """The older name of FusedMatMul."""

    cases = (case(a=("N", 5, 7), b=("N", 9, 5), attributes={"transA": 1, "transB": 1, "alpha": 0.25}),)


@operator("FusedMatMulActivation", domain="com.microsoft")
class FusedMatMulActivation(FactoredMatMul):
    """FusedMatMul, and an activation behind it. onnxruntime has a kernel for GPUs alone."""

    tested_by = "test_microsoft.py"

    activation: str = attribute()
    activation_alpha: float | None = attribute(None)
    activation_axis: int | None = attribute(None)
    activation_beta: float | None = attribute(None)
    activation_gamma: float | None = attribute(None)
    transBatchA: int = attribute(0)
    transBatchB: int = attribute(0)

    def numbers(self) -> dict[str, float]:
        """The numbers of the activation."""
        found = {"alpha": self.activation_alpha, "beta": self.activation_beta, "gamma": self.activation_gamma}
        return {name: value for name, value in found.items() if value is not None}

    def types(self, a: Tensor, b: Tensor) -> Type:
        check_activation(self.activation, self.numbers())
        return super().types(a, b)

    def parts(self, build: Parts) -> Tensor:
        return activated(build, self.product(build), self.activation, self.numbers())


@operator("GemmFastGelu", domain="com.microsoft")
class GemmFastGelu(Composite):
    """y = gelu(x w + bias), by tanh. onnxruntime has a kernel for GPUs alone."""

    tested_by = "test_microsoft.py"
    computes = (WIDE_FLOATS,)

    def types(self, x: Tensor, w: Tensor, bias: Tensor | None = None) -> Type:
        if x.rank == 0 or w.rank == 0:
            raise ShapeError("x and w must not be scalars")
        if {t.dtype for t in (x, w, bias) if t is not None} != {x.dtype}:
            raise ShapeError(f"x, w and bias must have one type, got {x.dtype} and {w.dtype}")
        if bias is not None:
            fits(bias, w.shape[-1:], "bias")
        return Type(x.dtype, product_shape(x.shape, w.shape))

    def parts(self, build: Parts) -> Tensor:
        y = build.add(MatMul, self.x, self.input(1))
        bias = self.arguments(3)[2]
        return build.add(Gelu, y, *([] if bias is None else [bias]))
