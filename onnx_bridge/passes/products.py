"""Products: Gemm and MatMul with constant weights become Dense, packed at conversion; the others Product, packed at run time."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.kernel_operators.dense import Dense
from onnx_bridge.kernel_operators.product import Product
from onnx_bridge.operators.gemm import Gemm
from onnx_bridge.operators.matmul import MatMul
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.passes.base import Pass

Add, Mul = TABLE["Add"], TABLE["Mul"]


class Products(Pass):
    """
    1. Gemm, float, constant b, c constant and one value a column (or absent), a not transposed: Dense.
    2. Gemm otherwise: Product, then Mul by alpha and Add of beta * c.
    3. MatMul, float, constant matrix b: Dense.
    4. MatMul otherwise: Product.
    5. Dense without bias, only read by an Add of one constant value a column: that is its bias.
    """

    name = "products"

    def call(self, model: RModel) -> bool:
        operators: list[ROperator] = []
        changed = False
        for op in model.operators:
            replaced = self.gemm(model, op) if isinstance(op, Gemm) else self.matmul(op) if isinstance(op, MatMul) else [op]
            changed |= replaced != [op]
            operators.extend(replaced)
        model.operators = operators
        return self.biases(model) or changed

    def gemm(self, model: RModel, op: Gemm) -> list[ROperator]:
        a, b, c = op.arguments(3)
        assert a is not None and b is not None
        n = op.y.shape[1]
        if b.is_constant and b.dtype is float32 and not op.transA and (c is None or _per_column(c, n)):
            weights = b.constant().T if op.transB else b.constant()
            if op.alpha != 1:
                weights = weights * np.float32(op.alpha)
            dense = Dense(name=op.name, opset=op.opset, weights=np.ascontiguousarray(weights))
            if c is not None and op.beta != 0:
                dense.bias = np.ascontiguousarray(np.broadcast_to(c.constant().reshape(-1) * np.float32(op.beta), weights.shape[1:]))
            dense.inputs, dense.outputs = [a], [op.y]
            return [dense]
        product = Product(name=op.name, opset=op.opset, transpose_a=bool(op.transA), transpose_b=bool(op.transB))
        product.inputs = [a, b]
        operators: list[ROperator] = [product]
        last = model.new_tensor(f"{op.y.name}_product", op.y.type)
        product.outputs = [last]
        if op.alpha != 1:
            last = _append(model, operators, Mul, last, _scalar(model, op.alpha, last), f"{op.y.name}_scaled")
        if c is not None and op.beta != 0:
            if op.beta != 1:
                scaled = model.new_tensor(f"{c.name}_scaled", c.type)
                operators.append(_pointwise(Mul, c, _scalar(model, op.beta, c), scaled))
                c = scaled
            operators.append(_pointwise(Add, last, c, op.y))
        else:
            operators[-1].outputs = [op.y]
        return operators

    def matmul(self, op: MatMul) -> list[ROperator]:
        a, b = op.input(0), op.input(1)
        if b.is_constant and b.rank == 2 and b.dtype is float32 and a.rank >= 2:
            dense = Dense(name=op.name, opset=op.opset, weights=np.ascontiguousarray(b.constant()))
            dense.inputs, dense.outputs = [a], [op.y]
            return [dense]
        product = Product(name=op.name, opset=op.opset)
        product.inputs, product.outputs = [a, b], [op.y]
        return [product]

    def biases(self, model: RModel) -> bool:
        consumers = model.consumers()
        producers = model.producers()
        gone: set[ROperator] = set()
        for op in model.operators:
            if not isinstance(op, Add):
                continue
            for x, c in ((op.input(0), op.input(1)), (op.input(1), op.input(0))):
                dense = producers.get(x)
                alone = consumers.get(x) == [op] and x not in model.outputs
                if (
                    isinstance(dense, Dense)
                    and dense.bias is None
                    and not dense.steps
                    and alone
                    and _per_column(c, x.shape[-1])
                    and c.rank <= x.rank
                ):
                    dense.bias = np.ascontiguousarray(np.broadcast_to(c.constant().reshape(-1), dense.weights.shape[1:]))
                    dense.outputs = [op.y]
                    producers[op.y] = dense
                    gone.add(op)
                    break
        model.operators = [op for op in model.operators if op not in gone]
        return bool(gone)


def _per_column(c: Tensor, n: object) -> bool:
    """Whether c is a constant with one value a column, or one for all."""
    return c.is_constant and c.dtype is float32 and (c.count == 1 or (c.shape[-1] == n and c.count == n))


def _scalar(model: RModel, value: float, like: Tensor) -> Tensor:
    array = np.asarray(value, like.dtype.numpy)
    return model.new_tensor("scalar", Type(like.dtype, ()), value=array)


def _pointwise(cls: type[ROperator], a: Tensor, b: Tensor, y: Tensor) -> ROperator:
    op = cls(name=y.name)
    op.inputs, op.outputs = [a, b], [y]
    return op


def _append(model: RModel, operators: list[ROperator], cls: type[ROperator], a: Tensor, b: Tensor, hint: str) -> Tensor:
    y = model.new_tensor(hint, a.type)
    operators.append(_pointwise(cls, a, b, y))
    return y
