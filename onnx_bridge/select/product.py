"""Gemm and MatMul that are no Dense: Product, whose operands are packed at run time."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.kernel_operators.product import Product
from onnx_bridge.operators.gemm import Gemm
from onnx_bridge.operators.matmul import MatMul
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.select.rule import Rule

Add, Mul = TABLE["Add"], TABLE["Mul"]


class Products(Rule[ROperator]):
    """MatMul(a, b): Product(a, b).
    Gemm(a, b, c): Add(Mul(Product(a, b), alpha), Mul(c, beta)), as much of it as there is.
    """

    name = "products"
    of = (Gemm, MatMul)

    def rewrite(self, op: ROperator) -> Sequence[ROperator]:
        if isinstance(op, Gemm):
            return self.gemm(op)
        return [Product(name=op.name, opset=op.opset).between([op.input(0), op.input(1)], [op.y])]

    def gemm(self, op: Gemm) -> Sequence[ROperator]:
        """The product, and what is left of alpha, beta and c."""
        a, b, c = op.arguments(3)
        product = Product(name=op.name, opset=op.opset, transpose_a=bool(op.transA), transpose_b=bool(op.transB))
        product.inputs = [a, b]
        operators: list[ROperator] = [product]
        last = self.model.new_tensor(f"{op.y.name}_product", op.y.type)
        product.outputs = [last]
        if op.alpha != 1:
            scaled = self.model.new_tensor(f"{op.y.name}_scaled", op.y.type)
            operators.append(_pointwise(Mul, last, self.scalar(op.alpha, last), scaled))
            last = scaled
        if c is not None and op.beta != 0:
            if op.beta != 1:
                scaled = self.model.new_tensor(f"{c.name}_scaled", c.type)
                operators.append(_pointwise(Mul, c, self.scalar(op.beta, c), scaled))
                c = scaled
            operators.append(_pointwise(Add, last, c, op.y))
        else:
            operators[-1].outputs = [op.y]
        return operators

    def scalar(self, value: float, like: Tensor) -> Tensor:
        """A number of the type of `like`."""
        return self.model.new_constant("scalar", value, like.dtype)


def _pointwise(cls: type[ROperator], a: Tensor, b: Tensor, y: Tensor) -> ROperator:
    return cls.make(y.name).between([a, b], [y])
